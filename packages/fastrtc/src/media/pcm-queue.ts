/** PCM that waits to be sent: written in pieces of any length, taken in frames. */

interface Piece {
  readonly samples: Int16Array;
  readonly onTaken: ((sampleCount: number) => void) | undefined;
}

/**
 * Queues interleaved samples. Pieces are kept as they came, not copied; the writer bounds them.
 */
export class PcmQueue {
  readonly #channels: number;
  readonly #pieces: Piece[] = [];
  // How much of the first piece has been taken, in interleaved samples.
  #taken = 0;
  #length = 0;

  constructor(channels: 1 | 2) {
    this.#channels = channels;
  }

  /** Samples per channel that wait. */
  get sampleCount(): number {
    return this.#length / this.#channels;
  }

  /**
   * Adds a piece; do not write to it afterwards.
   *
   * @param onTaken - Called each time that a part of it is taken, with that part's samples per channel.
   */
  push(samples: Int16Array, onTaken?: (sampleCount: number) => void): void {
    if (samples.length === 0) return;
    this.#pieces.push({ samples, onTaken });
    this.#length += samples.length;
  }

  /**
   * Takes a frame.
   *
   * @param sampleCount - Samples per channel; what is missing is silence.
   * @returns an array of its own, `sampleCount * channels` long.
   */
  take(sampleCount: number): Int16Array {
    const frame = new Int16Array(sampleCount * this.#channels);
    let filled = 0;
    let piece = this.#pieces[0];
    while (piece && filled < frame.length) {
      const part = piece.samples.subarray(this.#taken, this.#taken + frame.length - filled);
      frame.set(part, filled);
      filled += part.length;
      this.#taken += part.length;
      piece.onTaken?.(part.length / this.#channels);
      if (this.#taken === piece.samples.length) {
        this.#pieces.shift();
        this.#taken = 0;
        piece = this.#pieces[0];
      }
    }
    this.#length -= filled;
    return frame;
  }

  /** Drops everything. */
  clear(): void {
    this.#pieces.length = 0;
    this.#taken = 0;
    this.#length = 0;
  }
}
