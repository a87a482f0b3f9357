/** What a session knows of itself: the shape of its context. `context.ts` makes and finds it. */

import type { TransportKind } from "../../transport/transport.ts";
import type { ClientInfo } from "./client-info.ts";
import type { SessionStore } from "../store/store.ts";

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
  /**
   * What was recognised of the turn, where the handler has a `speechToText`; or what the user typed
   * instead of speaking.
   */
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

/** A telephone call, as the context of its session tells of it. */
export interface TelephoneCall {
  /** `twilio`, `telnyx`, `vonage`, `plivo`, `audiosocket`, `asterisk`, or an application's own. */
  readonly carrier: string;
  /** The carrier's name of the call. */
  readonly callId: string;
  /** The caller's number, where it is known. */
  readonly from: string | undefined;
  /** The number that was called, where it is known. */
  readonly to: string | undefined;
}

/** The types of a session's own values; each is `unknown`, or an open record, until it is said. */
export interface ContextTypes {
  readonly user?: unknown;
  readonly params?: unknown;
  readonly state?: unknown;
}

/**
 * The types that {@link getContext} gives where nothing else is said. An application declares its
 * own once, by merging into this interface:
 *
 * @example
 * ```ts
 * declare module "fastrtc" {
 *   interface SessionTypes {
 *     user: { id: string };
 *     params: { language: string };
 *   }
 * }
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled by applications
export interface SessionTypes {}

/** The type of one of a session's own values. */
export type ContextValue<T, Name extends keyof ContextTypes, Fallback> =
  T extends Readonly<Record<Name, infer Value>> ? Value : Fallback;

/**
 * Everything that belongs to one session. Never shows another session's data.
 *
 * @typeParam T - The types of `user`, `params` and `state`.
 */
export interface SessionContext<T extends ContextTypes = SessionTypes> {
  /** The session's name, chosen by its client. */
  readonly webrtcId: string;
  /** How the session is carried. */
  readonly transport: TransportKind;
  /** When the session began; where it was resumed, when it began for the first time. */
  readonly createdAt: Date;
  /** Whether this goes on a session that was lost: `state` and `store` are those of before. */
  readonly resumed: boolean;
  /** What the option `authenticate` returned; undefined without that option. */
  readonly user: ContextValue<T, "user", unknown>;
  /**
   * The session's parameters, as the option `params` has validated them; without that option what
   * the client sent, unchecked.
   */
  readonly params: ContextValue<T, "params", unknown>;
  /**
   * The session's own mutable values, in this process. They are gone with the session, and are
   * there again when the client resumes it.
   */
  readonly state: ContextValue<T, "state", Record<string, unknown>>;
  /** Values under the session's id that outlive it, and that other processes can read. */
  readonly store: SessionStore;
  /** The device that opened the session. */
  readonly client: ClientInfo;
  /** What opened the session. */
  readonly request: SessionRequest;
  /** The telephone call that carries the session; undefined for every other transport. */
  readonly telephone: TelephoneCall | undefined;
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
  /**
   * Ends the session at once. To let queued audio be heard first, yield a `CloseStream`.
   *
   * @param message - What the client is told.
   */
  close(message?: string): void;
  /**
   * Plain data without secrets, for what leaves the process: a worker thread, a queue, a log line.
   * It is also what `console.log` prints.
   */
  toJSON(): SessionContextData;
}

/** What {@link SessionContext.toJSON} returns. Headers, query and params are without secrets. */
export interface SessionContextData {
  readonly webrtcId: string;
  readonly transport: TransportKind;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly resumed: boolean;
  /** The user itself where it is a text or a number, else its `id` or `sub`; nothing else of it. */
  readonly userId?: string | number;
  readonly params?: unknown;
  readonly client: ClientInfo;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
  };
  readonly telephone?: TelephoneCall;
  readonly turnId?: string;
}
