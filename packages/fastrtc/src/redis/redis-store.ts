/**
 * Keeps the values of sessions in Redis: one hash a session, which Redis forgets by itself.
 *
 * JSON texts come in from the session's store and go out again; whatever process asks sees the same.
 */

import type { StoreBackend } from "../session/store/store.ts";
import { luaScript } from "./lua-script.ts";
import { OutageLog } from "./outage-log.ts";
import { RedisLink } from "./redis-link.ts";
import { checkDuration, parseRedisOptions } from "./redis-options.ts";
import type { RedisOptions } from "./redis-options.ts";

/** Shapes a {@link createRedisStore}. */
export interface RedisStoreOptions extends RedisOptions {
  /**
   * How long a session's values are kept after the last write to any of them, in milliseconds.
   *
   * Higher values let clients come back later and cost Redis memory for as long.
   *
   * @defaultValue 86,400,000 (24 hours)
   */
  readonly ttlMs?: number;
}

/** The default of {@link RedisStoreOptions.ttlMs}. */
export const DEFAULT_STORE_TTL_MS = 86_400_000;

// KEYS: the session's hash. ARGV: time to live, key, value.
const SET = luaScript(`
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1`);

// KEYS: the session's hash. ARGV: time to live, key, value, and the expected one if there is one.
const REPLACE = luaScript(`
if redis.call('HGET', KEYS[1], ARGV[2]) ~= (ARGV[4] or false) then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1`);

// KEYS: the session's hash. ARGV: time to live, key.
const DELETE = luaScript(`
redis.call('HDEL', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1`);

/**
 * Makes a store in Redis, or Valkey, that processes on many machines share.
 *
 * The connection is opened by the first call. While Redis is away, calls reject at once; sessions
 * and their media go on. Needs the package `redis`, version 5 or 6.
 *
 * @param options - Where Redis is.
 * @throws {@link InvalidOptionError} when an option cannot work.
 *
 * @example
 * ```ts
 * const stream = new Stream({ ...options, store: createRedisStore({ url: process.env.REDIS_URL }) });
 * ```
 */
export function createRedisStore(options: RedisStoreOptions = {}): StoreBackend {
  const { ttlMs = DEFAULT_STORE_TTL_MS } = options;
  checkDuration("ttlMs", ttlMs);
  const settings = parseRedisOptions(options);
  const outages = new OutageLog(settings.logger, settings.place);
  const link = new RedisLink({ settings, outages });
  return new RedisStore({ link, prefix: `${settings.prefix}store:`, ttlMs, ownsLink: true });
}

/** Shapes a {@link RedisStore}. */
export interface RedisStoreParts {
  readonly link: RedisLink;
  /** What the keys of the sessions' hashes begin with. */
  readonly prefix: string;
  readonly ttlMs: number;
  /** Whether the connection is closed with the store. */
  readonly ownsLink: boolean;
}

/** A {@link StoreBackend} in Redis. */
export class RedisStore implements StoreBackend {
  readonly #link: RedisLink;
  readonly #prefix: string;
  readonly #ttl: string;
  readonly #ownsLink: boolean;

  constructor(parts: RedisStoreParts) {
    this.#link = parts.link;
    this.#prefix = parts.prefix;
    this.#ttl = String(Math.ceil(parts.ttlMs));
    this.#ownsLink = parts.ownsLink;
  }

  async get(session: string, key: string): Promise<string | undefined> {
    const value = await this.#link.command(["HGET", this.#prefix + session, key]);
    return typeof value === "string" ? value : undefined;
  }

  async set(session: string, key: string, value: string): Promise<void> {
    await this.#link.run(SET, [this.#prefix + session], [this.#ttl, key, value]);
  }

  async replace(
    session: string,
    key: string,
    expected: string | undefined,
    value: string,
  ): Promise<boolean> {
    const args = [this.#ttl, key, value, ...(expected === undefined ? [] : [expected])];
    return (await this.#link.run(REPLACE, [this.#prefix + session], args)) === 1;
  }

  async delete(session: string, key: string): Promise<void> {
    await this.#link.run(DELETE, [this.#prefix + session], [this.#ttl, key]);
  }

  async keys(session: string): Promise<string[]> {
    return (await this.#link.command(["HKEYS", this.#prefix + session])) as string[];
  }

  async clear(session: string): Promise<void> {
    await this.#link.command(["DEL", this.#prefix + session]);
  }

  async close(): Promise<void> {
    if (this.#ownsLink) await this.#link.close();
  }
}
