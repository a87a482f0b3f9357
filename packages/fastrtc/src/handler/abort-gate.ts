/** What {@link AbortGate.race} resolves to when the signal won. */
export const ABORTED: unique symbol = Symbol("aborted");

/**
 * Waits for one promise after another, or for a signal, whichever is first.
 *
 * `Promise.race` against one long-lived promise would keep a reaction for every wait of a reply that
 * may never end.
 */
export class AbortGate {
  #resolve: ((value: typeof ABORTED) => void) | undefined;
  #isAborted: boolean;

  constructor(signal: AbortSignal) {
    this.#isAborted = signal.aborted;
    const onAbort = (): void => {
      this.#isAborted = true;
      this.#resolve?.(ABORTED);
    };
    signal.addEventListener("abort", onAbort, { once: true });
  }

  /** Waits for the promise or the signal; one wait at a time. */
  race<T>(promise: PromiseLike<T>): Promise<T | typeof ABORTED> {
    return new Promise((resolve, reject) => {
      // Also when the signal has won already: the promise's own failure must not go unhandled.
      promise.then(resolve, reject);
      if (this.#isAborted) resolve(ABORTED);
      else this.#resolve = resolve;
    });
  }
}
