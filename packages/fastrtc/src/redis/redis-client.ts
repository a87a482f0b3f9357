/**
 * The package `redis`, as far as it is used: loaded when the first command needs it, because it is
 * an optional dependency, and described here, so that our own types do not need it.
 */

import { InvalidOptionError } from "../errors.ts";
import type { RedisSettings } from "./redis-options.ts";

/** What Redis can answer to the commands that are sent. */
export type RedisReply = string | number | null | RedisReply[];

/** One connection of node-redis, which reconnects by itself. */
export interface RedisClient {
  /** Whether commands can be sent now. */
  readonly isReady: boolean;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "ready", listener: () => void): unknown;
  connect(): Promise<unknown>;
  sendCommand(args: readonly string[]): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  /** Closes when everything that was sent has been answered. */
  close(): Promise<unknown>;
  /** Closes at once. */
  destroy(): void;
}

/** Commands that wait for an answer at the same time; further ones are refused. */
const MAX_PENDING_COMMANDS = 10_000;
/** The longest pause between two attempts to connect, in milliseconds. */
export const MAX_RECONNECT_DELAY_MS = 2_000;

/**
 * Makes a client that is not connected yet.
 *
 * @throws {@link InvalidOptionError} when the package `redis` is not installed, or refuses the URL.
 */
export async function createRedisClient(settings: RedisSettings): Promise<RedisClient> {
  const { url, client, connectTimeoutMs } = settings;
  const own = {
    // Commands fail at once while Redis is away: a caller who waits is worse than one who is told.
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_PENDING_COMMANDS,
    commandOptions: {},
  };
  const socket = { connectTimeout: connectTimeoutMs, reconnectStrategy: reconnectDelay };
  if (!client) {
    const { createClient } = await loadPackage();
    try {
      return createClient({ ...own, url, socket });
    } catch {
      // Its message may hold the URL, with the password.
      const remedy = "Check its user, password and database, which is a number.";
      throw new InvalidOptionError("url", settings.place, remedy);
    }
  }
  const { options } = client as { options?: { socket?: object } };
  const overrides = { ...own, socket: { ...options?.socket, ...socket } };
  return client.duplicate(overrides as never) as RedisClient;
}

interface RedisPackage {
  readonly createClient: (options: object) => RedisClient;
}

async function loadPackage(): Promise<RedisPackage> {
  try {
    return await import("redis");
  } catch (cause) {
    const remedy = "Redis needs the package redis, version 5 or 6: run `npm install redis`.";
    throw new InvalidOptionError("redis", "not installed", remedy, { cause });
  }
}

// Random, so that a thousand processes do not all knock in the moment in which Redis is back.
function reconnectDelay(retries: number): number {
  const delay = Math.min(MAX_RECONNECT_DELAY_MS, 50 * 2 ** Math.min(retries, 10));
  return Math.round(delay * (0.5 + Math.random() / 2));
}
