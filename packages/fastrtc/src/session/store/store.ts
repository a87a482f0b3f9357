/**
 * What is remembered under a session's id: the contract of the backends, and what an application sees.
 *
 * A store outlives the session's connection, so that a client that comes back finds it again, and a
 * backend may be shared by many processes. Values are JSON. `store-view.ts` puts the two together.
 */

/** A session's own values, kept under its id. Every method rejects with the backend's error. */
export interface SessionStore {
  /** Reads a value; undefined where there is none. */
  get<T = unknown>(key: string): Promise<T | undefined>;
  /**
   * Writes a value. Every write keeps the whole store alive for its time to live again.
   *
   * @param value - Anything that JSON can carry; undefined deletes.
   * @throws {@link InvalidOptionError} when the key or the value is too long, or not JSON. Keys that
   * begin with U+0000 are ours.
   */
  set(key: string, value: unknown): Promise<void>;
  /**
   * Reads, changes and writes a value without losing what somebody else writes meanwhile: the change
   * is made again on the newest value until it fits.
   *
   * @param change - Gets the value, or undefined, and returns the new one. May run several times.
   * @returns what was written.
   */
  update<T = unknown>(key: string, change: (value: T | undefined) => T): Promise<T>;
  /** Deletes a value. */
  delete(key: string): Promise<void>;
  /** Lists the keys, in no order. */
  keys(): Promise<string[]>;
  /** Deletes everything. */
  clear(): Promise<void>;
}

/**
 * Keeps the values of many sessions. One object may serve all streams of a process.
 *
 * Values are JSON texts, which backends do not read. A session's values live together: each write
 * renews the time to live of all of them.
 */
export interface StoreBackend {
  /** Reads a value; undefined where there is none. */
  get(session: string, key: string): Promise<string | undefined>;
  /** Writes a value. */
  set(session: string, key: string, value: string): Promise<void>;
  /**
   * Writes a value where the old one is still the expected one, in one step.
   *
   * @param expected - The old value; undefined where there was none.
   * @returns whether it was written.
   */
  replace(
    session: string,
    key: string,
    expected: string | undefined,
    value: string,
  ): Promise<boolean>;
  /** Deletes a value, if there is one. */
  delete(session: string, key: string): Promise<void>;
  /** Lists a session's keys, in no order. */
  keys(session: string): Promise<string[]>;
  /** Deletes all of a session's values. */
  clear(session: string): Promise<void>;
  /** Gives back what it holds: connections and timers. Values of a shared store stay. */
  close(): Promise<void>;
}
