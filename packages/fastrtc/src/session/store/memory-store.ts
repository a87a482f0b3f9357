/**
 * Keeps the values of sessions in this process's memory: nothing to install, gone with the process.
 *
 * JSON texts come in from `store-view.ts` and go out again. Three bounds keep it small, and one
 * timer forgets what was not written for long.
 */

import { InvalidOptionError, InvalidStateError } from "../../errors.ts";
import { systemClock } from "../../media/clock.ts";
import type { Clock, Timer } from "../../media/clock.ts";
import type { StoreBackend } from "./store.ts";

/** Shapes a {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /**
   * How long a session's values are kept after the last write to any of them, in milliseconds.
   *
   * Higher values let clients come back later and cost memory for as long.
   *
   * @defaultValue 86,400,000 (24 hours)
   */
  readonly ttlMs?: number;
  /**
   * How many sessions may have values. At the bound the session that was written longest ago is
   * forgotten.
   *
   * @defaultValue 10,000
   */
  readonly maxSessions?: number;
  /**
   * How many keys one session may have, one of which is ours: it tells whose the values are. At the
   * bound the write of a new key is refused.
   *
   * @defaultValue 1,000
   */
  readonly maxKeysPerSession?: number;
  /**
   * How many bytes all keys and values may take, at two bytes a character. At the bound the sessions
   * that were written longest ago are forgotten; what would not fit alone is refused.
   *
   * @defaultValue 268,435,456 (256 MiB)
   */
  readonly maxBytes?: number;
  /** Where time comes from; for tests. @defaultValue {@link systemClock} */
  readonly clock?: Clock;
}

const DEFAULTS = {
  ttlMs: 24 * 60 * 60 * 1000,
  maxSessions: 10_000,
  maxKeysPerSession: 1_000,
  maxBytes: 256 * 1024 * 1024,
  clock: systemClock,
} as const satisfies Required<MemoryStoreOptions>;

/** The longest delay of Node's timers: 2^31 - 1 ms. */
const MAX_DELAY_MS = 2_147_483_647;

interface Entry {
  readonly values: Map<string, string>;
  bytes: number;
  expiresAt: number;
}

/** A {@link StoreBackend} in memory. */
export class MemoryStore implements StoreBackend {
  readonly #options: Required<MemoryStoreOptions>;
  /** The session that was written longest ago stands first, and so expires first. */
  readonly #sessions = new Map<string, Entry>();
  #bytes = 0;
  #timer: Timer | undefined;
  #isClosed = false;

  /** @throws {@link InvalidOptionError} when a bound is not above zero. */
  constructor(options: MemoryStoreOptions = {}) {
    this.#options = { ...DEFAULTS, ...options };
    for (const name of ["ttlMs", "maxSessions", "maxKeysPerSession", "maxBytes"] as const) {
      if (this.#options[name] > 0) continue;
      throw new InvalidOptionError(name, this.#options[name], "Give a number above zero.");
    }
  }

  /** How many sessions have values. */
  get sessions(): number {
    this.#expire();
    return this.#sessions.size;
  }

  /** How many bytes the keys and values take, at two bytes a character. */
  get bytes(): number {
    this.#expire();
    return this.#bytes;
  }

  // Each decides before it returns, and async makes what it throws a rejection.
  /* eslint-disable @typescript-eslint/require-await */
  async get(session: string, key: string): Promise<string | undefined> {
    return this.#entry(session)?.values.get(key);
  }

  async set(session: string, key: string, value: string): Promise<void> {
    this.#write(session, key, value);
  }

  async replace(
    session: string,
    key: string,
    expected: string | undefined,
    value: string,
  ): Promise<boolean> {
    if (this.#entry(session)?.values.get(key) !== expected) return false;
    this.#write(session, key, value);
    return true;
  }

  async delete(session: string, key: string): Promise<void> {
    const entry = this.#entry(session);
    const old = entry?.values.get(key);
    if (!entry || old === undefined) return;
    if (entry.values.size === 1) {
      this.#forget(session, entry);
      return;
    }
    entry.values.delete(key);
    this.#grow(entry, -bytesOf(key, old));
    this.#renew(session, entry);
  }

  async keys(session: string): Promise<string[]> {
    return [...(this.#entry(session)?.values.keys() ?? [])];
  }

  async clear(session: string): Promise<void> {
    const entry = this.#entry(session);
    if (entry) this.#forget(session, entry);
  }

  /** Forgets everything. Whatever is asked afterwards is refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sessions.clear();
    this.#bytes = 0;
  }
  /* eslint-enable @typescript-eslint/require-await */

  #entry(session: string): Entry | undefined {
    if (this.#isClosed) throw new InvalidStateError("The session store is closed.");
    this.#expire();
    return this.#sessions.get(session);
  }

  #write(session: string, key: string, value: string): void {
    const { maxKeysPerSession, maxBytes, maxSessions } = this.#options;
    const found = this.#entry(session);
    const old = found?.values.get(key);
    if (old === undefined && (found?.values.size ?? 0) >= maxKeysPerSession) {
      const remedy = "The session has as many keys already: delete some, or raise the bound.";
      throw new InvalidOptionError("maxKeysPerSession", maxKeysPerSession, remedy);
    }
    const growth = bytesOf(key, value) - (old === undefined ? 0 : bytesOf(key, old));
    if ((found?.bytes ?? 0) + growth > maxBytes) {
      const remedy = "The values of one session would take more: store less, or raise the bound.";
      throw new InvalidOptionError("maxBytes", maxBytes, remedy);
    }
    const entry = found ?? { values: new Map<string, string>(), bytes: 0, expiresAt: 0 };
    entry.values.set(key, value);
    this.#grow(entry, growth);
    this.#renew(session, entry);
    for (const [other, oldest] of this.#sessions) {
      if (this.#sessions.size <= maxSessions && this.#bytes <= maxBytes) break;
      this.#forget(other, oldest);
    }
  }

  #grow(entry: Entry, bytes: number): void {
    entry.bytes += bytes;
    this.#bytes += bytes;
  }

  #renew(session: string, entry: Entry): void {
    const { clock, ttlMs } = this.#options;
    entry.expiresAt = clock.now() + ttlMs;
    this.#sessions.delete(session);
    this.#sessions.set(session, entry);
    if (!this.#timer) this.#setTimer(ttlMs);
  }

  #forget(session: string, entry: Entry): void {
    this.#sessions.delete(session);
    this.#bytes -= entry.bytes;
    if (this.#sessions.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  // Sessions stand in the order of their last writes, so that the first which is not over ends the
  // search: each call costs as much as it forgets.
  #expire(): void {
    const now = this.#options.clock.now();
    for (const [session, entry] of this.#sessions) {
      if (entry.expiresAt > now) return;
      this.#forget(session, entry);
    }
  }

  // Reads and writes forget what is over by themselves; the timer is for a store that nobody asks.
  #setTimer(delayMs: number): void {
    const { clock } = this.#options;
    this.#timer = clock.setTimeout(
      () => {
        this.#timer = undefined;
        this.#expire();
        for (const { expiresAt } of this.#sessions.values()) {
          this.#setTimer(expiresAt - clock.now());
          return;
        }
      },
      Math.min(delayMs, MAX_DELAY_MS),
    );
  }
}

function bytesOf(key: string, value: string): number {
  return 2 * (key.length + value.length);
}
