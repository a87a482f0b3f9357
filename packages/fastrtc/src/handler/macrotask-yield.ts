/** How long user code may chain steps without letting timers and sockets run, in milliseconds. */
const SLICE_MS = 4;
/** Looking at every step would cost more than most steps do. */
const STEPS_PER_LOOK = 16;

/**
 * Keeps a loop over user code from holding the event loop: a generator that never really waits
 * resolves in microtasks only, and would starve every timer and socket of the process.
 */
export class MacrotaskYield {
  #steps = 0;
  // When the event loop was last seen standing still; undefined once it has gone on.
  #heldSince: number | undefined;

  /** Returns a promise to await when it is the others' turn, else undefined. */
  check(): Promise<void> | undefined {
    if (++this.#steps % STEPS_PER_LOOK !== 0) return undefined;
    const now = performance.now();
    if (this.#heldSince === undefined) {
      this.#heldSince = now;
      setImmediate(() => (this.#heldSince = undefined));
      return undefined;
    }
    if (now - this.#heldSince < SLICE_MS) return undefined;
    return new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
