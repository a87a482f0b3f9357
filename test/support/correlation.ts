/**
 * How much of what was spoken is in what was heard.
 *
 * The spoken sound is cut into parts, each is sought in the heard one by normalised
 * cross-correlation, and the peaks are averaged by energy. Gain does not matter, nor when a part is
 * heard: a browser's jitter buffer stretches and squeezes time, so that one lag for all would not do.
 */

import type { AudioFrame } from "fastrtc";

/** Telephone recordings hold nothing above, and shorter transforms are faster. */
const SAMPLE_RATE = 8000;
/** Longer parts tell sentences apart better and bear less stretching. */
const PART_MS = 400;

/**
 * Compares two sounds.
 *
 * @returns 1 when all that was spoken is heard, about 0.4 for another sentence of the same voice.
 */
export function similarity(spoken: AudioFrame, heard: AudioFrame): number {
  const whole = Float64Array.from(spoken.resample(SAMPLE_RATE).samples);
  const search = new Search(Float64Array.from(heard.resample(SAMPLE_RATE).samples));
  const length = (SAMPLE_RATE * PART_MS) / 1000;
  let sum = 0;
  let total = 0;
  for (let at = 0; at + length <= whole.length; at += length) {
    const part = whole.subarray(at, at + length);
    const energy = energyOf(part);
    sum += energy * search.peak(part);
    total += energy;
  }
  return total === 0 ? 0 : sum / total;
}

/** A sound that is searched for others. */
class Search {
  readonly #size: number;
  readonly #length: number;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  /** Energy of everything before each sample. */
  readonly #energy: Float64Array;

  constructor(heard: Float64Array) {
    this.#length = heard.length;
    this.#size = 2 ** Math.ceil(Math.log2(Math.max(2, heard.length)));
    this.#re = new Float64Array(this.#size);
    this.#im = new Float64Array(this.#size);
    this.#re.set(heard);
    this.#energy = new Float64Array(heard.length + 1);
    heard.forEach((value, i) => {
      this.#energy[i + 1] = (this.#energy[i] ?? 0) + value ** 2;
    });
    transform(this.#re, this.#im);
  }

  /** Returns the highest normalised correlation, 0 to 1, over all places where the part fits. */
  peak(part: Float64Array): number {
    const size = this.#size;
    const re = new Float64Array(size);
    const im = new Float64Array(size);
    re.set(part);
    transform(re, im);
    // The conjugate of heard times conj(part); a forward transform of it is the inverse, mirrored.
    for (let k = 0; k < size; k++) {
      const a = this.#re[k] ?? 0;
      const b = this.#im[k] ?? 0;
      const c = re[k] ?? 0;
      const d = im[k] ?? 0;
      re[k] = a * c + b * d;
      im[k] = a * d - b * c;
    }
    transform(re, im);
    const energy = energyOf(part);
    // What is far below the loudest place is silence, where noise would correlate by chance.
    const floor = 1e-4 * energy;
    let best = 0;
    for (let lag = 0; lag + part.length <= this.#length; lag++) {
      const there = (this.#energy[lag + part.length] ?? 0) - (this.#energy[lag] ?? 0);
      if (there < floor) continue;
      best = Math.max(best, (re[lag] ?? 0) / size / Math.sqrt(energy * there));
    }
    return best;
  }
}

function energyOf(samples: Float64Array): number {
  return samples.reduce((sum, value) => sum + value ** 2, 0);
}

/** Cosines and sines of `-pi * k / half`, by half the length of a transform. */
const rotations = new Map<number, { readonly cos: Float64Array; readonly sin: Float64Array }>();

function rotationsOf(half: number): { readonly cos: Float64Array; readonly sin: Float64Array } {
  let found = rotations.get(half);
  if (!found) {
    const angles = Float64Array.from({ length: half }, (_, k) => (-Math.PI * k) / half);
    found = { cos: angles.map(Math.cos), sin: angles.map(Math.sin) };
    rotations.set(half, found);
  }
  return found;
}

/** Cooley and Tukey's fast Fourier transform, in place; the length is a power of two. */
function transform(re: Float64Array, im: Float64Array): void {
  const size = re.length;
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      const a = re[i] ?? 0;
      const b = im[i] ?? 0;
      re[i] = re[j] ?? 0;
      im[i] = im[j] ?? 0;
      re[j] = a;
      im[j] = b;
    }
  }
  for (let half = 1; half < size; half *= 2) {
    const { cos, sin } = rotationsOf(half);
    for (let start = 0; start < size; start += 2 * half) {
      for (let k = 0; k < half; k++) {
        const i = start + k;
        const j = i + half;
        const ar = re[i] ?? 0;
        const ai = im[i] ?? 0;
        const br = re[j] ?? 0;
        const bi = im[j] ?? 0;
        const wr = cos[k] ?? 0;
        const wi = sin[k] ?? 0;
        const cr = br * wr - bi * wi;
        const ci = br * wi + bi * wr;
        re[i] = ar + cr;
        im[i] = ai + ci;
        re[j] = ar - cr;
        im[j] = ai - ci;
      }
    }
  }
}
