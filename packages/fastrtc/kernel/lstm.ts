// Stage 3: one step of an LSTM with 128 units. Features and hidden units in; cell and hidden units
// of the next window out. It reads half a megabyte of weights and is the longest stage after
// layer 0 of the encoder.

import { add, mul, mulAdd, sigmoid, tanh } from "./math";
import {
  ACTIVE_OFFSETS,
  ACTIVE_VALUES,
  CELL,
  FEATURES,
  HIDDEN,
  LSTM_BIAS,
  LSTM_WEIGHTS,
  NEXT_HIDDEN,
} from "./memory";

/** Bytes of weights for one input in a block of 8 units: four gates each. */
const ROW: usize = 8 * 4 * 4;
/** Bytes of weights for a block of 8 units. */
const BLOCK: usize = 256 * ROW;

/** Reads FEATURES, HIDDEN and CELL; writes CELL and NEXT_HIDDEN. */
export function stepLstm(): void {
  const active = listActiveInputs();
  let bias: usize = LSTM_BIAS;
  let weights: usize = LSTM_WEIGHTS;
  for (let unit: usize = 0; unit < 128 * 4; unit += 8 * 4) {
    let input0 = v128.load(bias, 0);
    let forget0 = v128.load(bias, 16);
    let update0 = v128.load(bias, 32);
    let output0 = v128.load(bias, 48);
    let input1 = v128.load(bias, 64);
    let forget1 = v128.load(bias, 80);
    let update1 = v128.load(bias, 96);
    let output1 = v128.load(bias, 112);
    bias += ROW;

    for (let i: usize = 0; i < active; i += 4) {
      const w = weights + load<u32>(ACTIVE_OFFSETS + i);
      const x = v128.load32_splat(ACTIVE_VALUES + i);
      input0 = mulAdd(input0, v128.load(w, 0), x);
      forget0 = mulAdd(forget0, v128.load(w, 16), x);
      update0 = mulAdd(update0, v128.load(w, 32), x);
      output0 = mulAdd(output0, v128.load(w, 48), x);
      // Never taken: it ends a basic block (see encoder.ts).
      if (i >= active + 16) break;
      input1 = mulAdd(input1, v128.load(w, 64), x);
      forget1 = mulAdd(forget1, v128.load(w, 80), x);
      update1 = mulAdd(update1, v128.load(w, 96), x);
      output1 = mulAdd(output1, v128.load(w, 112), x);
    }
    weights += BLOCK;

    finishUnits(unit, input0, forget0, update0, output0);
    finishUnits(unit + 16, input1, forget1, update1, output1);
  }
}

/**
 * Lists the inputs that are not zero, and returns four times their number. ReLU leaves about three
 * quarters of the features at exactly zero in speech; not reading their weights saves an eighth of
 * the window's time and changes no result.
 */
function listActiveInputs(): usize {
  let count: usize = 0;
  let offset: u32 = 0;
  for (let i: usize = 0; i < 128 * 4; i += 4) {
    const feature = load<f32>(FEATURES + i);
    // Written in any case, and kept by moving on: a branch here would be a coin toss.
    store<u32>(ACTIVE_OFFSETS + count, offset);
    store<f32>(ACTIVE_VALUES + count, feature);
    count += select<usize>(4, 0, feature > 0);
    offset += <u32>ROW;
  }
  for (let i: usize = 0; i < 128 * 4; i += 4) {
    store<u32>(ACTIVE_OFFSETS + count, offset);
    store<f32>(ACTIVE_VALUES + count, load<f32>(HIDDEN + i));
    count += 4;
    offset += <u32>ROW;
  }
  return count;
}

/** The gates of four units -> their new cells and hidden values. */
function finishUnits(unit: usize, input: v128, forget: v128, update: v128, output: v128): void {
  const kept = mul(sigmoid(forget), v128.load(CELL + unit));
  const cell = add(kept, mul(sigmoid(input), tanh(update)));
  v128.store(CELL + unit, cell);
  v128.store(NEXT_HIDDEN + unit, mul(sigmoid(output), tanh(cell)));
}
