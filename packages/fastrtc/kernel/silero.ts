// Silero VAD v6 for 16 kHz: one window of 512 samples in, the probability of speech out.
//
// This is AssemblyScript, a subset of TypeScript that compiles to WebAssembly; `npm run
// build:assets -w fastrtc` makes assets/silero-vad.wasm of it. The module imports nothing and
// allocates nothing. The caller, src/turn/silero.ts, copies a session's state and window to their
// addresses, calls `processWindow`, and copies the state back.
//
//   samples -> spectrum.ts -> encoder.ts -> lstm.ts -> decode() -> probability
//
// Results equal those of the ONNX model to 6e-5 (61,333 windows of speech at two levels): sums are
// added in another order.

import { encode } from "./encoder";
import { stepLstm } from "./lstm";
import { add, mulAdd, relu, sigmoid } from "./math";
import {
  CONTEXT,
  DECODER_BIAS,
  DECODER_WEIGHTS,
  HIDDEN,
  NEXT_HIDDEN,
  PADDING,
  PROBABILITY,
} from "./memory";
import { computeMagnitudes } from "./spectrum";

export { CELL as STATE, CONSTANTS, CONSTANTS_SIZE, PROBABILITY, SAMPLES } from "./memory";

/**
 * Reads SAMPLES and the state, moves the state on by one window, and writes PROBABILITY. (Not
 * returned: V8 would allocate a box for the number.)
 */
export function processWindow(): void {
  computeMagnitudes();
  encode();
  stepLstm();
  memory.copy(HIDDEN, NEXT_HIDDEN, 128 * 4);
  memory.copy(CONTEXT, PADDING - 64 * 4, 64 * 4);
  decode();
}

/** Stage 4: sigmoid(bias + Σ weight · relu(hidden)). */
function decode(): void {
  let sum0 = f32x4.splat(0);
  let sum1 = sum0;
  for (let i: usize = 0; i < 128 * 4; i += 32) {
    sum0 = mulAdd(sum0, relu(v128.load(HIDDEN + i, 0)), v128.load(DECODER_WEIGHTS + i, 0));
    sum1 = mulAdd(sum1, relu(v128.load(HIDDEN + i, 16)), v128.load(DECODER_WEIGHTS + i, 16));
  }
  const sum = add(sum0, sum1);
  const logit =
    f32x4.extract_lane(sum, 0) +
    f32x4.extract_lane(sum, 1) +
    f32x4.extract_lane(sum, 2) +
    f32x4.extract_lane(sum, 3) +
    load<f32>(DECODER_BIAS);
  store<f32>(PROBABILITY, f32x4.extract_lane(sigmoid(f32x4.splat(logit)), 0));
}
