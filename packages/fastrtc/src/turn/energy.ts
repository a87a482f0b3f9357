/**
 * Voice activity by loudness alone: a window is speech if it stands out from the noise before it.
 *
 * Needs no model and a few microseconds a window, but takes every sudden sound for speech, a slammed door
 * as well as music. For tests, and for machines too small for Silero.
 */

import { InvalidOptionError } from "../errors.ts";
import {
  VAD_SAMPLE_RATE,
  VAD_WINDOW_SAMPLES,
  type VoiceActivityDetector,
} from "./voice-activity.ts";

/** How the energy detector tells speech from noise. */
export interface EnergyVadOptions {
  /**
   * How far, in decibels, a window must rise above the noise to have a probability of 0.5.
   *
   * Lower values hear faint speakers and more noise.
   *
   * @defaultValue 8
   */
  readonly thresholdDb?: number;
  /**
   * The level, in dB relative to full scale, below which nothing is speech, however quiet the room.
   *
   * Lower values hear faint speakers, and breath in a silent room.
   *
   * @defaultValue -50
   */
  readonly minLevelDb?: number;
  /**
   * How fast, in decibels a second, the estimate of the noise may rise.
   *
   * Higher values get used to a new noise sooner, and lose speakers who never pause.
   *
   * @defaultValue 2
   */
  readonly noiseRiseDbPerSecond?: number;
}

const DEFAULTS = {
  thresholdDb: 8,
  minLevelDb: -50,
  noiseRiseDbPerSecond: 2,
} as const satisfies Required<EnergyVadOptions>;

/** From the threshold to a probability of 0.73; twice that far, 0.88. */
const SLOPE_DB = 1.5;
// Falls to 63% of the way in 10 windows (0.3 s): one lost packet, which is silence, must not make
// the room seem silent, but the gaps between words must bring the estimate down again.
const FALL_PER_WINDOW = 0.1;

/** What no sound card makes; NaN is not below it either. */
const MAX_SAMPLE = 1e6;
/** -100 dB: less than half a step of 16-bit audio. */
const SILENCE_POWER = 1e-10;

/**
 * Makes a detector for one session that goes by loudness.
 *
 * The first window after the start and after each reset is taken for noise. Samples that are not
 * finite count as silence.
 *
 * @throws {@link InvalidOptionError} if an option is not a number that can work.
 */
export function createEnergyVad(options: EnergyVadOptions = {}): VoiceActivityDetector {
  return new EnergyVad({
    thresholdDb: options.thresholdDb ?? DEFAULTS.thresholdDb,
    minLevelDb: options.minLevelDb ?? DEFAULTS.minLevelDb,
    noiseRiseDbPerSecond: options.noiseRiseDbPerSecond ?? DEFAULTS.noiseRiseDbPerSecond,
  });
}

class EnergyVad implements VoiceActivityDetector {
  readonly #thresholdDb: number;
  readonly #minNoiseDb: number;
  readonly #risePerWindowDb: number;
  #noiseDb: number | undefined;

  constructor(options: Required<EnergyVadOptions>) {
    requireFinite("thresholdDb", options.thresholdDb, 0);
    requireFinite("minLevelDb", options.minLevelDb, -Infinity);
    requireFinite("noiseRiseDbPerSecond", options.noiseRiseDbPerSecond, 0);
    this.#thresholdDb = options.thresholdDb;
    // With the noise never below this, a level below the minimum never reaches the threshold.
    this.#minNoiseDb = options.minLevelDb - options.thresholdDb;
    this.#risePerWindowDb = (options.noiseRiseDbPerSecond * VAD_WINDOW_SAMPLES) / VAD_SAMPLE_RATE;
  }

  process(window: Float32Array): number {
    const levelDb = measureLevelDb(window);
    const noiseDb = Math.max(this.#minNoiseDb, this.#noiseDb ?? levelDb);
    const change =
      levelDb < noiseDb
        ? (levelDb - noiseDb) * FALL_PER_WINDOW
        : Math.min(levelDb - noiseDb, this.#risePerWindowDb);
    this.#noiseDb = noiseDb + change;
    return 1 / (1 + Math.exp((noiseDb + this.#thresholdDb - levelDb) / SLOPE_DB));
  }

  reset(): void {
    this.#noiseDb = undefined;
  }
}

/** The level in dB relative to full scale, without the constant part that cheap microphones add. */
function measureLevelDb(window: Float32Array): number {
  let sum = 0;
  let squares = 0;
  for (const sample of window) {
    const x = Math.abs(sample) <= MAX_SAMPLE ? sample : 0;
    sum += x;
    squares += x * x;
  }
  const mean = sum / window.length;
  const power = squares / window.length - mean * mean;
  return 10 * Math.log10(Math.max(power, SILENCE_POWER));
}

function requireFinite(option: string, value: number, min: number): void {
  if (Number.isFinite(value) && value >= min) return;
  const range = min === 0 ? "zero or more" : "not infinite";
  throw new InvalidOptionError(option, value, `Give a number of decibels, ${range}.`);
}
