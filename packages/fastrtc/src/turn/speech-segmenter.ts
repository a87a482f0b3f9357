/**
 * Probabilities of speech in, bursts of speech out.
 *
 * A burst begins with its first active window, has started when it holds enough speech to be
 * somebody speaking, and has stopped after a short silence; one that ends before it has started was
 * a click. Time is the audio's own, counted in windows, so that the same audio gives the same bursts.
 * Fed by the handler for each window; calls nobody but its listener.
 */

import type { ResolvedTurnOptions } from "./turn-options.ts";
import { VAD_SAMPLE_RATE, VAD_WINDOW_SAMPLES } from "./voice-activity.ts";

/** Milliseconds of audio in one window. */
export const VAD_WINDOW_MS: number = (1000 * VAD_WINDOW_SAMPLES) / VAD_SAMPLE_RATE;

/** Silence after which a burst that has not started is given up. */
const ONSET_GAP_MS = 128;

/** What a {@link SpeechSegmenter} tells; called while a window is pushed. */
export interface SpeechListener {
  /**
   * A window holds speech; called from a burst's first one on.
   *
   * @param activeMs - Milliseconds of windows with speech in this burst so far, silent ones left out.
   */
  onSpeechWindow(activeMs: number): void;
  /** The burst holds enough speech to be somebody speaking; follows the call for that window. */
  onSpeechStarted(): void;
  /**
   * Silence followed speech that had started.
   *
   * @param silenceMs - How long ago the last speech was.
   */
  onSpeechStopped(silenceMs: number): void;
  /** The burst ended before it had started: a click. */
  onSpeechAbandoned(): void;
}

/** The options that a {@link SpeechSegmenter} goes by. */
export type SpeechSegmenterOptions = Pick<
  ResolvedTurnOptions,
  "speechThreshold" | "silenceThreshold" | "minSpeechMs" | "silenceToleranceMs" | "vadStopMs"
>;

/** Finds the bursts of speech in one session's windows. */
export class SpeechSegmenter {
  readonly #options: SpeechSegmenterOptions;
  readonly #listener: SpeechListener;
  #isActive = false;
  #hasStarted = false;
  #activeMs = 0;
  #silentMs = 0;
  /** Unbroken sound since the last silent window. */
  #soundMs = 0;

  constructor(options: SpeechSegmenterOptions, listener: SpeechListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** Whether speech has started and not stopped. */
  get isSpeaking(): boolean {
    return this.#hasStarted;
  }

  /** Whether nothing has been heard that a silent window could end. */
  get isIdle(): boolean {
    return this.#activeMs === 0;
  }

  /**
   * Reads the next window.
   *
   * @param probability - Of speech in it, 0 to 1; NaN counts as silence.
   */
  push(probability: number): void {
    const { speechThreshold, silenceThreshold } = this.#options;
    this.#isActive = probability >= (this.#isActive ? silenceThreshold : speechThreshold);
    if (this.#isActive) this.#hearSpeech();
    else if (this.#activeMs > 0) this.#hearSilence();
  }

  /** Forgets the burst without telling anyone. */
  reset(): void {
    this.#isActive = false;
    this.#hasStarted = false;
    this.#activeMs = 0;
    this.#silentMs = 0;
    this.#soundMs = 0;
  }

  #hearSpeech(): void {
    const { minSpeechMs, silenceToleranceMs } = this.#options;
    this.#activeMs += VAD_WINDOW_MS;
    this.#soundMs += VAD_WINDOW_MS;
    // After speech has paused, a click must not begin the silence anew.
    const isClick = this.#hasStarted && this.#silentMs > 0 && this.#soundMs <= silenceToleranceMs;
    this.#silentMs = isClick ? this.#silentMs + VAD_WINDOW_MS : 0;
    this.#listener.onSpeechWindow(this.#activeMs);
    if (!this.#hasStarted && this.#activeMs >= minSpeechMs) {
      this.#hasStarted = true;
      this.#listener.onSpeechStarted();
    }
  }

  #hearSilence(): void {
    this.#soundMs = 0;
    this.#silentMs += VAD_WINDOW_MS;
    const silenceMs = this.#silentMs;
    if (this.#hasStarted) {
      if (silenceMs < this.#options.vadStopMs) return;
      this.reset();
      this.#listener.onSpeechStopped(silenceMs);
    } else if (silenceMs >= ONSET_GAP_MS) {
      this.reset();
      this.#listener.onSpeechAbandoned();
    }
  }
}
