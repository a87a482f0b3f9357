/**
 * One connection to Redis that fails fast: arrays of words go out, replies come in, and every error
 * is a {@link TransportError} that says what to check.
 *
 * node-redis reconnects by itself when a connection breaks. What it cannot see is a connection that
 * is open and silent (a machine that vanished, a paused server): that one is replaced here.
 */

import { InvalidStateError, isFastRTCError, TransportError } from "../errors.ts";
import type { Clock, Timer } from "../media/clock.ts";
import type { LuaScript } from "./lua-script.ts";
import type { OutageLog } from "./outage-log.ts";
import { createRedisClient, MAX_RECONNECT_DELAY_MS } from "./redis-client.ts";
import type { RedisClient, RedisReply } from "./redis-client.ts";
import type { RedisSettings } from "./redis-options.ts";

/** Silence, in command timeouts, after which a connection is replaced. */
const SILENT_TIMEOUTS = 3;

/** Shapes a {@link RedisLink}. */
export interface RedisLinkOptions {
  readonly settings: RedisSettings;
  readonly outages: OutageLog;
  /** Called each time that commands can be sent again, before any other command goes out. */
  readonly onReady?: () => void;
  /** Makes a client; for tests. @defaultValue {@link createRedisClient} */
  readonly createClient?: (settings: RedisSettings) => Promise<RedisClient>;
}

/** A connection to Redis, opened by the first command. */
export class RedisLink {
  readonly #settings: RedisSettings;
  readonly #outages: OutageLog;
  readonly #onReady: () => void;
  readonly #createClient: (settings: RedisSettings) => Promise<RedisClient>;
  readonly #subscriptions = new Map<string, (message: string) => void>();
  #client: RedisClient | undefined;
  #opening: Promise<RedisClient> | undefined;
  #lastReplyAt = 0;
  /** When an attempt to connect last began, failed or succeeded. */
  #lastAttemptAt = 0;
  #lastError: unknown;
  #isClosed = false;

  constructor(options: RedisLinkOptions) {
    this.#settings = options.settings;
    this.#outages = options.outages;
    this.#onReady = options.onReady ?? ((): void => undefined);
    this.#createClient = options.createClient ?? createRedisClient;
  }

  /** Whether commands go out now, and what was subscribed to is heard. */
  get isReady(): boolean {
    return this.#client?.isReady === true && !this.#opening;
  }

  /**
   * Sends a command.
   *
   * @throws {@link TransportError} when Redis cannot be reached, does not answer, or refuses.
   */
  async command(args: readonly string[]): Promise<RedisReply> {
    const client = this.#client?.isReady ? this.#client : await this.#whenReady();
    try {
      return (await this.#inTime(client, client.sendCommand(args))) as RedisReply;
    } catch (error) {
      throw this.#explain(error, client, args[0] ?? "");
    }
  }

  /**
   * Runs a script.
   *
   * @throws {@link TransportError} as {@link RedisLink.command} does.
   */
  async run(
    script: LuaScript,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<RedisReply> {
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await this.command(["EVALSHA", script.sha1, ...rest]);
    } catch (error) {
      const cause = error instanceof TransportError ? error.cause : undefined;
      if (!(cause instanceof Error) || !cause.message.startsWith("NOSCRIPT")) throw error;
      // A server that has just begun does not know the script; this teaches it.
      return await this.command(["EVAL", script.source, ...rest]);
    }
  }

  /** Listens to a channel, also after Redis was away. Rejects as {@link RedisLink.command} does. */
  async subscribe(channel: string, listener: (message: string) => void): Promise<void> {
    const client = this.#client?.isReady ? this.#client : await this.#whenReady();
    this.#subscriptions.set(channel, listener);
    try {
      await this.#inTime(client, client.subscribe(channel, listener));
    } catch (error) {
      this.#subscriptions.delete(channel);
      throw this.#explain(error, client, "SUBSCRIBE");
    }
  }

  /** Listens no longer. Never fails: what cannot be said to Redis now is not asked for again. */
  async unsubscribe(channel: string): Promise<void> {
    this.#subscriptions.delete(channel);
    const client = this.#client;
    if (client?.isReady) await this.#inTime(client, client.unsubscribe(channel)).catch(nothing);
  }

  /** Closes the connection, with a moment for what is under way. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#outages.up(this);
    const client = this.#client;
    this.#client = undefined;
    if (client?.isReady) await this.#inTime(client, client.close()).catch(nothing);
    if (client) destroy(client);
  }

  /** Closes the connection at once, as the death of the process would; for tests. */
  cut(): void {
    this.#isClosed = true;
    if (this.#client) destroy(this.#client);
    this.#client = undefined;
  }

  // Only the first command waits; while Redis is away later, there is a client that is not ready.
  #whenReady(): Promise<RedisClient> {
    const { place } = this.#settings;
    if (this.#isClosed) {
      return Promise.reject(
        new InvalidStateError(`The connection to Redis at ${place} is closed.`),
      );
    }
    if (this.#opening) return this.#opening;
    if (this.#client) {
      this.#replaceStuck(this.#client);
      return Promise.reject(this.#unreachable(this.#lastError));
    }
    this.#opening = this.#open().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #open(): Promise<RedisClient> {
    const { clock, connectTimeoutMs } = this.#settings;
    const client = await this.#createClient(this.#settings);
    if (this.#isClosed) throw this.#unreachable(new Error("closed meanwhile"));
    this.#client = client;
    this.#lastAttemptAt = clock.now();
    // Without a listener, an `error` event would end the process.
    client.on("error", (error) => this.#onError(client, error));
    client.on("ready", () => {
      if (client !== this.#client) return;
      this.#lastReplyAt = this.#lastAttemptAt = clock.now();
      this.#outages.up(this);
      this.#onReady();
    });
    const connecting = client.connect().then(async () => {
      for (const [channel, listener] of this.#subscriptions) {
        await client.subscribe(channel, listener);
      }
    });
    try {
      await within(clock, connecting, connectTimeoutMs, () => this.#unreachable(this.#lastError));
    } catch (error) {
      // It goes on trying; the next commands see whether it has come through.
      throw isFastRTCError(error) ? error : this.#unreachable(error);
    }
    return client;
  }

  #onError(client: RedisClient, error: unknown): void {
    if (client !== this.#client) return;
    this.#lastError = error;
    this.#lastAttemptAt = this.#settings.clock.now();
    if (!client.isReady) this.#outages.down(this, error);
  }

  async #inTime<T>(client: RedisClient, answer: Promise<T>): Promise<T> {
    const { clock, commandTimeoutMs } = this.#settings;
    try {
      const reply = await within(clock, answer, commandTimeoutMs, () => {
        this.#replaceSilent(client);
        return new LateError(commandTimeoutMs);
      });
      this.#lastReplyAt = clock.now();
      return reply;
    } catch (error) {
      if (!(error instanceof LateError) && client.isReady) this.#lastReplyAt = clock.now();
      throw error;
    }
  }

  // Open, and no word for long.
  #replaceSilent(client: RedisClient): void {
    const { clock, commandTimeoutMs } = this.#settings;
    const silentMs = clock.now() - this.#lastReplyAt;
    if (client.isReady && silentMs >= SILENT_TIMEOUTS * commandTimeoutMs) {
      this.#replace(client, new Error(`silent for ${Math.round(silentMs)} ms`));
    }
  }

  // Not open, and no attempt to open it has failed for long: it hangs in the first exchange.
  #replaceStuck(client: RedisClient): void {
    const { clock, connectTimeoutMs } = this.#settings;
    const stuckMs = clock.now() - this.#lastAttemptAt;
    if (stuckMs >= 2 * connectTimeoutMs + MAX_RECONNECT_DELAY_MS) {
      this.#replace(client, new Error(`no greeting for ${Math.round(stuckMs)} ms`));
    }
  }

  #replace(client: RedisClient, error: Error): void {
    if (client !== this.#client || this.#opening) return;
    this.#lastError = error;
    this.#outages.down(this, error);
    destroy(client);
    this.#opening = this.#open().finally(() => (this.#opening = undefined));
    this.#opening.catch(nothing);
  }

  #explain(error: unknown, client: RedisClient, command: string): Error {
    const { place } = this.#settings;
    if (isFastRTCError(error)) return error;
    if (client !== this.#client || !client.isReady) return this.#unreachable(error);
    const said = error instanceof Error ? error.message : String(error);
    return new TransportError(
      `Redis at ${place} did not do ${command}: ${said}. Check the server, its memory and the user's rights.`,
      { cause: error },
    );
  }

  #unreachable(cause: unknown): TransportError {
    // The cause may be the one that ended the connection, or that which keeps it from coming back.
    const why = cause instanceof Error ? describe(cause) : "no connection";
    return new TransportError(
      `Redis at ${this.#settings.place} cannot be reached (${why}). Check that it runs and that url, user and password are right.`,
      { cause },
    );
  }
}

class LateError extends Error {
  constructor(afterMs: number) {
    super(`no answer within ${afterMs} ms`);
  }
}

async function within<T>(
  clock: Clock,
  answer: Promise<T>,
  durationMs: number,
  late: () => Error,
): Promise<T> {
  let timer = undefined as Timer | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = clock.setTimeout(() => reject(late()), durationMs);
  });
  try {
    return await Promise.race([answer, tooLate]);
  } finally {
    timer?.cancel();
  }
}

function describe(error: Error): string {
  const { code } = error as { code?: unknown };
  return error.message || (typeof code === "string" ? code : error.name);
}

function destroy(client: RedisClient): void {
  try {
    client.destroy();
  } catch {
    // It throws when the client is closed, which is what we want.
  }
}

function nothing(): void {
  // Somebody else is told.
}
