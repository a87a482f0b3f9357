import type { Clock, Timer } from "../media/clock.ts";

/** The longest delay that Node's timers know; longer ones would run at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * One machine's timers by name, one of each. A timer that was cancelled or armed anew does nothing,
 * even where the clock had already begun to run it.
 */
export class TurnTimers<Name extends string> {
  readonly #clock: Clock;
  readonly #onExpired: (name: Name) => void;
  readonly #armed = new Map<Name, Timer>();

  constructor(clock: Clock, onExpired: (name: Name) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  /** How many wait. */
  get size(): number {
    return this.#armed.size;
  }

  /** Whether the timer waits. */
  isArmed(name: Name): boolean {
    return this.#armed.has(name);
  }

  /**
   * Sets a timer, in place of the earlier one of that name.
   *
   * @param at - When, by the clock; the past means as soon as possible, infinity never.
   */
  arm(name: Name, at: number): void {
    this.cancel(name);
    if (at === Infinity) return;
    const delayMs = Math.min(MAX_DELAY_MS, Math.max(0, at - this.#clock.now()));
    const timer = this.#clock.setTimeout(() => {
      if (this.#armed.get(name) !== timer) return;
      this.#armed.delete(name);
      this.#onExpired(name);
    }, delayMs);
    this.#armed.set(name, timer);
  }

  /** Cancels the timers of those names, if they wait. */
  cancel(...names: readonly Name[]): void {
    for (const name of names) {
      this.#armed.get(name)?.cancel();
      this.#armed.delete(name);
    }
  }

  /** Cancels all. */
  clear(): void {
    for (const timer of this.#armed.values()) timer.cancel();
    this.#armed.clear();
  }
}
