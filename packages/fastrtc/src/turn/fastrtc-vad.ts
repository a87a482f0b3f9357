/**
 * How FastRTC reads the answers of its detector: as stretches of speech, and how long they are in all.
 */

import { InvalidOptionError } from "../errors.ts";
import { VAD_SAMPLE_RATE, VAD_WINDOW_SAMPLES } from "./voice-activity.ts";

/** FastRTC's options of voice activity detection, under FastRTC's names. */
export interface SileroVadOptions {
  /**
   * Probability from which a frame of 64 ms begins speech; it ends below this less 0.15.
   *
   * @defaultValue 0.5
   */
  readonly threshold?: number;
  /**
   * Milliseconds that a stretch of speech must exceed to count.
   *
   * @defaultValue 250
   */
  readonly minSpeechDurationMs?: number;
  /**
   * Milliseconds of silence that part two stretches of speech.
   *
   * @defaultValue 2000
   */
  readonly minSilenceDurationMs?: number;
  /**
   * Milliseconds that are added to a stretch at either side.
   *
   * @defaultValue 400
   */
  readonly speechPadMs?: number;
}

/** {@link SileroVadOptions} with every default filled in. */
export type ResolvedSileroVadOptions = Required<SileroVadOptions>;

const DEFAULTS = {
  threshold: 0.5,
  minSpeechDurationMs: 250,
  minSilenceDurationMs: 2000,
  speechPadMs: 400,
} as const satisfies ResolvedSileroVadOptions;

/** Samples at 16 kHz of one of FastRTC's frames: two of our windows. */
export const FASTRTC_FRAME_SAMPLES: number = 2 * VAD_WINDOW_SAMPLES;
const SAMPLES_PER_MS = VAD_SAMPLE_RATE / 1000;
const HYSTERESIS = 0.15;

/**
 * Fills in FastRTC's defaults.
 *
 * @throws {@link InvalidOptionError} for a value that cannot work.
 */
export function resolveSileroVadOptions(options: SileroVadOptions = {}): ResolvedSileroVadOptions {
  const resolved = {
    threshold: options.threshold ?? DEFAULTS.threshold,
    minSpeechDurationMs: options.minSpeechDurationMs ?? DEFAULTS.minSpeechDurationMs,
    minSilenceDurationMs: options.minSilenceDurationMs ?? DEFAULTS.minSilenceDurationMs,
    speechPadMs: options.speechPadMs ?? DEFAULTS.speechPadMs,
  };
  for (const [name, value] of Object.entries(resolved)) {
    const isFit = name === "threshold" ? value > 0 && value < 1 : value >= 0;
    if (isFit) continue;
    const remedy = name === "threshold" ? "a probability between 0 and 1" : "milliseconds from 0";
    throw new InvalidOptionError(`modelOptions.${name}`, value, `Give ${remedy}.`);
  }
  return resolved;
}

interface Stretch {
  start: number;
  end: number;
}

/**
 * Returns the seconds of speech in a piece of audio.
 *
 * With the defaults the silence that ends a stretch, and the padding, are longer than FastRTC's blocks
 * of 0.6 s: the answer for one is 0.6 if a frame that begins in its first 350 ms holds speech, else 0.
 *
 * @param probabilities - Of speech in each frame of 64 ms.
 * @param sampleCount - Length of the piece at 16 kHz.
 */
export function speechSeconds(
  probabilities: readonly number[],
  sampleCount: number,
  options: ResolvedSileroVadOptions,
): number {
  const stretches = findStretches(probabilities, sampleCount, options);
  pad(stretches, sampleCount, options.speechPadMs * SAMPLES_PER_MS);
  return stretches.reduce((sum, { start, end }) => sum + end - start, 0) / VAD_SAMPLE_RATE;
}

function findStretches(
  probabilities: readonly number[],
  sampleCount: number,
  options: ResolvedSileroVadOptions,
): Stretch[] {
  const minSpeech = options.minSpeechDurationMs * SAMPLES_PER_MS;
  const minSilence = options.minSilenceDurationMs * SAMPLES_PER_MS;
  const found: Stretch[] = [];
  let start: number | undefined;
  let silentSince: number | undefined;
  probabilities.forEach((probability, i) => {
    const at = i * FASTRTC_FRAME_SAMPLES;
    if (probability >= options.threshold) {
      silentSince = undefined;
      start ??= at;
    } else if (start !== undefined && probability < options.threshold - HYSTERESIS) {
      silentSince ??= at;
      if (at - silentSince < minSilence) return;
      if (silentSince - start > minSpeech) found.push({ start, end: silentSince });
      start = silentSince = undefined;
    }
  });
  if (start !== undefined && sampleCount - start > minSpeech) {
    found.push({ start, end: sampleCount });
  }
  return found;
}

// Neighbours that would overlap share the silence between them.
function pad(stretches: readonly Stretch[], sampleCount: number, padding: number): void {
  const first = stretches[0];
  if (first) first.start = Math.max(0, first.start - padding);
  stretches.forEach((stretch, i) => {
    const next = stretches[i + 1];
    if (!next) {
      stretch.end = Math.min(sampleCount, stretch.end + padding);
      return;
    }
    const half = Math.floor((next.start - stretch.end) / 2);
    stretch.end += Math.min(padding, half);
    next.start -= Math.min(padding, half);
  });
}
