/** The inputs of one session: the values last set, and who waits for the next. */
export class SessionInputs {
  #latest: unknown;
  readonly #waiters = new Set<(value: unknown) => void>();

  /** @param initial - What holds until inputs are set. */
  constructor(initial: unknown) {
    this.#latest = initial;
  }

  /** The values last set. */
  get latest(): unknown {
    return this.#latest;
  }

  /** Sets the values and wakes whoever waits. */
  set(value: unknown): void {
    this.#latest = value;
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake(value);
  }

  /**
   * Waits for the values to be set again.
   *
   * @param signal - Ends the wait; its reason is what the promise rejects with.
   */
  next(signal: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiters.delete(wake);
        reject(signal.reason as Error);
      };
      const wake = (value: unknown): void => {
        signal.removeEventListener("abort", onAbort);
        resolve(value);
      };
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiters.add(wake);
    });
  }
}
