/**
 * Whose session is this: the answer, anywhere below a session's handler.
 *
 * An AsyncLocalStorage holds the context of whatever runs. The session enters it at every call of
 * the user's code, and a reply enters it at every `next()` of the user's generator, because a
 * generator made inside `run()` but pulled outside sees no store.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { inspect } from "node:util";

import { NoContextError } from "../../errors.ts";
import type { TransportKind } from "../../transport/transport.ts";
import type { ClientInfo } from "./client-info.ts";
import { redactHeaders, redactUrl, redactValue } from "./redact.ts";
import type {
  ContextTypes,
  SessionContext,
  SessionContextData,
  SessionRequest,
  SessionTypes,
  TelephoneCall,
  Turn,
} from "./session-context.ts";
import type { SessionStore } from "../store/store.ts";

export type { SessionContext, Turn, TurnTimings } from "./session-context.ts";

const storage = new AsyncLocalStorage<SessionContext | undefined>();

/**
 * Returns the session whose handler is running, or undefined outside a session.
 *
 * Works across `await`, in timers, promises and event listeners, and at each step of a reply.
 *
 * @typeParam T - The types of `user`, `params` and `state`; taken on trust. `stream.getContext()`
 * knows them, and so does this where an application has declared its {@link SessionTypes}.
 */
export function getContext<T extends ContextTypes = SessionTypes>(): SessionContext<T> | undefined {
  return storage.getStore();
}

/**
 * Returns the session whose handler is running.
 *
 * @typeParam T - As for {@link getContext}.
 * @throws {@link NoContextError} outside a session.
 */
export function getCurrentContext<T extends ContextTypes = SessionTypes>(): SessionContext<T> {
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

/**
 * Runs a function outside of every session: for what outlives the session that happens to need it
 * first, such as a thread, whose events would go on in that session's context.
 *
 * @internal
 */
export function runOutsideContext<R>(callback: () => R): R {
  return storage.run(undefined, callback);
}

/** What a session knows of itself when it begins. */
export interface SessionContextSeed {
  readonly webrtcId: string;
  readonly transport: TransportKind;
  readonly createdAt: Date;
  readonly resumed: boolean;
  readonly user: unknown;
  readonly params: unknown;
  readonly state: unknown;
  readonly store: SessionStore;
  readonly client: ClientInfo;
  readonly request: SessionRequest;
  readonly telephone: TelephoneCall | undefined;
  readonly signal: AbortSignal;
  readonly send: (data: unknown) => void;
  readonly warn: (message: string) => void;
  readonly close: (message?: string) => void;
}

/**
 * Makes a session's context.
 *
 * @internal
 */
export function createSessionContext(seed: SessionContextSeed): SessionContext {
  return freeze(seed, undefined);
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

function freeze(parts: SessionContextSeed, turn: Turn | undefined): SessionContext {
  const toJSON = (): SessionContextData => plainContext(parts, turn);
  const context = {
    ...parts,
    state: parts.state as Record<string, unknown>,
    turn,
    toJSON,
    // Whoever logs a context must not log the caller's cookies.
    [inspect.custom]: toJSON,
  };
  return Object.freeze(Object.defineProperty(context, inspect.custom, { enumerable: false }));
}

function plainContext(parts: SessionContextSeed, turn: Turn | undefined): SessionContextData {
  const { webrtcId, transport, createdAt, resumed, client, request, telephone } = parts;
  const params = redactValue(parts.params);
  const userId = idOf(parts.user);
  return {
    webrtcId,
    transport,
    createdAt: createdAt.toISOString(),
    resumed,
    ...(userId === undefined ? {} : { userId }),
    ...(params === undefined ? {} : { params }),
    client,
    request: {
      method: request.method,
      url: redactUrl(request.url),
      headers: redactHeaders(request.headers),
    },
    ...(telephone ? { telephone } : {}),
    ...(turn ? { turnId: turn.id } : {}),
  };
}

// Of a user only what names it: the rest may be its password's hash.
function idOf(user: unknown): string | number | undefined {
  if (typeof user === "string" || typeof user === "number") return user;
  if (typeof user !== "object" || user === null) return undefined;
  const { id, sub } = user as { readonly id?: unknown; readonly sub?: unknown };
  return [id, sub].find(
    (value): value is string | number => typeof value === "string" || typeof value === "number",
  );
}
