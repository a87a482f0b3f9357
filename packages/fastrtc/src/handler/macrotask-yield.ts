/** How long user code may chain steps without letting timers and sockets run, in milliseconds. */
const SLICE_MS = 4;
/** Reading the time at every step would cost more than most steps do. */
const STEPS_PER_LOOK = 16;

/**
 * Keeps a loop over user code from holding the event loop: a generator that never really waits
 * resolves in microtasks only, and would starve every timer and socket of the process.
 */
export class MacrotaskYield {
  #sliceStart = performance.now();
  #steps = 0;

  /** Returns a promise to await when it is the others' turn, else undefined. */
  check(): Promise<void> | undefined {
    if (++this.#steps % STEPS_PER_LOOK !== 0) return undefined;
    if (performance.now() - this.#sliceStart < SLICE_MS) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#sliceStart = performance.now();
        resolve();
      });
    });
  }
}
