/**
 * A queue that cannot grow without end: items in at one end, out at the other, and at the bound a
 * policy says what is dropped. Everything in fastrtc that waits for somebody slower waits here.
 */

import { InvalidOptionError } from "../errors.ts";

/**
 * What a full queue does with one more item.
 *
 * - `drop-oldest`: drops the item that has waited longest. For live media, where the newest counts.
 * - `drop-newest`: the item takes the place of the one put in last. For states of which the latest
 *   counts and the earlier ones must not be missed.
 * - `reject`: does not take the item. For work that somebody waits for.
 */
export type OverflowPolicy = "drop-oldest" | "drop-newest" | "reject";

/** Keeps items in order, in a ring of fixed capacity. */
export class BoundedQueue<T> {
  /** How many items it holds at most. */
  readonly capacity: number;
  /** What happens at the bound. */
  readonly policy: OverflowPolicy;
  readonly #items: (T | undefined)[] = [];
  #head = 0;
  #size = 0;

  /**
   * @param capacity - A whole number from 1.
   * @throws {@link InvalidOptionError} when the capacity is anything else.
   */
  constructor(capacity: number, policy: OverflowPolicy) {
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      throw new InvalidOptionError("capacity", capacity, "Give a whole number of items from 1.");
    }
    this.capacity = capacity;
    this.policy = policy;
  }

  /** How many items wait. */
  get size(): number {
    return this.#size;
  }

  /**
   * Puts an item in.
   *
   * @returns The item that was dropped for it, which is `item` itself under `reject`; undefined when
   * there was room.
   */
  push(item: T): T | undefined {
    if (this.#size < this.capacity) {
      this.#items[this.#slot(this.#size)] = item;
      this.#size++;
      return undefined;
    }
    if (this.policy === "reject") return item;
    if (this.policy === "drop-newest") {
      const slot = this.#slot(this.#size - 1);
      const newest = this.#items[slot];
      this.#items[slot] = item;
      return newest;
    }
    const oldest = this.#items[this.#head];
    this.#items[this.#head] = item;
    this.#head = this.#slot(1);
    return oldest;
  }

  /** Takes the item out that has waited longest; undefined when there is none. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#items[this.#head];
    // The ring must not keep alive what has left it.
    this.#items[this.#head] = undefined;
    this.#head = this.#slot(1);
    this.#size--;
    return item;
  }

  /** Drops everything. */
  clear(): void {
    this.#items.length = 0;
    this.#head = 0;
    this.#size = 0;
  }

  #slot(offset: number): number {
    const slot = this.#head + offset;
    return slot < this.capacity ? slot : slot - this.capacity;
  }
}
