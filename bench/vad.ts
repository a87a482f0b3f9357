/**
 * What one window of voice activity detection costs: our WebAssembly kernel beside onnxruntime-node
 * running the same weights, on recordings of speech.
 *
 *   tsx bench/vad.ts          a table
 *   tsx bench/vad.ts --json   one JSON object
 *
 * The two take turns, one pass over all windows each, so that a noisy machine hurts both alike. A
 * window's time is the median of the passes; the difference is the largest of all windows.
 */

import { loadReferenceVad, speechWindows } from "../packages/fastrtc/test/silero-reference.ts";
import { createSileroVad, warmUpSileroVad } from "../packages/fastrtc/src/turn/silero.ts";

const RECORDINGS = ["vm-options", "demo-instruct", "demo-echotest", "demo-nogo"];
const PASSES = 9;

await warmUpSileroVad();
const ours = createSileroVad();
const reference = await loadReferenceVad("16 kHz only");
const windows = RECORDINGS.flatMap((name) => speechWindows(name));
const ourProbabilities = new Float32Array(windows.length);
const referenceProbabilities = new Float32Array(windows.length);
const ourTimesUs: number[] = [];
const referenceTimesUs: number[] = [];

for (let pass = 0; pass < PASSES; pass++) {
  ours.reset();
  reference.reset();
  ourTimesUs.push(
    await timePerWindowUs(() => {
      windows.forEach((window, i) => {
        ourProbabilities[i] = ours.process(window);
      });
    }),
  );
  referenceTimesUs.push(
    await timePerWindowUs(async () => {
      for (const [i, window] of windows.entries()) {
        referenceProbabilities[i] = await reference.process(window);
      }
    }),
  );
}

const result = {
  usPerWindow: round(median(ourTimesUs)),
  onnxruntimeNodeUsPerWindow: round(median(referenceTimesUs)),
  maxProbabilityDifference: ourProbabilities.reduce(
    (max, p, i) => Math.max(max, Math.abs(p - (referenceProbabilities[i] ?? NaN))),
    0,
  ),
};
if (process.argv.includes("--json")) console.log(JSON.stringify(result));
else console.table(result);

async function timePerWindowUs(pass: () => void | Promise<void>): Promise<number> {
  const start = performance.now();
  await pass();
  return ((performance.now() - start) * 1000) / windows.length;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
