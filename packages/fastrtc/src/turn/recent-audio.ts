import { VAD_SAMPLE_RATE } from "./voice-activity.ts";

/** What an end-of-turn model looks at: 8 s. */
const MAX_SAMPLES = 8 * VAD_SAMPLE_RATE;
/** How much from before the speech of a turn belongs to it. */
const LEAD_MS = 500;

/** Keeps the last eight seconds at 16 kHz, for end-of-turn models. */
export class RecentAudio {
  readonly #ring = new Float32Array(MAX_SAMPLES);
  #written = 0;
  #turnStart = 0;

  /** Adds the next window. */
  push(window: Float32Array): void {
    const at = this.#written % MAX_SAMPLES;
    const head = window.subarray(0, MAX_SAMPLES - at);
    this.#ring.set(head, at);
    this.#ring.set(window.subarray(head.length), 0);
    this.#written += window.length;
  }

  /** Says that a turn began so long ago; what is older, but for half a second, does not belong to it. */
  mark(agoMs: number): void {
    const samples = ((agoMs + LEAD_MS) * VAD_SAMPLE_RATE) / 1000;
    this.#turnStart = Math.max(0, Math.round(this.#written - samples));
  }

  /** Copies the turn so far, at most its last eight seconds. */
  copy(): Float32Array {
    const length = Math.min(MAX_SAMPLES, this.#written - this.#turnStart, this.#written);
    const copy = new Float32Array(length);
    const start = (this.#written - length) % MAX_SAMPLES;
    const head = this.#ring.subarray(start, Math.min(MAX_SAMPLES, start + length));
    copy.set(head, 0);
    copy.set(this.#ring.subarray(0, length - head.length), head.length);
    return copy;
  }
}
