/**
 * Whose session is this: the answer, anywhere below a session's handler.
 *
 * An AsyncLocalStorage holds the context of whatever runs. The session enters it at every call of
 * the user's code, and a reply enters it at every `next()` of the user's generator, because a
 * generator made inside `run()` but pulled outside sees no store.
 */

import { AsyncLocalStorage } from "node:async_hooks";

import { NoContextError } from "../errors.ts";
import type { TransportKind } from "../transport/transport.ts";

/** The moments of one turn, each in milliseconds since the epoch, as they become known. */
export interface TurnTimings {
  /** The first sound of the user's speech; absent in a start-up reply. */
  speechStartedAt?: number;
  /** The last sound of the user's speech. */
  speechEndedAt?: number;
  /** The turn was taken to be over. */
  endedAt?: number;
  /** The reply's generator was started. */
  replyStartedAt?: number;
  /** The reply yielded its first audio. */
  firstFrameAt?: number;
  /** The reply's first audio was handed to the network. */
  firstPacketAt?: number;
  /** The client heard the reply's first sound; only clients that report it. */
  firstAudibleAt?: number;
  /** The user's speech stopped the reply. */
  interruptedAt?: number;
}

/** One turn of the conversation, as its reply sees it. */
export interface Turn {
  /** Unique within the session. */
  readonly id: string;
  /** Counts the session's turns from 1; 0 is the start-up reply. */
  readonly index: number;
  /** Aborts when the user interrupts the reply, and when the session ends. */
  readonly signal: AbortSignal;
  readonly timings: Readonly<TurnTimings>;
  /**
   * Whether the reply was started before the end of the turn was sure: nothing of it is heard until
   * then, and its signal aborts when the user goes on.
   */
  readonly eager: boolean;
  /** What was recognised of the turn, where the handler has a `speechToText`. */
  readonly transcript: string | undefined;
}

/** The HTTP request that opened the session. */
export interface SessionRequest {
  readonly method: string;
  /** The whole URL, as far as the server could tell. */
  readonly url: string;
  readonly headers: Headers;
  /** The peer's address, or that of the proxy in front of us. */
  readonly remoteAddress: string | undefined;
}

/** Everything that belongs to one session. Never shows another session's data. */
export interface SessionContext {
  /** The session's name, chosen by its client. */
  readonly webrtcId: string;
  /** How the session is carried. */
  readonly transport: TransportKind;
  /** When the session began. */
  readonly createdAt: Date;
  /** What opened the session. */
  readonly request: SessionRequest;
  /** Aborts when the session ends. */
  readonly signal: AbortSignal;
  /** The turn that the running code answers; undefined outside a reply. */
  readonly turn: Turn | undefined;
  /**
   * Sends a message to the client, which receives it as its `message` event.
   *
   * @param data - Anything that JSON can carry.
   */
  send(data: unknown): void;
  /**
   * Shows the user a warning.
   *
   * @param message - Shown as it is.
   */
  warn(message: string): void;
  /** Plain data without secrets, for what leaves the process: a worker thread, a queue, a log line. */
  toJSON(): SessionContextData;
}

/** What {@link SessionContext.toJSON} returns. */
export interface SessionContextData {
  readonly webrtcId: string;
  readonly transport: TransportKind;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly turnId?: string;
}

const storage = new AsyncLocalStorage<SessionContext>();

/**
 * Returns the session whose handler is running, or undefined outside a session.
 *
 * Works across `await`, in timers, promises and event listeners, and at each step of a reply.
 */
export function getContext(): SessionContext | undefined {
  return storage.getStore();
}

/**
 * Returns the session whose handler is running.
 *
 * @throws {@link NoContextError} outside a session.
 */
export function getCurrentContext(): SessionContext {
  const context = storage.getStore();
  if (!context) throw new NoContextError();
  return context;
}

/**
 * Ties a callback to the session that is running now, for emitters and pools that would call it
 * from elsewhere.
 *
 * @param callback - Called later, by anybody.
 * @returns A function that runs `callback` in this session's context, or in none if there is none.
 * @example
 * ```ts
 * socket.on("message", bindContext((text: string) => console.log(getContext()?.webrtcId, text)));
 * ```
 */
export function bindContext<A extends readonly unknown[], R>(
  callback: (...args: A) => R,
): (...args: A) => R {
  return AsyncLocalStorage.bind(callback);
}

/**
 * Runs a function inside a session's context.
 *
 * @internal
 */
export function runInContext<R>(context: SessionContext, callback: () => R): R {
  return storage.run(context, callback);
}

/** What a session knows of itself when it begins. */
export interface SessionContextSeed {
  readonly webrtcId: string;
  readonly transport: TransportKind;
  readonly request: SessionRequest;
  readonly signal: AbortSignal;
  readonly send: (data: unknown) => void;
  readonly warn: (message: string) => void;
}

/**
 * Makes a session's context.
 *
 * @internal
 */
export function createSessionContext(seed: SessionContextSeed): SessionContext {
  return freeze({ ...seed, createdAt: new Date() }, undefined);
}

/**
 * Makes the view of a context that the reply of one turn sees. It shares everything but `turn`, so
 * that a reply which was interrupted goes on seeing its own turn.
 *
 * @internal
 */
export function contextOfTurn(context: SessionContext, turn: Turn): SessionContext {
  return freeze(context, turn);
}

type ContextParts = Omit<SessionContext, "turn" | "toJSON">;

function freeze(parts: ContextParts, turn: Turn | undefined): SessionContext {
  const { webrtcId, transport, createdAt, request, signal, send, warn } = parts;
  return Object.freeze({
    webrtcId,
    transport,
    createdAt,
    request,
    signal,
    turn,
    send,
    warn,
    toJSON: (): SessionContextData => ({
      webrtcId,
      transport,
      createdAt: createdAt.toISOString(),
      ...(turn ? { turnId: turn.id } : {}),
    }),
  });
}
