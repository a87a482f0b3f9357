/**
 * A queue between code that makes items and code that waits for them, such as the `receive` and
 * `emit` of a handler.
 */

import { InvalidOptionError } from "../errors.ts";
import { BoundedQueue } from "./bounded-queue.ts";
import type { OverflowPolicy } from "./bounded-queue.ts";
import { systemClock } from "./clock.ts";
import type { Clock, Timer } from "./clock.ts";

/** How an {@link AsyncQueue} is bounded. */
export interface AsyncQueueOptions {
  /**
   * How many items wait at most.
   *
   * Higher values bear with slower consumers, and let them hear older audio; lower ones drop more.
   *
   * @defaultValue 10,000: over three minutes of 20 ms frames
   */
  readonly capacity?: number;
  /**
   * What a full queue does with one more item.
   *
   * @defaultValue `"drop-oldest"`
   */
  readonly policy?: OverflowPolicy;
  /**
   * Where {@link AsyncQueueGetOptions.timeoutMs} is measured; for tests.
   *
   * @defaultValue {@link systemClock}
   */
  readonly clock?: Clock;
}

/** How long {@link AsyncQueue.get} waits. */
export interface AsyncQueueGetOptions {
  /** Ends the waiting with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Time in milliseconds to wait for an item; 0 looks and does not wait.
   *
   * @defaultValue no limit
   */
  readonly timeoutMs?: number;
}

const DEFAULTS = { capacity: 10_000, policy: "drop-oldest", clock: systemClock } as const;

interface Consumer<T> {
  /** Gives it an item, or tells it with undefined that none comes. */
  take(item: T | undefined): void;
}

/**
 * Hands items to whoever waits for them, in order: each item to one consumer.
 *
 * Where Python's FastRTC has `asyncio.Queue` and `wait_for_item(queue, timeout)`, this has
 * `queue.get({ timeoutMs })`.
 *
 * @example
 * ```ts
 * class Parrot extends StreamHandler {
 *   readonly #frames = new AsyncQueue<AudioFrame>();
 *
 *   receive(frame: AudioFrame) {
 *     this.#frames.put(frame);
 *   }
 *
 *   async emit() {
 *     return this.#frames.get({ timeoutMs: 100 }); // undefined: nothing to say yet
 *   }
 *
 *   shutdown() {
 *     this.#frames.close();
 *   }
 *
 *   copy() {
 *     return new Parrot();
 *   }
 * }
 * ```
 */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #waiting: BoundedQueue<T>;
  readonly #consumers = new Set<Consumer<T>>();
  readonly #clock: Clock;
  #isClosed = false;

  /** @throws {@link InvalidOptionError} when the capacity is not a whole number from 1. */
  constructor(options: AsyncQueueOptions = {}) {
    const { capacity, policy, clock } = { ...DEFAULTS, ...options };
    this.#waiting = new BoundedQueue(capacity, policy);
    this.#clock = clock;
  }

  /** How many items wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Whether {@link AsyncQueue.close} was called; items that were put in before can still be got. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Puts an item in, or gives it to the consumer that has waited longest.
   *
   * @param item - Anything but undefined, which stands for nothing.
   * @returns The item that was dropped, by the policy or because the queue is closed; undefined when
   * none was.
   */
  put(item: T): T | undefined {
    if (this.#isClosed) return item;
    for (const consumer of this.#consumers) {
      consumer.take(item);
      return undefined;
    }
    return this.#waiting.push(item);
  }

  /**
   * Takes the next item out, and waits for it when there is none. Resolves with undefined when the
   * time is over, or when the queue is closed and empty.
   *
   * @throws {@link InvalidOptionError} when `timeoutMs` is negative or not a number. Otherwise
   * rejects with the signal's reason, and takes nothing out, when the signal aborts.
   */
  async get(options: AsyncQueueGetOptions = {}): Promise<T | undefined> {
    const { signal, timeoutMs } = options;
    if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
      throw new InvalidOptionError("timeoutMs", timeoutMs, "Give milliseconds from 0.");
    }
    signal?.throwIfAborted();
    if (this.#waiting.size > 0) return this.#waiting.shift();
    if (this.#isClosed || timeoutMs === 0) return undefined;
    return this.#wait(signal, timeoutMs);
  }

  /** Drops what waits; consumers go on waiting. For use on a barge-in. */
  clear(): void {
    this.#waiting.clear();
  }

  /** Takes no more items in; consumers get what waits, and then undefined. Safe to call twice. */
  close(): void {
    this.#isClosed = true;
    for (const consumer of this.#consumers) consumer.take(undefined);
  }

  /** Gives items as they come, until the queue is closed and empty. Leaving the loop closes nothing. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    while (this.#waiting.size > 0 || !this.#isClosed) {
      const item = await this.get();
      if (item !== undefined) yield item;
    }
  }

  #wait(signal: AbortSignal | undefined, timeoutMs: number | undefined): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const settle = (): void => {
        this.#consumers.delete(consumer);
        signal?.removeEventListener("abort", onAbort);
        timer?.cancel();
      };
      const consumer: Consumer<T> = {
        take: (item) => {
          settle();
          resolve(item);
        },
      };
      const onAbort = (): void => {
        settle();
        // The caller chose the reason, as in every API that takes a signal.
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
        reject(signal?.reason);
      };
      this.#consumers.add(consumer);
      signal?.addEventListener("abort", onAbort);
      if (timeoutMs !== undefined && timeoutMs < Infinity) {
        timer = this.#clock.setTimeout(() => consumer.take(undefined), timeoutMs);
      }
    });
  }
}
