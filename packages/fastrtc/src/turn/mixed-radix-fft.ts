/**
 * The Fourier transform of whisper's frames, which have 400 samples: 4 · 4 · 5 · 5, no power of two.
 *
 * Stockham's form of the fast transform: each stage writes its results where the next one reads
 * them, so that nothing has to be put in order afterwards.
 */

/** The length of the transform. */
export const FFT_LENGTH = 400;

const COS_72 = Math.cos((2 * Math.PI) / 5);
const COS_144 = Math.cos((4 * Math.PI) / 5);
const SIN_72 = Math.sin((2 * Math.PI) / 5);
const SIN_144 = Math.sin((4 * Math.PI) / 5);

/** A complex signal, or its spectrum. */
export interface ComplexArray {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** Makes a complex array of {@link FFT_LENGTH} zeros. */
export function createComplexArray(): ComplexArray {
  return { re: new Float64Array(FFT_LENGTH), im: new Float64Array(FFT_LENGTH) };
}

const twiddles = createComplexArray();
for (let i = 0; i < FFT_LENGTH; i++) {
  twiddles.re[i] = Math.cos((2 * Math.PI * i) / FFT_LENGTH);
  twiddles.im[i] = -Math.sin((2 * Math.PI * i) / FFT_LENGTH);
}

/**
 * Replaces a complex signal by its spectrum, unscaled.
 *
 * @param data - {@link FFT_LENGTH} values.
 * @param scratch - Room for as many; overwritten.
 */
export function transform(data: ComplexArray, scratch: ComplexArray): void {
  stageOf4(data, scratch, 1);
  stageOf4(scratch, data, 4);
  stageOf5(data, scratch, 16);
  stageOf5(scratch, data, 80);
}

/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index is below FFT_LENGTH: the loops count its factors. */

function stageOf4(from: ComplexArray, to: ComplexArray, stride: number): void {
  const quarter = FFT_LENGTH / 4;
  const { re: xr, im: xi } = from;
  const { re: yr, im: yi } = to;
  const groups = quarter / stride;
  for (let group = 0; group < groups; group++) {
    const turn = group * stride;
    const w1r = twiddles.re[turn]!;
    const w1i = twiddles.im[turn]!;
    const w2r = twiddles.re[2 * turn]!;
    const w2i = twiddles.im[2 * turn]!;
    const w3r = twiddles.re[3 * turn]!;
    const w3i = twiddles.im[3 * turn]!;
    for (let q = 0; q < stride; q++) {
      const read = q + turn;
      const ar = xr[read]!;
      const ai = xi[read]!;
      const br = xr[read + quarter]!;
      const bi = xi[read + quarter]!;
      const cr = xr[read + 2 * quarter]!;
      const ci = xi[read + 2 * quarter]!;
      const dr = xr[read + 3 * quarter]!;
      const di = xi[read + 3 * quarter]!;
      const evenR = ar + cr;
      const evenI = ai + ci;
      const oddR = br + dr;
      const oddI = bi + di;
      const evenDiffR = ar - cr;
      const evenDiffI = ai - ci;
      // The difference of the odd ones, turned by a quarter circle.
      const oddDiffR = bi - di;
      const oddDiffI = dr - br;
      const write = q + 4 * turn;
      yr[write] = evenR + oddR;
      yi[write] = evenI + oddI;
      const r1 = evenDiffR + oddDiffR;
      const i1 = evenDiffI + oddDiffI;
      yr[write + stride] = r1 * w1r - i1 * w1i;
      yi[write + stride] = r1 * w1i + i1 * w1r;
      const r2 = evenR - oddR;
      const i2 = evenI - oddI;
      yr[write + 2 * stride] = r2 * w2r - i2 * w2i;
      yi[write + 2 * stride] = r2 * w2i + i2 * w2r;
      const r3 = evenDiffR - oddDiffR;
      const i3 = evenDiffI - oddDiffI;
      yr[write + 3 * stride] = r3 * w3r - i3 * w3i;
      yi[write + 3 * stride] = r3 * w3i + i3 * w3r;
    }
  }
}

function stageOf5(from: ComplexArray, to: ComplexArray, stride: number): void {
  const fifth = FFT_LENGTH / 5;
  const { re: xr, im: xi } = from;
  const { re: yr, im: yi } = to;
  const groups = fifth / stride;
  for (let group = 0; group < groups; group++) {
    const turn = group * stride;
    for (let q = 0; q < stride; q++) {
      const read = q + turn;
      const ar = xr[read]!;
      const ai = xi[read]!;
      // Sums and differences of the values that lie symmetric around the first.
      const s1r = xr[read + fifth]! + xr[read + 4 * fifth]!;
      const s1i = xi[read + fifth]! + xi[read + 4 * fifth]!;
      const d1r = xr[read + fifth]! - xr[read + 4 * fifth]!;
      const d1i = xi[read + fifth]! - xi[read + 4 * fifth]!;
      const s2r = xr[read + 2 * fifth]! + xr[read + 3 * fifth]!;
      const s2i = xi[read + 2 * fifth]! + xi[read + 3 * fifth]!;
      const d2r = xr[read + 2 * fifth]! - xr[read + 3 * fifth]!;
      const d2i = xi[read + 2 * fifth]! - xi[read + 3 * fifth]!;
      const u1r = ar + COS_72 * s1r + COS_144 * s2r;
      const u1i = ai + COS_72 * s1i + COS_144 * s2i;
      const u2r = ar + COS_144 * s1r + COS_72 * s2r;
      const u2i = ai + COS_144 * s1i + COS_72 * s2i;
      const v1r = SIN_72 * d1i + SIN_144 * d2i;
      const v1i = -SIN_72 * d1r - SIN_144 * d2r;
      const v2r = SIN_144 * d1i - SIN_72 * d2i;
      const v2i = SIN_72 * d2r - SIN_144 * d1r;
      const write = q + 5 * turn;
      yr[write] = ar + s1r + s2r;
      yi[write] = ai + s1i + s2i;
      store(to, write + stride, u1r + v1r, u1i + v1i, turn);
      store(to, write + 2 * stride, u2r + v2r, u2i + v2i, 2 * turn);
      store(to, write + 3 * stride, u2r - v2r, u2i - v2i, 3 * turn);
      store(to, write + 4 * stride, u1r - v1r, u1i - v1i, 4 * turn);
    }
  }
}

function store(to: ComplexArray, at: number, r: number, i: number, turn: number): void {
  const wr = twiddles.re[turn]!;
  const wi = twiddles.im[turn]!;
  to.re[at] = r * wr - i * wi;
  to.im[at] = r * wi + i * wr;
}
