/**
 * One session's values: JSON in and out, over a backend that keeps texts for many sessions.
 *
 * Made by `session-stores.ts` for a session's context, and for whoever asks from outside. What the
 * backend throws rejects the one call, and nothing else.
 */

import {
  InvalidOptionError,
  InvalidStateError,
  isFastRTCError,
  TransportError,
} from "../../errors.ts";
import type { SessionStore, StoreBackend } from "./store.ts";

/** How long a key may be, in characters. */
export const MAX_STORE_KEY_LENGTH = 1_024;
/** How long a value may be as JSON, in characters. */
export const MAX_STORE_VALUE_LENGTH = 1_048_576;

/** What the names of our own values in a session's store begin with; applications see none of them. */
export const OWN_KEY_PREFIX = "\u0000";

// Of writers who compete for a value one wins each round: so many of them all get their turn.
const MAX_UPDATE_ATTEMPTS = 100;

/** A {@link SessionStore} over a {@link StoreBackend}. */
export class SessionStoreView implements SessionStore {
  readonly #backend: StoreBackend;
  readonly #webrtcId: string;
  readonly #name: string;

  /**
   * @param backend - Where the values are.
   * @param webrtcId - Whose they are.
   * @param prefix - What stands before that in the backend's name of the session.
   */
  constructor(backend: StoreBackend, webrtcId: string, prefix = "") {
    this.#backend = backend;
    this.#webrtcId = webrtcId;
    this.#name = `${prefix}${webrtcId}`;
  }

  async get<T = unknown>(key: string): Promise<T | undefined> {
    checkKey(key);
    const text = await this.#ask("read", (name) => this.#backend.get(name, key));
    return this.#parse(key, text) as T | undefined;
  }

  async set(key: string, value: unknown): Promise<void> {
    checkKey(key);
    if (value === undefined) {
      await this.delete(key);
      return;
    }
    const text = toJson(value);
    await this.#ask("write", (name) => this.#backend.set(name, key, text));
  }

  async update<T = unknown>(key: string, change: (value: T | undefined) => T): Promise<T> {
    checkKey(key);
    for (let attempt = 0; attempt < MAX_UPDATE_ATTEMPTS; attempt++) {
      const old = await this.#ask("read", (name) => this.#backend.get(name, key));
      const changed = change(this.#parse(key, old) as T | undefined);
      const text = toJson(changed);
      if (await this.#ask("write", (name) => this.#backend.replace(name, key, old, text))) {
        return changed;
      }
    }
    throw new InvalidStateError(
      `The stored value ${JSON.stringify(key)} was changed by others ${MAX_UPDATE_ATTEMPTS} times during an update. Let fewer writers share one key.`,
      { webrtcId: this.#webrtcId },
    );
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await this.#ask("delete", (name) => this.#backend.delete(name, key));
  }

  async keys(): Promise<string[]> {
    const keys = await this.#ask("list", (name) => this.#backend.keys(name));
    return keys.filter((key) => !key.startsWith(OWN_KEY_PREFIX));
  }

  async clear(): Promise<void> {
    // Not the backend's own clear(): whose the store is must stay known.
    const keys = await this.keys();
    await this.#ask("clear", (name) =>
      Promise.all(keys.map((key) => this.#backend.delete(name, key))),
    );
  }

  async #ask<R>(what: string, call: (name: string) => Promise<R>): Promise<R> {
    try {
      return await call(this.#name);
    } catch (error) {
      if (isFastRTCError(error)) throw error;
      throw new TransportError(
        `The session store failed to ${what}. Check that its backend runs and can be reached; the cause says more.`,
        { cause: error, webrtcId: this.#webrtcId },
      );
    }
  }

  #parse(key: string, text: string | undefined): unknown {
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw new InvalidStateError(
        `The stored value ${JSON.stringify(key)} is not JSON: something else has written it.`,
        { cause: error, webrtcId: this.#webrtcId },
      );
    }
  }
}

function checkKey(key: unknown): asserts key is string {
  if (typeof key !== "string" || key.length > MAX_STORE_KEY_LENGTH) {
    const remedy = `Give a string of at most ${MAX_STORE_KEY_LENGTH} characters.`;
    throw new InvalidOptionError("key", key, remedy);
  }
  if (key.startsWith(OWN_KEY_PREFIX)) {
    throw new InvalidOptionError("key", key, "Do not begin it with U+0000.");
  }
  // UTF-8 has no half surrogate pairs: two such keys would become one in a backend.
  if (/\p{Surrogate}/u.test(key)) {
    throw new InvalidOptionError("key", key, "Give whole characters, not half a surrogate pair.");
  }
}

// The library's types do not say that functions and symbols have no JSON.
const stringify: (value: unknown) => string | undefined = JSON.stringify;

function toJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = stringify(value);
  } catch (error) {
    const remedy = "Give what JSON can carry: no cycles, no bigint.";
    throw new InvalidOptionError("value", value, remedy, { cause: error });
  }
  if (text === undefined) {
    throw new InvalidOptionError(
      "value",
      value,
      "Give what JSON can carry; delete() removes a key.",
    );
  }
  if (text.length > MAX_STORE_VALUE_LENGTH) {
    const remedy = `As JSON it has ${text.length} characters; at most ${MAX_STORE_VALUE_LENGTH} are stored.`;
    throw new InvalidOptionError("value", value, remedy);
  }
  return text;
}
