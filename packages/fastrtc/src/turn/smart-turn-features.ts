/**
 * What smart-turn v3 reads of a turn: whisper's log-mel spectrogram of its last eight seconds.
 *
 * 16 kHz audio comes in, 80 bands of 800 frames go out. Runs in the model's worker thread.
 */

import { createComplexArray, FFT_LENGTH, transform } from "./mixed-radix-fft.ts";

/** Samples that the model looks at: 8 s at 16 kHz. */
export const SMART_TURN_SAMPLES = 128_000;
/** Mel bands of the spectrogram. */
export const SMART_TURN_BANDS = 80;
/** Frames of the spectrogram, one every 10 ms. */
export const SMART_TURN_FRAMES = 800;

const HOP = 160;
const MARGIN = FFT_LENGTH / 2;
const BINS = FFT_LENGTH / 2 + 1;
const BIN_HZ = 40;
const TOP_HZ = 8000;
/** Below any sound; keeps the logarithm of silence finite. */
const FLOOR = 1e-10;
/** Decades below the loudest value at which everything quieter is cut. */
const RANGE = 8;

/** The bins that a mel band adds up, and how much each counts. */
interface MelBand {
  readonly firstBin: number;
  readonly weights: Float64Array;
}

// Slaney's scale: even up to 1 kHz, logarithmic above.
const hzOfMel = (mel: number): number =>
  mel < 15 ? (200 * mel) / 3 : 1000 * Math.exp((Math.log(6.4) / 27) * (mel - 15));
const melOfHz = (hz: number): number =>
  hz < 1000 ? (3 * hz) / 200 : 15 + (27 * Math.log(hz / 1000)) / Math.log(6.4);

function createMelBands(): readonly MelBand[] {
  const edge = (i: number): number => hzOfMel((melOfHz(TOP_HZ) * i) / (SMART_TURN_BANDS + 1));
  return Array.from({ length: SMART_TURN_BANDS }, (_, band) => {
    const low = edge(band);
    const middle = edge(band + 1);
    const high = edge(band + 2);
    const weights: number[] = [];
    let firstBin = 0;
    for (let bin = 0; bin < BINS; bin++) {
      const hz = bin * BIN_HZ;
      const height = Math.min((hz - low) / (middle - low), (high - hz) / (high - middle));
      if (height <= 0) continue;
      if (weights.length === 0) firstBin = bin;
      // The triangles have one area, so that wide bands of noise are no louder than narrow ones.
      weights.push((height * 2) / (high - low));
    }
    return { firstBin, weights: Float64Array.from(weights) };
  });
}

/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index is below the length of its array: both are made of the same constants. */

/** Makes spectrograms, one after the other; keeps 0.8 MB of memory to do so. */
export class SmartTurnFeatures {
  readonly #bands = createMelBands();
  readonly #hann = Float64Array.from(
    { length: FFT_LENGTH },
    (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / FFT_LENGTH),
  );
  readonly #padded = new Float32Array(SMART_TURN_SAMPLES + 2 * MARGIN);
  readonly #signal = createComplexArray();
  readonly #scratch = createComplexArray();
  readonly #power = [new Float64Array(BINS), new Float64Array(BINS)] as const;
  readonly #spectrogram = new Float32Array(SMART_TURN_BANDS * SMART_TURN_FRAMES);

  /**
   * Returns the spectrogram, band after band. The array is reused by the next call.
   *
   * @param audio - 16 kHz mono, -1 to 1. Of longer audio the last {@link SMART_TURN_SAMPLES} count;
   * silence goes before shorter audio, so that the end of the turn is always in the same place.
   */
  extract(audio: Float32Array): Float32Array {
    this.#normalize(audio);
    let loudest = -Infinity;
    // Two frames, as the real and the imaginary part of one signal, share a transform.
    for (let frame = 0; frame < SMART_TURN_FRAMES; frame += 2) {
      this.#computePower(frame);
      loudest = Math.max(loudest, this.#storeBands(frame, 0), this.#storeBands(frame + 1, 1));
    }
    const lowest = loudest - RANGE;
    const spectrogram = this.#spectrogram;
    for (let i = 0; i < spectrogram.length; i++) {
      spectrogram[i] = (Math.max(spectrogram[i]!, lowest) + 4) / 4;
    }
    return spectrogram;
  }

  /** Zero mean, unit variance over all eight seconds, and both ends mirrored. */
  #normalize(audio: Float32Array): void {
    const padded = this.#padded;
    const samples = padded.subarray(MARGIN, MARGIN + SMART_TURN_SAMPLES);
    const heard = audio.subarray(Math.max(0, audio.length - SMART_TURN_SAMPLES));
    samples.fill(0, 0, SMART_TURN_SAMPLES - heard.length);
    samples.set(heard, SMART_TURN_SAMPLES - heard.length);
    let sum = 0;
    for (const sample of samples) sum += sample;
    const mean = sum / SMART_TURN_SAMPLES;
    let squares = 0;
    for (const sample of samples) squares += (sample - mean) ** 2;
    const gain = 1 / Math.sqrt(squares / SMART_TURN_SAMPLES + 1e-7);
    for (let i = 0; i < samples.length; i++) samples[i] = (samples[i]! - mean) * gain;
    const end = MARGIN + SMART_TURN_SAMPLES;
    for (let i = 0; i < MARGIN; i++) {
      padded[MARGIN - 1 - i] = padded[MARGIN + 1 + i]!;
      padded[end + i] = padded[end - 2 - i]!;
    }
  }

  #computePower(frame: number): void {
    const { re, im } = this.#signal;
    const first = frame * HOP;
    for (let n = 0; n < FFT_LENGTH; n++) {
      re[n] = this.#padded[first + n]! * this.#hann[n]!;
      im[n] = this.#padded[first + HOP + n]! * this.#hann[n]!;
    }
    transform(this.#signal, this.#scratch);
    const [power, nextPower] = this.#power;
    for (let bin = 0; bin < BINS; bin++) {
      const mirror = bin === 0 ? 0 : FFT_LENGTH - bin;
      const sumR = re[bin]! + re[mirror]!;
      const diffI = im[bin]! - im[mirror]!;
      const sumI = im[bin]! + im[mirror]!;
      const diffR = re[mirror]! - re[bin]!;
      power[bin] = (sumR * sumR + diffI * diffI) / 4;
      nextPower[bin] = (sumI * sumI + diffR * diffR) / 4;
    }
  }

  #storeBands(frame: number, which: 0 | 1): number {
    const power = this.#power[which];
    let loudest = -Infinity;
    for (let band = 0; band < SMART_TURN_BANDS; band++) {
      const { firstBin, weights } = this.#bands[band]!;
      let energy = 0;
      for (let i = 0; i < weights.length; i++) energy += weights[i]! * power[firstBin + i]!;
      const value = Math.log10(Math.max(FLOOR, energy));
      this.#spectrogram[band * SMART_TURN_FRAMES + frame] = value;
      if (value > loudest) loudest = value;
    }
    return loudest;
  }
}
