/** A stream of another process's items, as they come over the bus, for one reader here. */

import type { FastRTCError } from "../../errors.ts";

/** Items that wait for a slow reader. */
const MAX_ITEMS = 256;
/** Their size together, in UTF-16 units of JSON; one item may be as long as a message may be. */
const MAX_CHARS = 4_000_000;

interface Item {
  readonly value: unknown;
  readonly chars: number;
}

/** Keeps items until they are read. At either bound the oldest are dropped. */
export class RemoteStream implements AsyncIterableIterator<unknown> {
  /** Probes that were sent since the other process was last heard of. */
  unansweredProbes = 0;
  readonly #onEnded: (isStopped: boolean) => void;
  readonly #items: Item[] = [];
  #chars = 0;
  #dropped = 0;
  #isEnded = false;
  #failure: FastRTCError | undefined;
  #wake: (() => void)[] = [];

  /** @param onEnded - Called once, when nothing more is taken in; told whether its reader ended it. */
  constructor(onEnded: (isStopped: boolean) => void) {
    this.#onEnded = onEnded;
  }

  /** How many items were dropped. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @param chars - How long the item was as JSON. */
  push(value: unknown, chars: number): void {
    if (this.#isEnded) return;
    this.#items.push({ value, chars });
    this.#chars += chars;
    while (this.#items.length > MAX_ITEMS || this.#chars > MAX_CHARS) {
      this.#dropped++;
      this.#shift();
    }
    this.#wakeReaders();
  }

  /**
   * Takes nothing more in. The reader gets what waits, and then the end.
   *
   * @param failure - What the reader gets instead of the end.
   */
  end(failure?: FastRTCError): void {
    if (this.#isEnded) return;
    this.#failure = failure;
    this.#finish(false);
  }

  /** Ends it for a reader that has gone: what waits is dropped. */
  stop(): void {
    this.#items.length = 0;
    this.#chars = 0;
    this.#failure = undefined;
    this.#finish(true);
  }

  async next(): Promise<IteratorResult<unknown>> {
    for (;;) {
      const item = this.#shift();
      if (item) return { done: false, value: item.value };
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure) throw failure;
      if (this.#isEnded) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve);
      });
    }
  }

  return(): Promise<IteratorResult<unknown>> {
    this.stop();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #finish(isStopped: boolean): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#wakeReaders();
    this.#onEnded(isStopped);
  }

  #shift(): Item | undefined {
    const item = this.#items.shift();
    if (item) this.#chars -= item.chars;
    return item;
  }

  #wakeReaders(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}
