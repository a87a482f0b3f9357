/** Sample formats, and the checks that every way in shares. */

import { InvalidOptionError } from "../errors.ts";

/** Samples as users have them: 16-bit integers, or floats between -1 and 1. */
export type AudioSamples = Int16Array | Float32Array;

const UNSUPPORTED =
  "Unsupported audio data type: give an Int16Array, or a Float32Array with values from -1 to 1.";

/**
 * Converts samples to floats between -1 and 1. Floats are returned as they are.
 *
 * @param audio - Samples, or a pair of sample rate and samples.
 * @throws {@link InvalidOptionError} for any other type.
 */
export function audioToFloat32(
  audio: AudioSamples | readonly [sampleRate: number, samples: AudioSamples],
): Float32Array {
  const samples: unknown = Array.isArray(audio) ? (audio as readonly unknown[])[1] : audio;
  if (samples instanceof Float32Array) return samples;
  if (!(samples instanceof Int16Array)) throw unsupported(samples);
  const floats = new Float32Array(samples.length);
  for (let i = 0; i < samples.length; i++) floats[i] = (samples[i] ?? 0) / 32768;
  return floats;
}

/**
 * Converts samples to 16-bit integers. Integers are returned as they are; floats beyond -1 and 1
 * are clipped, and what is not a number becomes silence.
 *
 * @param audio - Samples, or a pair of sample rate and samples.
 * @throws {@link InvalidOptionError} for any other type.
 */
export function audioToInt16(
  audio: AudioSamples | readonly [sampleRate: number, samples: AudioSamples],
): Int16Array {
  const samples: unknown = Array.isArray(audio) ? (audio as readonly unknown[])[1] : audio;
  if (samples instanceof Int16Array) return samples;
  if (!(samples instanceof Float32Array)) throw unsupported(samples);
  const integers = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) {
    const value = samples[i] ?? 0;
    integers[i] = Math.round(value > 1 ? 32767 : value < -1 ? -32767 : value * 32767);
  }
  return integers;
}

/**
 * Returns a sample rate that can be one.
 *
 * @param value - Anything.
 * @param option - What the caller calls it.
 * @throws {@link InvalidOptionError} when it cannot.
 * @internal
 */
export function checkSampleRate(value: unknown, option = "sampleRate"): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 4000 && value <= 384_000) {
    return value;
  }
  throw new InvalidOptionError(
    option,
    value,
    "Give a whole number of Hz from 4000 to 384000, such as 24000.",
  );
}

/**
 * Returns a number of channels that we carry.
 *
 * @param value - Anything.
 * @throws {@link InvalidOptionError} when it is neither 1 nor 2.
 * @internal
 */
export function checkChannels(value: unknown): 1 | 2 {
  if (value === 1 || value === 2) return value;
  throw new InvalidOptionError("channels", value, "Give 1 for mono or 2 for stereo.");
}

function unsupported(value: unknown): InvalidOptionError {
  return new InvalidOptionError("audio", value, UNSUPPORTED);
}
