/**
 * Frames in, probabilities of speech out: converts a session's audio to 16 kHz mono, cuts it into
 * windows of 32 ms and asks the detector about each, as it comes.
 */

import type { AudioFrame } from "../media/audio-frame.ts";
import { StreamingResampler } from "../media/resampler.ts";
import { VAD_SAMPLE_RATE, VAD_WINDOW_SAMPLES } from "./voice-activity.ts";
import type { VoiceActivityDetector } from "./voice-activity.ts";

/** Called for each window; the samples are a view that the next window overwrites. */
export type WindowListener = (probability: number, window: Float32Array) => void;

/** Feeds one session's detector. */
export class WindowFeed {
  readonly #vad: VoiceActivityDetector;
  readonly #onWindow: WindowListener;
  readonly #resampler: StreamingResampler | undefined;
  readonly #window = new Float32Array(VAD_WINDOW_SAMPLES);
  #filled = 0;

  /** @param sampleRate - Of the frames, in Hz. */
  constructor(sampleRate: number, vad: VoiceActivityDetector, onWindow: WindowListener) {
    this.#vad = vad;
    this.#onWindow = onWindow;
    this.#resampler =
      sampleRate === VAD_SAMPLE_RATE
        ? undefined
        : new StreamingResampler(sampleRate, VAD_SAMPLE_RATE, 1);
  }

  /** Reads the next frame. */
  push(frame: AudioFrame): void {
    const { samples } = frame.toMono();
    if (this.#resampler) this.#fill(this.#resampler.processToFloat32(samples), 1);
    else this.#fill(samples, 1 / 32_768);
  }

  /** Forgets what was heard so far. */
  reset(): void {
    this.#vad.reset();
    this.#resampler?.reset();
    this.#filled = 0;
  }

  #fill(samples: Float32Array | Int16Array, scale: number): void {
    let taken = 0;
    while (taken < samples.length) {
      const count = Math.min(VAD_WINDOW_SAMPLES - this.#filled, samples.length - taken);
      for (let i = 0; i < count; i++) {
        this.#window[this.#filled + i] = (samples[taken + i] ?? 0) * scale;
      }
      this.#filled += count;
      taken += count;
      if (this.#filled === VAD_WINDOW_SAMPLES) {
        this.#filled = 0;
        this.#onWindow(this.#vad.process(this.#window), this.#window);
      }
    }
  }
}
