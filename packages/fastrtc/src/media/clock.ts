/**
 * Where time comes from. Everything that waits, paces or measures is given a {@link Clock}; tests
 * give a manual one and never sleep.
 */

/** A pending call of {@link Clock.setTimeout}. */
export interface Timer {
  /** Cancels the call; does nothing when it has run. */
  cancel(): void;
}

/** A source of monotonic time and of timers. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back; has fractions. */
  now(): number;
  /**
   * Calls `callback` once, `delayMs` from now.
   *
   * @param callback - Runs outside the caller's stack.
   * @param delayMs - Milliseconds; zero or less means as soon as possible.
   */
  setTimeout(callback: () => void, delayMs: number): Timer;
}

/** The process's own monotonic clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return {
      cancel: () => {
        clearTimeout(timer);
      },
    };
  },
};
