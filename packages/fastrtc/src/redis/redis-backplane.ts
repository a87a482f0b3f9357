/**
 * Joins processes on many machines through Redis: who owns which session, a message to the owner,
 * and the sessions' values. Streams come in by their names; each gets a node of its own.
 *
 * Two connections: one for commands, one that listens.
 */

import { InvalidOptionError, InvalidStateError } from "../errors.ts";
import type {
  Backplane,
  BackplaneListener,
  BackplaneNode,
} from "../session/backplane/backplane.ts";
import type { StoreBackend } from "../session/store/store.ts";
import { OutageLog } from "./outage-log.ts";
import { RedisLink } from "./redis-link.ts";
import { RedisNode } from "./redis-node.ts";
import type { NodeTimes } from "./redis-node.ts";
import { checkDelay, checkDuration, parseRedisOptions } from "./redis-options.ts";
import type { RedisSettings } from "./redis-options.ts";
import { DEFAULT_STORE_TTL_MS, RedisStore } from "./redis-store.ts";
import type { RedisStoreOptions } from "./redis-store.ts";

/** Shapes a {@link createRedisBackplane}. */
export interface RedisBackplaneOptions extends RedisStoreOptions {
  /**
   * How often a process says that it lives, in milliseconds. Costs Redis one short script each time.
   *
   * @defaultValue 2,000
   */
  readonly heartbeatMs?: number;
  /**
   * After how long without a word a process is taken for dead, in milliseconds: at least twice
   * `heartbeatMs`, and the same in all processes.
   *
   * Lower values free a dead process's sessions sooner, and take one that only hangs for dead.
   *
   * @defaultValue 8,000
   */
  readonly deadAfterMs?: number;
  /**
   * How long the sessions of a process that died may be resumed, in milliseconds.
   *
   * Higher values give clients more time to come back; their ids stay taken for as long.
   *
   * @defaultValue 60,000
   */
  readonly orphanedMs?: number;
}

/**
 * Makes a backplane in Redis, or Valkey, for processes on many machines.
 *
 * All processes need the same Redis, `prefix` and names of streams. The connection is opened when
 * the first stream joins, which fails when Redis cannot be reached. Redis may go away later: media
 * goes on, no session can begin, and requests that reach the wrong process fail at once. When it is
 * back, also when it has lost everything, each process registers its sessions again.
 *
 * Needs the package `redis`, version 5 or 6, and one address that takes writes: not Redis Cluster's
 * own client.
 *
 * @param options - Where Redis is.
 * @throws {@link InvalidOptionError} when an option cannot work.
 *
 * @example
 * ```ts
 * const backplane = createRedisBackplane({ url: process.env.REDIS_URL });
 * const stream = new Stream({ ...options, backplane });
 * ```
 */
export function createRedisBackplane(options: RedisBackplaneOptions = {}): Backplane {
  return new RedisBackplane(options);
}

/** A {@link Backplane} in Redis. */
export class RedisBackplane implements Backplane {
  readonly #settings: RedisSettings;
  readonly #times: NodeTimes;
  readonly #ttlMs: number;
  readonly #commands: RedisLink;
  readonly #subscriber: RedisLink;
  readonly #nodes = new Map<string, RedisNode>();
  #isClosed = false;

  /** @throws {@link InvalidOptionError} when an option cannot work. */
  constructor(options: RedisBackplaneOptions) {
    const { ttlMs = DEFAULT_STORE_TTL_MS, orphanedMs = 60_000 } = options;
    const { heartbeatMs = 2_000, deadAfterMs = 8_000 } = options;
    checkDuration("ttlMs", ttlMs);
    checkDelay("heartbeatMs", heartbeatMs);
    checkDelay("deadAfterMs", deadAfterMs);
    checkDuration("orphanedMs", orphanedMs);
    if (deadAfterMs < 2 * heartbeatMs) {
      const remedy = `Give at least twice heartbeatMs, which is ${heartbeatMs}: one beat may be late.`;
      throw new InvalidOptionError("deadAfterMs", deadAfterMs, remedy);
    }
    this.#settings = parseRedisOptions(options);
    this.#times = { heartbeatMs, deadAfterMs, orphanedMs };
    this.#ttlMs = ttlMs;
    const settings = this.#settings;
    const outages = new OutageLog(settings.logger, settings.place);
    const onReady = (): void => {
      for (const node of this.#nodes.values()) node.reconnected();
    };
    this.#commands = new RedisLink({ settings, outages, onReady });
    this.#subscriber = new RedisLink({ settings, outages });
  }

  async join(stream: string, listener: BackplaneListener): Promise<BackplaneNode> {
    if (this.#isClosed) throw new InvalidStateError("The backplane is closed.");
    if (this.#nodes.has(stream)) {
      const remedy = "This process has joined under that name. Name each stream differently.";
      throw new InvalidOptionError("stream", stream, remedy);
    }
    const node = new RedisNode({
      settings: this.#settings,
      times: this.#times,
      commands: this.#commands,
      subscriber: this.#subscriber,
      prefix: `${this.#settings.prefix}{${hashTagOf(stream)}}:`,
      listener,
      onLeft: () => {
        if (this.#nodes.get(stream) === node) this.#nodes.delete(stream);
      },
    });
    this.#nodes.set(stream, node);
    try {
      await node.join();
    } catch (error) {
      await node.leave();
      throw error;
    }
    return node;
  }

  store(stream: string): StoreBackend {
    // Without braces, so that Redis Cluster spreads the sessions.
    const prefix = `${this.#settings.prefix}${hashTagOf(stream)}:store:`;
    return new RedisStore({ link: this.#commands, prefix, ttlMs: this.#ttlMs, ownsLink: false });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([...this.#nodes.values()].map((node) => node.leave()));
    await Promise.all([this.#subscriber.close(), this.#commands.close()]);
  }

  /** Vanishes as a process does that is killed; for tests. */
  crash(): void {
    this.#isClosed = true;
    for (const node of this.#nodes.values()) node.die();
    this.#commands.cut();
    this.#subscriber.cut();
  }
}

// Braces, colons and what is no character are escaped; an empty hash tag would be none.
function hashTagOf(stream: string): string {
  if (stream === "" || /\p{Surrogate}/u.test(stream)) {
    throw new InvalidOptionError("stream", stream, "Give a name of whole characters.");
  }
  return encodeURIComponent(stream);
}
