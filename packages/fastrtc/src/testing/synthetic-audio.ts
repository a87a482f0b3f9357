/**
 * Sounds made of nothing, and figures read from sounds: what tests and benchmarks of codecs and
 * resamplers hear with. All of it is deterministic.
 */

/**
 * Makes a sine.
 *
 * @param frequencyHz - Its frequency.
 * @param sampleRate - Rate in Hz.
 * @param sampleCount - Its length.
 * @param amplitude - Its peak, up to 1.
 */
export function tone(
  frequencyHz: number,
  sampleRate: number,
  sampleCount: number,
  amplitude = 0.5,
): Float32Array {
  const step = (2 * Math.PI * frequencyHz) / sampleRate;
  return Float32Array.from({ length: sampleCount }, (_, i) => amplitude * Math.sin(step * i));
}

/** A sine found in a sound by {@link fitTone}. */
export interface ToneFit {
  /** The sine's peak. */
  readonly amplitude: number;
  /** The sine's power over that of all the rest, in dB. */
  readonly signalToNoiseDb: number;
}

/**
 * Finds the sine of a known frequency in a sound, whatever its phase: by least squares.
 *
 * @param samples - Mono.
 */
export function fitTone(
  samples: Float32Array | Int16Array,
  frequencyHz: number,
  sampleRate: number,
): ToneFit {
  const step = (2 * Math.PI * frequencyHz) / sampleRate;
  let [cc, ss, cs, yc, ys] = [0, 0, 0, 0, 0];
  samples.forEach((value, i) => {
    const c = Math.cos(step * i);
    const s = Math.sin(step * i);
    cc += c * c;
    ss += s * s;
    cs += c * s;
    yc += value * c;
    ys += value * s;
  });
  const determinant = cc * ss - cs * cs;
  const a = (yc * ss - ys * cs) / determinant;
  const b = (ys * cc - yc * cs) / determinant;
  let signal = 0;
  let noise = 0;
  samples.forEach((value, i) => {
    const model = a * Math.cos(step * i) + b * Math.sin(step * i);
    signal += model * model;
    noise += (value - model) ** 2;
  });
  return { amplitude: Math.hypot(a, b), signalToNoiseDb: 10 * Math.log10(signal / noise) };
}

/**
 * Returns how far a sound is from what it should be, in dB; higher is nearer.
 *
 * @param expected - What it should be.
 * @param actual - What it is, sample for sample.
 */
export function signalToNoiseDb(
  expected: ArrayLike<number>,
  actual: ArrayLike<number>,
  start = 0,
  end: number = expected.length,
): number {
  let signal = 0;
  let noise = 0;
  for (let i = start; i < end; i++) {
    const value = expected[i] ?? 0;
    signal += value * value;
    noise += (value - (actual[i] ?? 0)) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

/** Returns the root of the mean square. */
export function rootMeanSquare(samples: Int16Array | Float32Array): number {
  let sum = 0;
  for (const value of samples) sum += value * value;
  return Math.sqrt(sum / samples.length);
}

/**
 * Makes a sound that codecs take for speech: a buzzing voice of changing pitch through moving
 * formants, hissing consonants between them, and a breath every few syllables.
 *
 * @param sampleRate - Rate in Hz.
 * @param durationMs - Its length.
 * @param seed - Another one says something else.
 * @param breathes - Whether there are breaths: silences of 200 to 400 ms.
 */
export function speechLike(
  sampleRate: number,
  durationMs: number,
  seed = 1,
  breathes = true,
): Int16Array {
  const random = randomNumbers(seed);
  const total = Math.round((durationMs * sampleRate) / 1000);
  const samples = new Float32Array(total);
  let at = 0;
  for (let syllable = 0; at < total; syllable++) {
    if (breathes && syllable % 6 === 5) at += Math.round(sampleRate * (0.2 + 0.2 * random()));
    if (random() < 0.5) at = addConsonant(samples, at, sampleRate, random);
    at = addVowel(samples, at, sampleRate, random);
  }
  return atHalfScale(samples);
}

// First to fourth formant in Hz of a, e, i, o, u.
const VOWELS: readonly (readonly number[])[] = [
  [750, 1250, 2500, 3500],
  [500, 1850, 2550, 3600],
  [300, 2250, 3000, 3700],
  [480, 850, 2450, 3400],
  [320, 800, 2300, 3300],
];

type Random = () => number;

function addVowel(samples: Float32Array, at: number, sampleRate: number, random: Random): number {
  const length = Math.round(sampleRate * (0.13 + 0.15 * random()));
  const pick = (): readonly number[] => VOWELS[Math.floor(random() * VOWELS.length)] ?? [];
  const [from, to] = [pick(), pick()];
  const pitch = 95 + 60 * random();
  const fall = 0.7 + 0.4 * random();
  const level = 0.5 + 0.5 * random();
  const resonators = from.map(() => new Resonator());
  let phase = 0;
  for (let i = 0; i < length && at + i < samples.length; i++) {
    const progress = i / length;
    phase += (pitch * (1 + (fall - 1) * progress) * (1 + 0.01 * (random() - 0.5))) / sampleRate;
    const isPulse = phase >= 1;
    if (isPulse) phase -= 1;
    // A pulse for the voice, and the breath that goes with it.
    const source = (isPulse ? 1 : 0) + 0.004 * (random() - 0.5);
    let value = 0;
    resonators.forEach((resonator, k) => {
      const frequency = (from[k] ?? 0) + ((to[k] ?? 0) - (from[k] ?? 0)) * progress;
      value += resonator.next(source, frequency, 60 + 40 * k, sampleRate) / (1 + 0.7 * k);
    });
    const envelope = Math.sin(Math.PI * progress) ** 0.5;
    samples[at + i] = value * envelope * level;
  }
  return at + length;
}

function addConsonant(
  samples: Float32Array,
  at: number,
  sampleRate: number,
  random: Random,
): number {
  const length = Math.round(sampleRate * (0.05 + 0.06 * random()));
  const center = Math.min(3000 + 3500 * random(), sampleRate * 0.42);
  const resonator = new Resonator();
  for (let i = 0; i < length && at + i < samples.length; i++) {
    const value = resonator.next(random() - 0.5, center, 1500, sampleRate);
    samples[at + i] = value * Math.sin((Math.PI * i) / length) * 0.2;
  }
  return at + length;
}

/** A two-pole filter that rings at one frequency. */
class Resonator {
  #previous = 0;
  #beforeThat = 0;

  next(input: number, frequencyHz: number, bandwidthHz: number, sampleRate: number): number {
    const radius = Math.exp((-Math.PI * bandwidthHz) / sampleRate);
    const angle = (2 * Math.PI * frequencyHz) / sampleRate;
    const output =
      input + 2 * radius * Math.cos(angle) * this.#previous - radius * radius * this.#beforeThat;
    this.#beforeThat = this.#previous;
    this.#previous = output;
    return output;
  }
}

function atHalfScale(samples: Float32Array): Int16Array {
  const peak = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
  return Int16Array.from(samples, (value) => Math.round((value / peak) * 16_384));
}

/**
 * Returns a source of numbers from 0 up to 1, the same ones for the same seed.
 *
 * A linear congruential generator: its upper bits are random enough for noise.
 */
export function randomNumbers(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
