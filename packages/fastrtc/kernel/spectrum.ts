// Stage 1: 640 samples -> [129 frequencies][4 frames] of magnitudes.
//
// The model does this as a convolution with a windowed DFT basis, 264,192 multiplications; a real
// FFT gives the same numbers. The four overlapping frames (256 samples each, 128 apart) lie in the
// four lanes of a vector, so that the FFT itself needs no shuffles.
//
// A real FFT of 256 points is a complex one of 128: even samples are the real parts, odd ones the
// imaginary parts, and a last step takes the two apart. A complex number takes 32 bytes: four
// real parts, then four imaginary parts.

import { add, magnitude, mul, sub } from "./math";
import {
  CONTEXT,
  FFT_TWIDDLES,
  HANN,
  JOIN_TWIDDLES,
  MAGNITUDES,
  PADDING,
  SAMPLES,
  SPECTRUM,
  SPECTRUM_SPARE,
} from "./memory";

/** Bytes of one complex number of four frames. */
const COMPLEX: usize = 32;
/** Bytes of the three twiddle factors of one row of a radix-4 stage. */
const TWIDDLE_ROW: usize = 24;

/** Reads context and samples, writes MAGNITUDES. */
export function computeMagnitudes(): void {
  silenceNonsense();
  mirrorEnd();
  windowFrames();
  radix4(SPECTRUM, SPECTRUM_SPARE, 128, 1, FFT_TWIDDLES);
  radix4(SPECTRUM_SPARE, SPECTRUM, 32, 4, FFT_TWIDDLES + 32 * TWIDDLE_ROW);
  radix4(SPECTRUM, SPECTRUM_SPARE, 8, 16, FFT_TWIDDLES + 40 * TWIDDLE_ROW);
  radix2(SPECTRUM_SPARE, SPECTRUM);
  joinHalves();
}

/**
 * Makes zeros of NaN, infinities and what no sound card makes. One NaN would spread to every
 * feature, and the zero skipping of the LSTM would then skip them all: a plausible probability, a
 * wrong state, and nothing to see. An infinity could stay in the cell for good.
 */
function silenceNonsense(): void {
  const limit = f32x4.splat(1e6);
  for (let at = SAMPLES; at < PADDING; at += 16) {
    const x = v128.load(at);
    v128.store(at, v128.and(x, f32x4.le(f32x4.abs(x), limit)));
  }
}

/** Pads the end with its own mirror image; the last sample itself is not repeated. */
function mirrorEnd(): void {
  for (let i: usize = 0; i < 64 * 4; i += 4) {
    store<f32>(PADDING + i, load<f32>(PADDING - 8 - i));
  }
}

/** Multiplies each frame by the Hann window and transposes: frames become lanes. */
function windowFrames(): void {
  let to: usize = SPECTRUM;
  for (let i: usize = 0; i < 256 * 4; i += 16) {
    const hann = v128.load(HANN + i);
    const frame0 = mul(v128.load(CONTEXT + i, 0), hann);
    const frame1 = mul(v128.load(CONTEXT + i, 512), hann);
    const frame2 = mul(v128.load(CONTEXT + i, 1024), hann);
    const frame3 = mul(v128.load(CONTEXT + i, 1536), hann);
    const low01 = v128.shuffle<f32>(frame0, frame1, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(frame0, frame1, 2, 6, 3, 7);
    const low23 = v128.shuffle<f32>(frame2, frame3, 0, 4, 1, 5);
    const high23 = v128.shuffle<f32>(frame2, frame3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5), 0);
    v128.store(to, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), 16);
    v128.store(to, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 32);
    v128.store(to, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), 48);
    to += 64;
  }
}

/**
 * One radix-4 stage of Stockham's FFT, which sorts as it goes and needs no bit reversal.
 *
 * @param length - Points that each of the remaining transforms has before this stage.
 * @param stride - How many such transforms lie interleaved.
 */
function radix4(from: usize, to: usize, length: usize, stride: usize, twiddles: usize): void {
  const quarter: usize = length >> 2;
  const inputGap = stride * quarter * COMPLEX;
  const outputGap = stride * COMPLEX;
  let a = from;
  let y = to;
  for (let row: usize = 0; row < quarter; row++) {
    const w1re = v128.load32_splat(twiddles, 0);
    const w1im = v128.load32_splat(twiddles, 4);
    const w2re = v128.load32_splat(twiddles, 8);
    const w2im = v128.load32_splat(twiddles, 12);
    const w3re = v128.load32_splat(twiddles, 16);
    const w3im = v128.load32_splat(twiddles, 20);
    twiddles += TWIDDLE_ROW;

    for (const end = a + outputGap; a < end; a += COMPLEX) {
      const b = a + inputGap;
      const c = b + inputGap;
      const d = c + inputGap;
      const acRe = add(v128.load(a, 0), v128.load(c, 0));
      const acIm = add(v128.load(a, 16), v128.load(c, 16));
      const acDiffRe = sub(v128.load(a, 0), v128.load(c, 0));
      const acDiffIm = sub(v128.load(a, 16), v128.load(c, 16));
      const bdRe = add(v128.load(b, 0), v128.load(d, 0));
      const bdIm = add(v128.load(b, 16), v128.load(d, 16));
      const bdDiffRe = sub(v128.load(b, 0), v128.load(d, 0));
      const bdDiffIm = sub(v128.load(b, 16), v128.load(d, 16));

      // The four outputs: a+b+c+d, (a-c) - i(b-d), (a+c) - (b+d), (a-c) + i(b-d).
      v128.store(y, add(acRe, bdRe), 0);
      v128.store(y, add(acIm, bdIm), 16);
      let out = y + outputGap;
      storeProduct(out, add(acDiffRe, bdDiffIm), sub(acDiffIm, bdDiffRe), w1re, w1im);
      out += outputGap;
      storeProduct(out, sub(acRe, bdRe), sub(acIm, bdIm), w2re, w2im);
      out += outputGap;
      storeProduct(out, sub(acDiffRe, bdDiffIm), add(acDiffIm, bdDiffRe), w3re, w3im);
      y += COMPLEX;
    }
    y += 3 * outputGap;
  }
}

/** Stores (re + i im)(wRe + i wIm). */
function storeProduct(to: usize, re: v128, im: v128, wRe: v128, wIm: v128): void {
  v128.store(to, sub(mul(re, wRe), mul(im, wIm)), 0);
  v128.store(to, add(mul(re, wIm), mul(im, wRe)), 16);
}

/** The last stage: 64 interleaved transforms of two points, whose twiddles are all 1. */
function radix2(from: usize, to: usize): void {
  for (let i: usize = 0; i < 64 * COMPLEX; i += 16) {
    const a = v128.load(from + i, 0);
    const b = v128.load(from + i, 2048);
    v128.store(to + i, add(a, b), 0);
    v128.store(to + i, sub(a, b), 2048);
  }
}

/**
 * Takes the spectra E of the even and O of the odd samples out of the complex one, Z, and joins
 * them: X[k] = E[k] + w^k O[k], X[128-k] = conj(E[k] - w^k O[k]). Only magnitudes are kept.
 */
function joinHalves(): void {
  const re0 = v128.load(SPECTRUM, 0);
  const im0 = v128.load(SPECTRUM, 16);
  v128.store(MAGNITUDES, f32x4.abs(add(re0, im0)), 0);
  v128.store(MAGNITUDES, f32x4.abs(sub(re0, im0)), 128 * 16);
  const middle = SPECTRUM + 64 * COMPLEX;
  v128.store(MAGNITUDES, magnitude(v128.load(middle, 0), v128.load(middle, 16)), 64 * 16);

  const half = f32x4.splat(0.5);
  for (let k: usize = 1; k < 64; k++) {
    const low = SPECTRUM + k * COMPLEX;
    const high = SPECTRUM + (128 - k) * COMPLEX;
    const lowRe = v128.load(low, 0);
    const lowIm = v128.load(low, 16);
    const highRe = v128.load(high, 0);
    const highIm = v128.load(high, 16);
    const evenRe = mul(add(lowRe, highRe), half);
    const evenIm = mul(sub(lowIm, highIm), half);
    const oddRe = mul(add(lowIm, highIm), half);
    const oddIm = mul(sub(highRe, lowRe), half);

    const wRe = v128.load32_splat(JOIN_TWIDDLES + k * 8, 0);
    const wIm = v128.load32_splat(JOIN_TWIDDLES + k * 8, 4);
    const turnedRe = sub(mul(wRe, oddRe), mul(wIm, oddIm));
    const turnedIm = add(mul(wRe, oddIm), mul(wIm, oddRe));
    v128.store(MAGNITUDES + k * 16, magnitude(add(evenRe, turnedRe), add(evenIm, turnedIm)));
    v128.store(
      MAGNITUDES + (128 - k) * 16,
      magnitude(sub(evenRe, turnedRe), sub(evenIm, turnedIm)),
    );
  }
}
