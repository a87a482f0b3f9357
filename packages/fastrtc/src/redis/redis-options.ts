/** What the store and the backplane are told about Redis, and what they are given when told nothing. */

import { InvalidOptionError } from "../errors.ts";
import { systemClock } from "../media/clock.ts";
import type { Clock } from "../media/clock.ts";
import { consoleLogger } from "../observe/logger.ts";
import type { Logger } from "../observe/logger.ts";

/** A client of the package `redis`, made by its `createClient()`. */
export interface RedisClientSource {
  /** Makes a second client with the same options. */
  duplicate(overrides?: never): unknown;
}

/** How to reach Redis, or Valkey, which speaks the same protocol. */
export interface RedisOptions {
  /**
   * Where Redis is: `redis://user:password@host:port/database`, or `rediss:` for TLS.
   *
   * @defaultValue "redis://localhost:6379"
   */
  readonly url?: string | undefined;
  /**
   * A client of the package `redis` instead of `url`, for whatever a URL cannot say. It is copied,
   * not used: it need not be connected, and stays the caller's to close.
   */
  readonly client?: RedisClientSource;
  /**
   * What all keys and channels begin with. Processes that share sessions need the same one; it may
   * not hold braces, which Redis Cluster gives a meaning.
   *
   * @defaultValue "fastrtc:"
   */
  readonly prefix?: string;
  /**
   * How long a command may take, in milliseconds, before it is given up.
   *
   * Lower values let offers fail sooner when Redis hangs, and turn a slow moment into errors.
   *
   * @defaultValue 2,000
   */
  readonly commandTimeoutMs?: number;
  /**
   * How long the first command waits for the connection, in milliseconds. Later ones never wait:
   * while Redis is away, they fail at once.
   *
   * @defaultValue 5,000
   */
  readonly connectTimeoutMs?: number;
  /** Where an outage and its end are reported, once each. @defaultValue {@link consoleLogger} */
  readonly logger?: Logger;
  /** Where time comes from; for tests. @defaultValue {@link systemClock} */
  readonly clock?: Clock;
}

/** {@link RedisOptions} that have been checked. */
export interface RedisSettings extends Required<Omit<RedisOptions, "url" | "client">> {
  readonly url: string | undefined;
  readonly client: RedisClientSource | undefined;
  /** Names the server in messages, without its password. */
  readonly place: string;
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws {@link InvalidOptionError} when one cannot work.
 */
export function parseRedisOptions(options: RedisOptions): RedisSettings {
  const { client, prefix = "fastrtc:", logger = consoleLogger, clock = systemClock } = options;
  const { commandTimeoutMs = 2_000, connectTimeoutMs = 5_000 } = options;
  checkDelay("commandTimeoutMs", commandTimeoutMs);
  checkDelay("connectTimeoutMs", connectTimeoutMs);
  if (typeof prefix !== "string" || /[{}]/.test(prefix)) {
    throw new InvalidOptionError("prefix", prefix, "Give a string without braces.");
  }
  const common = { prefix, logger, clock, commandTimeoutMs, connectTimeoutMs };
  if (client === undefined) {
    const url = options.url ?? "redis://localhost:6379";
    return { ...common, url, client, place: placeOfUrl(url) };
  }
  if (options.url !== undefined) {
    const remedy = "Give either url or client: a client brings its own address.";
    throw new InvalidOptionError("client", client, remedy);
  }
  // What createCluster() returns has commands of another shape.
  if (typeof client.duplicate !== "function" || "slots" in client) {
    const remedy = "Give what createClient() of the package redis returns.";
    throw new InvalidOptionError("client", client, remedy);
  }
  return { ...common, url: undefined, client, place: placeOfClient(client) };
}

/**
 * Checks a duration that Redis is to keep.
 *
 * @throws {@link InvalidOptionError} when it is not above zero, or for ever.
 */
export function checkDuration(option: string, value: number): void {
  if (value > 0 && value <= Number.MAX_SAFE_INTEGER / 2) return;
  throw new InvalidOptionError(option, value, "Give milliseconds, above zero.");
}

/**
 * Checks a duration that a timer of ours is to wait.
 *
 * @throws {@link InvalidOptionError} when it is not above zero, or longer than Node's timers wait.
 */
export function checkDelay(option: string, value: number): void {
  if (value > 0 && value < 2 ** 31) return;
  throw new InvalidOptionError(option, value, "Give milliseconds, above zero and below 2^31.");
}

function placeOfUrl(url: unknown): string {
  // Node's own error would carry the whole URL, with the password, into logs.
  const text = typeof url === "string" ? url : "";
  if (/^rediss?:\/\//i.test(text) && URL.canParse(text)) return new URL(text).host || "localhost";
  const harmless = typeof url === "string" ? url.replace(/\/\/[^/]*@/, "//***@") : url;
  throw new InvalidOptionError("url", harmless, "Write redis://host:port, or rediss: for TLS.");
}

function placeOfClient(client: object): string {
  const { options } = client as {
    options?: { socket?: { host?: string; port?: number; path?: string } };
  };
  const { host = "localhost", port = 6379, path } = options?.socket ?? {};
  return path ?? `${host}:${port}`;
}
