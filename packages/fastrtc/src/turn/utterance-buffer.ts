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

  /** Begins a turn: from now on nothing gives way. Does nothing within a turn. */
  begin(): void {
    if (this.#keeping) return;
    this.#trim(0);
    this.#keeping = true;
  }

  /**
   * Copies the turn's audio so far, pre-roll first; the turn goes on.
   *
   * @param start - Where to begin, in interleaved samples.
   */
  copy(start = 0): Int16Array {
    return this.#samples.slice(start, this.#length);
  }

  /** Ends the turn and returns its audio, pre-roll first; nothing of it is kept. */
  take(): Int16Array {
    const taken = this.copy();
    this.#length = 0;
    this.discard();
    return taken;
  }

  /**
   * Forgets all but the last samples.
   *
   * @returns how many were forgotten, in interleaved samples.
   */
  keepLast(count: number): number {
    const forgotten = Math.max(0, this.#length - Math.max(0, count));
    this.#samples.copyWithin(0, forgotten, this.#length);
    this.#length -= forgotten;
    return forgotten;
  }

  /** Ends the turn and keeps only its last samples, as pre-roll of the next. */
  discard(): void {
    this.#keeping = false;
    this.#trim(0);
    if (this.#samples.length > 4 * this.#preRollSamples + 1024) {
      const kept = this.copy();
      this.#samples = new Int16Array(Math.max(2 * this.#preRollSamples, 1024));
      this.#samples.set(kept);
    }
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
