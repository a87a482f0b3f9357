import type { Clock, Timer } from "../media/clock.ts";

interface PendingTimer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A {@link Clock} that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #pending = new Set<PendingTimer>();

  /** @param startMs - What {@link ManualClock.now} says at first, in milliseconds. */
  constructor(startMs = 0) {
    this.#now = startMs;
  }

  /** How many timers wait. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer: PendingTimer = {
      at: this.#now + Math.max(0, delayMs),
      order: this.#order++,
      callback,
    };
    this.#pending.add(timer);
    return { cancel: () => this.#pending.delete(timer) };
  }

  /**
   * Lets time pass and runs the timers that fall due, each at its own time. Synchronous: code that
   * waits for a promise runs only in {@link ManualClock.advanceAsync}.
   *
   * @param durationMs - Milliseconds, zero or more.
   */
  advance(durationMs: number): void {
    const end = this.#now + durationMs;
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#pending.delete(next);
      this.#now = next.at;
      next.callback();
    }
    this.#now = end;
  }

  /**
   * Lets time pass like {@link ManualClock.advance}, and lets promises settle before and after each
   * timer.
   *
   * @param durationMs - Milliseconds, zero or more.
   */
  async advanceAsync(durationMs: number): Promise<void> {
    const end = this.#now + durationMs;
    await settle();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#pending.delete(next);
      this.#now = next.at;
      next.callback();
      await settle();
    }
    this.#now = end;
  }

  /**
   * Goes to the next timer and runs it, however far ahead it is. Promises do not settle meanwhile.
   *
   * @returns whether there was one.
   */
  runNextTimer(): boolean {
    const next = this.#next(Infinity);
    if (!next) return false;
    this.#pending.delete(next);
    this.#now = next.at;
    next.callback();
    return true;
  }

  #next(end: number): PendingTimer | undefined {
    let best: PendingTimer | undefined;
    for (const timer of this.#pending) {
      if (timer.at > end) continue;
      if (!best || timer.at < best.at || (timer.at === best.at && timer.order < best.order)) {
        best = timer;
      }
    }
    return best;
  }
}

// One turn of the event loop runs every promise callback that is ready, and those they make ready.
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
