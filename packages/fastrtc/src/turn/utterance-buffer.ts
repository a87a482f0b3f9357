/**
 * Keeps the audio of one user turn, with the pre-roll from before its speech was detected.
 *
 * Samples live in one array that grows by doubling up to the longest turn and is reused from turn to
 * turn, so that a frame costs one copy.
 */
export class UtteranceBuffer {
  readonly #preRollSamples: number;
  readonly #maxSamples: number;
  #samples: Int16Array<ArrayBuffer>;
  #length = 0;
  #keeping = false;

  /**
   * @param preRollSamples - How much is kept while no turn runs; interleaved samples.
   * @param maxSamples - How much one utterance may hold; further samples are dropped.
   */
  constructor(preRollSamples: number, maxSamples: number) {
    this.#preRollSamples = preRollSamples;
    this.#maxSamples = Math.max(maxSamples, preRollSamples);
    this.#samples = new Int16Array(Math.max(2 * preRollSamples, 1024));
  }

  /** Interleaved samples held now. */
  get length(): number {
    return this.#length;
  }

  /** Whether it has reached the longest utterance. */
  get isFull(): boolean {
    return this.#length >= this.#maxSamples;
  }

  /** Adds a frame; outside a turn the oldest samples beyond the pre-roll give way. */
  push(samples: Int16Array): void {
    const room = this.#maxSamples - this.#length;
    const added = samples.length > room ? samples.subarray(0, room) : samples;
    if (this.#length + added.length > this.#samples.length) {
      if (this.#keeping) this.#grow(this.#length + added.length);
      else this.#trim(added.length);
    }
    this.#samples.set(added, this.#length);
    this.#length += added.length;
  }

  /** Begins a turn: from now on nothing gives way. */
  begin(): void {
    this.#trim(0);
    this.#keeping = true;
  }

  /** Ends the turn and returns its audio, pre-roll first; the buffer is empty then. */
  take(): Int16Array {
    const taken = this.#samples.slice(0, this.#length);
    this.#length = 0;
    this.#keeping = false;
    if (this.#samples.length > 4 * this.#preRollSamples) {
      this.#samples = new Int16Array(Math.max(2 * this.#preRollSamples, 1024));
    }
    return taken;
  }

  /** Ends the turn and keeps only its last samples, as pre-roll of the next. */
  discard(): void {
    this.#keeping = false;
    this.#trim(0);
  }

  // Leaves the pre-roll less what is about to come, at the front of the array.
  #trim(coming: number): void {
    const keep = Math.max(0, Math.min(this.#length, this.#preRollSamples - coming));
    this.#samples.copyWithin(0, this.#length - keep, this.#length);
    this.#length = keep;
    if (coming + keep > this.#samples.length) this.#grow(coming + keep);
  }

  #grow(needed: number): void {
    const bigger = new Int16Array(
      Math.min(this.#maxSamples, Math.max(needed, 2 * this.#samples.length)),
    );
    bigger.set(this.#samples.subarray(0, this.#length));
    this.#samples = bigger;
  }
}
