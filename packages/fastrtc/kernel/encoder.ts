// Stage 2: [129 frequencies][4 frames] -> 128 features, by four convolutions over time with three
// taps each, a padding of zeros on both sides, and ReLU. Layers 1 and 2 halve the frames.
//
//   layer  inputs -> outputs  frames
//   0         129 -> 128        4
//   1         128 -> 64         2
//   2          64 -> 64         1
//   3          64 -> 128        1
//
// The lanes of a vector are output channels; an input is spread over all lanes (`load32_splat`).
//
// Why loops are left in the middle: V8 moves all loads of a basic block in front of its
// arithmetic. In a whole loop body that is more live vectors than the 16 registers of x86-64, and
// the sums are spilled to the stack: 28.5 instead of 20.5 µs a window. Each `if (x >= end + n)
// break` ends a basic block. It is never taken, but the compilers cannot know; the numbers differ,
// for equal tests would be merged. A block may hold 15 live vectors.

import { mulAdd, relu } from "./math";
import {
  FEATURES,
  LAYER0_BIAS,
  LAYER0_OUTPUT,
  LAYER0_WEIGHTS,
  LAYER1_BIAS,
  LAYER1_OUTPUT,
  LAYER1_WEIGHTS,
  LAYER2_BIAS,
  LAYER2_OUTPUT,
  LAYER2_WEIGHTS,
  LAYER3_BIAS,
  LAYER3_WEIGHTS,
  MAGNITUDES,
} from "./memory";

/** Reads MAGNITUDES, writes FEATURES. */
export function encode(): void {
  convolveLayer0();
  convolveLayer1();
  // One frame is left, and the dead taps are gone from the weights: both layers are products of a
  // matrix and a vector. Layer 2 reads both frames of layer 1, one behind the other.
  multiply(LAYER2_WEIGHTS, LAYER2_BIAS, 64, LAYER1_OUTPUT, 128, LAYER2_OUTPUT);
  multiply(LAYER3_WEIGHTS, LAYER3_BIAS, 128, LAYER2_OUTPUT, 64, FEATURES);
}

/** Four frames in, four out, in blocks of 8 channels: four in lo<frame>, four in hi<frame>. */
function convolveLayer0(): void {
  const end: usize = MAGNITUDES + 129 * 16;
  let w: usize = LAYER0_WEIGHTS;
  for (let channel: usize = 0; channel < 128 * 4; channel += 8 * 4) {
    let lo0 = v128.load(LAYER0_BIAS + channel, 0);
    let hi0 = v128.load(LAYER0_BIAS + channel, 16);
    let lo1 = lo0;
    let hi1 = hi0;
    let lo2 = lo0;
    let hi2 = hi0;
    let lo3 = lo0;
    let hi3 = hi0;
    let x: usize = MAGNITUDES;
    do {
      const x0 = v128.load32_splat(x, 0);
      const x1 = v128.load32_splat(x, 4);
      const x2 = v128.load32_splat(x, 8);
      const x3 = v128.load32_splat(x, 12);

      // Tap 0: the frame before.
      let lo = v128.load(w, 0);
      let hi = v128.load(w, 16);
      lo1 = mulAdd(lo1, lo, x0);
      lo2 = mulAdd(lo2, lo, x1);
      lo3 = mulAdd(lo3, lo, x2);
      hi1 = mulAdd(hi1, hi, x0);
      hi2 = mulAdd(hi2, hi, x1);
      hi3 = mulAdd(hi3, hi, x2);
      if (x >= end + 16) break;

      // Tap 1: the same frame.
      lo = v128.load(w, 32);
      hi = v128.load(w, 48);
      lo0 = mulAdd(lo0, lo, x0);
      lo1 = mulAdd(lo1, lo, x1);
      lo2 = mulAdd(lo2, lo, x2);
      lo3 = mulAdd(lo3, lo, x3);
      hi0 = mulAdd(hi0, hi, x0);
      hi1 = mulAdd(hi1, hi, x1);
      hi2 = mulAdd(hi2, hi, x2);
      hi3 = mulAdd(hi3, hi, x3);
      if (x >= end + 32) break;

      // Tap 2: the frame after.
      lo = v128.load(w, 64);
      hi = v128.load(w, 80);
      lo0 = mulAdd(lo0, lo, x1);
      lo1 = mulAdd(lo1, lo, x2);
      lo2 = mulAdd(lo2, lo, x3);
      hi0 = mulAdd(hi0, hi, x1);
      hi1 = mulAdd(hi1, hi, x2);
      hi2 = mulAdd(hi2, hi, x3);

      w += 3 * 8 * 4;
      x += 16;
    } while (x < end);

    const output = LAYER0_OUTPUT + channel;
    v128.store(output, relu(lo0), 0);
    v128.store(output, relu(hi0), 16);
    v128.store(output, relu(lo1), 512);
    v128.store(output, relu(hi1), 528);
    v128.store(output, relu(lo2), 1024);
    v128.store(output, relu(hi2), 1040);
    v128.store(output, relu(lo3), 1536);
    v128.store(output, relu(hi3), 1552);
  }
}

/**
 * Four frames in, two out, in blocks of 16 channels: `a` sums output frame 0, from input frames
 * (padding), 0, 1; `b` sums output frame 1, from 1, 2, 3.
 */
function convolveLayer1(): void {
  const end: usize = LAYER0_OUTPUT + 128 * 4;
  let w: usize = LAYER1_WEIGHTS;
  for (let channel: usize = 0; channel < 64 * 4; channel += 16 * 4) {
    let a0 = v128.load(LAYER1_BIAS + channel, 0);
    let a1 = v128.load(LAYER1_BIAS + channel, 16);
    let a2 = v128.load(LAYER1_BIAS + channel, 32);
    let a3 = v128.load(LAYER1_BIAS + channel, 48);
    let b0 = a0;
    let b1 = a1;
    let b2 = a2;
    let b3 = a3;
    let x: usize = LAYER0_OUTPUT;
    do {
      // Tap 2, first, for frame 1 serves tap 0 as well.
      let forA = v128.load32_splat(x, 512);
      let forB = v128.load32_splat(x, 1536);
      let w0 = v128.load(w, 128);
      let w1 = v128.load(w, 144);
      let w2 = v128.load(w, 160);
      let w3 = v128.load(w, 176);
      a0 = mulAdd(a0, w0, forA);
      a1 = mulAdd(a1, w1, forA);
      a2 = mulAdd(a2, w2, forA);
      a3 = mulAdd(a3, w3, forA);
      b0 = mulAdd(b0, w0, forB);
      b1 = mulAdd(b1, w1, forB);
      b2 = mulAdd(b2, w2, forB);
      b3 = mulAdd(b3, w3, forB);
      if (x >= end + 16) break;

      // Tap 0.
      w0 = v128.load(w, 0);
      w1 = v128.load(w, 16);
      w2 = v128.load(w, 32);
      w3 = v128.load(w, 48);
      b0 = mulAdd(b0, w0, forA);
      b1 = mulAdd(b1, w1, forA);
      b2 = mulAdd(b2, w2, forA);
      b3 = mulAdd(b3, w3, forA);
      if (x >= end + 32) break;

      // Tap 1.
      forA = v128.load32_splat(x, 0);
      forB = v128.load32_splat(x, 1024);
      w0 = v128.load(w, 64);
      w1 = v128.load(w, 80);
      w2 = v128.load(w, 96);
      w3 = v128.load(w, 112);
      a0 = mulAdd(a0, w0, forA);
      a1 = mulAdd(a1, w1, forA);
      a2 = mulAdd(a2, w2, forA);
      a3 = mulAdd(a3, w3, forA);
      b0 = mulAdd(b0, w0, forB);
      b1 = mulAdd(b1, w1, forB);
      b2 = mulAdd(b2, w2, forB);
      b3 = mulAdd(b3, w3, forB);

      w += 3 * 16 * 4;
      x += 4;
    } while (x < end);

    const output = LAYER1_OUTPUT + channel;
    v128.store(output, relu(a0), 0);
    v128.store(output, relu(a1), 16);
    v128.store(output, relu(a2), 32);
    v128.store(output, relu(a3), 48);
    v128.store(output, relu(b0), 256);
    v128.store(output, relu(b1), 272);
    v128.store(output, relu(b2), 288);
    v128.store(output, relu(b3), 304);
  }
}

/** output = relu(bias + weights × input), in blocks of 32 outputs. */
function multiply(
  weights: usize,
  bias: usize,
  outputs: usize,
  input: usize,
  inputs: usize,
  output: usize,
): void {
  const end = input + inputs * 4;
  let w = weights;
  for (const biasEnd = bias + outputs * 4; bias < biasEnd; bias += 32 * 4) {
    let sum0 = v128.load(bias, 0);
    let sum1 = v128.load(bias, 16);
    let sum2 = v128.load(bias, 32);
    let sum3 = v128.load(bias, 48);
    let sum4 = v128.load(bias, 64);
    let sum5 = v128.load(bias, 80);
    let sum6 = v128.load(bias, 96);
    let sum7 = v128.load(bias, 112);
    let x = input;
    do {
      const value = v128.load32_splat(x);
      sum0 = mulAdd(sum0, v128.load(w, 0), value);
      sum1 = mulAdd(sum1, v128.load(w, 16), value);
      sum2 = mulAdd(sum2, v128.load(w, 32), value);
      sum3 = mulAdd(sum3, v128.load(w, 48), value);
      if (x >= end + 16) break;
      sum4 = mulAdd(sum4, v128.load(w, 64), value);
      sum5 = mulAdd(sum5, v128.load(w, 80), value);
      sum6 = mulAdd(sum6, v128.load(w, 96), value);
      sum7 = mulAdd(sum7, v128.load(w, 112), value);
      w += 32 * 4;
      x += 4;
    } while (x < end);

    v128.store(output, relu(sum0), 0);
    v128.store(output, relu(sum1), 16);
    v128.store(output, relu(sum2), 32);
    v128.store(output, relu(sum3), 48);
    v128.store(output, relu(sum4), 64);
    v128.store(output, relu(sum5), 80);
    v128.store(output, relu(sum6), 96);
    v128.store(output, relu(sum7), 112);
    output += 32 * 4;
  }
}
