/**
 * What a session's handler says beside its audio, for everybody who reads it.
 *
 * Each reader has a queue of its own; what was said before the first reader came is kept for it.
 * Queues are bounded and drop the oldest.
 */

import { TimeoutError } from "../errors.ts";
import type { Clock } from "../media/clock.ts";

/** Outputs kept for the first reader. */
const MAX_BACKLOG = 64;
/** Outputs kept for a slow reader. */
const MAX_QUEUED = 256;

/** The arguments of one AdditionalOutputs. */
export type OutputArgs = readonly unknown[];

class Reader {
  readonly queue: OutputArgs[] = [];
  wake: (() => void) | undefined;

  push(args: OutputArgs): void {
    if (this.queue.length >= MAX_QUEUED) this.queue.shift();
    this.queue.push(args);
    this.wake?.();
  }
}

/** The outputs of one session. */
export class SessionOutputs {
  readonly #readers = new Set<Reader>();
  #backlog: OutputArgs[] | undefined = [];
  #isClosed = false;

  /** Hands out one set of values. */
  push(args: OutputArgs): void {
    if (this.#isClosed) return;
    if (this.#backlog) {
      if (this.#backlog.length >= MAX_BACKLOG) this.#backlog.shift();
      this.#backlog.push(args);
    }
    for (const reader of this.#readers) reader.push(args);
  }

  /** Ends every reader once it has read what is there. */
  close(): void {
    this.#isClosed = true;
    for (const reader of this.#readers) reader.wake?.();
  }

  /**
   * Reads from now on; the first reader also gets what was said before it came.
   *
   * @param signal - Ends the reading.
   */
  subscribe(signal?: AbortSignal): AsyncIterableIterator<OutputArgs> {
    const reader = new Reader();
    reader.queue.push(...(this.#backlog ?? []));
    this.#backlog = undefined;
    this.#readers.add(reader);
    const onAbort = (): void => reader.wake?.();
    signal?.addEventListener("abort", onAbort, { once: true });
    const end = (): IteratorResult<OutputArgs> => {
      signal?.removeEventListener("abort", onAbort);
      this.#readers.delete(reader);
      return { done: true, value: undefined };
    };
    const next = async (): Promise<IteratorResult<OutputArgs>> => {
      for (;;) {
        if (signal?.aborted) return end();
        const value = reader.queue.shift();
        if (value) return { done: false, value };
        if (this.#isClosed || !this.#readers.has(reader)) return end();
        await new Promise<void>((resolve) => {
          reader.wake = resolve;
        });
      }
    };
    return {
      next,
      return: () => {
        const result = end();
        reader.wake?.();
        return Promise.resolve(result);
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /**
   * Waits for the next values.
   *
   * @param timeoutMs - How long.
   * @throws {@link TimeoutError} when none came.
   */
  async next(clock: Clock, timeoutMs: number): Promise<OutputArgs> {
    const controller = new AbortController();
    const timer = clock.setTimeout(() => controller.abort(), timeoutMs);
    try {
      const result = await this.subscribe(controller.signal).next();
      if (!result.done) return result.value;
      throw new TimeoutError(`No additional outputs came within ${timeoutMs} ms.`);
    } finally {
      timer.cancel();
      controller.abort();
    }
  }
}
