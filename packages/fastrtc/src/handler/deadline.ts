import { TimeoutError } from "../errors.ts";
import type { Clock, Timer } from "../media/clock.ts";

/** Gives a piece of work a time, after which it is told to stop and not waited for any more. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: Timer;
  readonly #outer: AbortSignal;
  readonly #onAbort = (): void => this.#controller.abort(this.#outer.reason);

  /**
   * @param timeoutMs - How long the work may take.
   * @param outer - Stops it earlier.
   */
  constructor(clock: Clock, timeoutMs: number, outer: AbortSignal) {
    this.#outer = outer;
    this.#timer = clock.setTimeout(() => {
      this.#controller.abort(new TimeoutError(`No answer after ${timeoutMs} ms.`));
    }, timeoutMs);
    if (outer.aborted) this.#onAbort();
    else outer.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Aborts when the time is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Waits for the work, but no longer than its time.
   *
   * @throws {@link TimeoutError} when the time is over first.
   */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(resolve, reject);
      const onAbort = (): void => reject(this.signal.reason as Error);
      if (this.signal.aborted) onAbort();
      else this.signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Takes the time limit away: the work has ended. */
  cancel(): void {
    this.#timer.cancel();
    this.#outer.removeEventListener("abort", this.#onAbort);
  }
}
