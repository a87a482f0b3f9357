// Long enough for a whole pitch period of the lowest voices.
const HISTORY_MS = 20;
const FADE_MS = 60;
const BLEND_MS = 2.5;

/**
 * Hides losses of codecs that know nothing of concealment: replays the last 20 ms and fades out.
 *
 * It is played backwards and forwards in turn, so that no joint has a jump, which would click; and
 * the sound after the gap is blended in for the same reason.
 */
export class RepeatConcealment {
  readonly #channels: number;
  readonly #history: Int16Array;
  readonly #fadeFrames: number;
  readonly #blendFrames: number;
  // Sample frames known, at the end of the history.
  #known = 0;
  // Sample frames concealed since the last decoded sound.
  #concealed = 0;

  constructor(sampleRate: number, channels: 1 | 2) {
    this.#channels = channels;
    this.#history = new Int16Array(Math.ceil((sampleRate * HISTORY_MS) / 1000) * channels);
    this.#fadeFrames = (sampleRate * FADE_MS) / 1000;
    this.#blendFrames = Math.floor((sampleRate * BLEND_MS) / 1000);
  }

  /** Takes note of decoded sound, and blends its begin into what was concealed before it. */
  accept(samples: Int16Array): void {
    if (this.#concealed > 0) {
      const count = Math.min(this.#blendFrames, samples.length / this.#channels);
      for (let frame = 0; frame < count; frame++) {
        const share = (frame + 1) / (count + 1);
        for (let channel = 0; channel < this.#channels; channel++) {
          const at = frame * this.#channels + channel;
          const past = this.#guess(this.#concealed + frame, channel);
          samples[at] = (samples[at] ?? 0) * share + past * (1 - share);
        }
      }
      this.#concealed = 0;
    }
    this.#remember(samples);
  }

  /** Fills `output` with what might have been there. */
  conceal(output: Int16Array): void {
    const count = output.length / this.#channels;
    for (let frame = 0; frame < count; frame++) {
      for (let channel = 0; channel < this.#channels; channel++) {
        output[frame * this.#channels + channel] = this.#guess(this.#concealed + frame, channel);
      }
    }
    this.#concealed += count;
  }

  #guess(frame: number, channel: number): number {
    const gain = 1 - frame / this.#fadeFrames;
    const turn = this.#known - 1;
    if (gain <= 0 || turn < 0) return 0;
    // 1, 2 … turn, turn - 1 … 0, 1 …: steps back from the newest sample.
    const cycle = turn === 0 ? 0 : (frame + 1) % (2 * turn);
    const back = cycle > turn ? 2 * turn - cycle : cycle;
    const at = this.#history.length - (back + 1) * this.#channels + channel;
    return gain * (this.#history[at] ?? 0);
  }

  #remember(samples: Int16Array): void {
    const history = this.#history;
    const kept = Math.min(samples.length, history.length);
    history.copyWithin(0, kept);
    const from = samples.length - kept;
    const to = history.length - kept;
    for (let i = 0; i < kept; i++) history[to + i] = samples[from + i] ?? 0;
    const capacity = history.length / this.#channels;
    this.#known = Math.min(capacity, this.#known + kept / this.#channels);
  }
}
