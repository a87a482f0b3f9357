import { InvalidOptionError } from "../errors.ts";

/**
 * A low-pass filter cut into phases, so that a rate changes by `up / down` without ever computing
 * the samples between.
 */
export interface PolyphaseFilter {
  /** Phases between two input samples. */
  readonly up: number;
  /** Phases from one output sample to the next. */
  readonly down: number;
  /** Input samples that one output sample is made of; even. */
  readonly taps: number;
  /** One row of {@link PolyphaseFilter.taps} a phase, oldest input first. */
  readonly coefficients: Float32Array;
}

// Half the filter's length, in samples of the lower rate. With the two figures below: flat to 0.75
// of the lower Nyquist frequency, -0.5 dB at 0.85, and images and aliases below -97 dB from 1.15 of
// it on. Twice the length would halve the width of that slope, and double the delay and the work.
const HALF_WIDTH = 16;
// The slope's middle (-6 dB) as a share of the lower Nyquist frequency.
const ROLLOFF = 0.945;
// Sidelobes at about -97 dB, below one step of 16-bit PCM.
const KAISER_BETA = 9.4;
// 48 kHz to or from any multiple of 25 Hz needs at most 1,920 phases.
const MAX_PHASES = 2048;
const MAX_CACHED = 32;

const cache = new Map<string, PolyphaseFilter>();

/**
 * Returns the filter for a pair of rates; pairs of the same ratio share one.
 *
 * @throws {@link InvalidOptionError} when the ratio has no small whole terms.
 */
export function polyphaseFilter(inputRate: number, outputRate: number): PolyphaseFilter {
  const divisor = greatestCommonDivisor(inputRate, outputRate);
  const up = outputRate / divisor;
  const down = inputRate / divisor;
  if (up > MAX_PHASES || down > MAX_PHASES) {
    throw new InvalidOptionError(
      "sampleRate",
      `${inputRate} Hz to ${outputRate} Hz`,
      `The ratio ${up}:${down} has terms above ${MAX_PHASES}; use rates that are multiples of 25 Hz.`,
    );
  }
  const key = `${up}:${down}`;
  let filter = cache.get(key);
  if (!filter) {
    filter = designFilter(up, down);
    // Rates may come from users: the oldest table gives way, streams that use it keep it.
    const oldest = cache.size >= MAX_CACHED ? cache.keys().next().value : undefined;
    if (oldest !== undefined) cache.delete(oldest);
    cache.set(key, filter);
  }
  return filter;
}

function designFilter(up: number, down: number): PolyphaseFilter {
  const stretch = Math.max(1, down / up);
  // A multiple of four, for the unrolled loops that apply it.
  const taps = 4 * Math.ceil((2 * HALF_WIDTH * stretch) / 4);
  const delay = taps / 2;
  const cutoff = ROLLOFF / stretch;
  const coefficients = new Float32Array(up * taps);
  const row = new Float64Array(taps);
  for (let phase = 0; phase < up; phase++) {
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const time = phase / up + taps - 1 - tap - delay;
      const value = sinc(cutoff * time) * kaiser(time / delay);
      row[tap] = value;
      sum += value;
    }
    // Each phase passes a constant unchanged; otherwise their differences would be heard as a tone.
    for (let tap = 0; tap < taps; tap++) {
      coefficients[phase * taps + tap] = (row[tap] ?? 0) / sum;
    }
  }
  return { up, down, taps, coefficients };
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function kaiser(x: number): number {
  return Math.abs(x) > 1 ? 0 : besselI0(KAISER_BETA * Math.sqrt(1 - x * x)) / BESSEL_AT_BETA;
}

function besselI0(x: number): number {
  const quarter = (x * x) / 4;
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-16; k++) {
    term *= quarter / (k * k);
    sum += term;
  }
  return sum;
}

const BESSEL_AT_BETA = besselI0(KAISER_BETA);

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
