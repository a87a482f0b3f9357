/**
 * What it costs to know whose session runs: one `getContext()`, and each step of a reply.
 *
 *   tsx bench/context.ts          a table
 *   tsx bench/context.ts --json   one JSON object
 *
 * A step is what the library does for one frame that a reply yields: it enters the context, calls
 * the generator's `next()`, which awaits once, queues 20 ms of audio, paces it, encodes it as Opus,
 * as WebRTC has it, and sends it. A bare step sends it as PCM: bookkeeping and nothing else.
 * "Without" runs the same steps in a process where entering a context does nothing: no
 * AsyncLocalStorage is ever used there, so that also what node does for it at every promise is
 * missing. Rounds alternate; the medians count.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { spawnSync } from "node:child_process";

import { ReplyOnPause } from "../packages/fastrtc/src/handler/reply-on-pause.ts";
import { AudioFrame } from "../packages/fastrtc/src/media/audio-frame.ts";
import type { AudioFormat } from "../packages/fastrtc/src/media/encoded-chunk.ts";
import { getContext } from "../packages/fastrtc/src/session/context/context.ts";
import { ManualClock } from "../packages/fastrtc/src/testing/manual-clock.ts";
import { MemoryTransport } from "../packages/fastrtc/src/testing/memory-transport.ts";
import { openSession } from "../packages/fastrtc/test/memory-call.ts";

const ROUNDS = 5;
/** Steps that are run before and while the time is taken: 40 s and 120 s of speech. */
const WARM_UP_STEPS = 2000;
const STEPS = 6000;
const READS = 2_000_000;
const RATE = 16_000;

interface Figures {
  readonly stepUs: number;
  readonly bareStepUs: number;
  readonly getContextNs: number;
}

class OpusTransport extends MemoryTransport {
  override readonly outputFormat: AudioFormat = { codec: "opus", sampleRate: 48_000, channels: 1 };
}

const [, , part] = process.argv;
if (part === "with" || part === "without") {
  if (part === "without") {
    AsyncLocalStorage.prototype.run = ((_store: unknown, callback: () => unknown) =>
      callback()) as never;
  }
  const { stepUs, getContextNs } = await measure(new OpusTransport({ sampleRate: RATE }));
  const { stepUs: bareStepUs } = await measure(new MemoryTransport({ sampleRate: RATE }));
  console.log(JSON.stringify({ stepUs, bareStepUs, getContextNs }));
} else {
  report();
}

function report(): void {
  const runs: Record<"with" | "without", Figures[]> = { with: [], without: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const each of ["with", "without"] as const) runs[each].push(runPart(each));
  }
  const us = (each: "with" | "without", figure: "stepUs" | "bareStepUs"): number =>
    median(runs[each].map((run) => run[figure]));
  const share = (figure: "stepUs" | "bareStepUs"): number =>
    round(1 - us("without", figure) / us("with", figure), 3);
  const result = {
    node: process.version,
    getContextNs: round(median(runs.with.map(({ getContextNs }) => getContextNs)), 1),
    stepOverheadShare: share("stepUs"),
    bareStepOverheadShare: share("bareStepUs"),
    stepUs: round(us("with", "stepUs"), 2),
    bareStepUs: round(us("with", "bareStepUs"), 2),
  };
  if (process.argv.includes("--json")) console.log(JSON.stringify(result));
  else console.table(result);
}

function runPart(each: "with" | "without"): Figures {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--import", "tsx", import.meta.filename, each],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Figures;
}

async function measure(transport: MemoryTransport): Promise<Omit<Figures, "bareStepUs">> {
  const frame = AudioFrame.from([RATE, new Int16Array(RATE / 50).fill(1000)]);
  let stepUs = 0;
  let getContextNs = 0;
  const clock = new ManualClock();
  const done = new Promise<void>((resolve) => {
    const handler = new ReplyOnPause(
      () => {
        throw new Error("Nobody speaks.");
      },
      {
        inputSampleRate: RATE,
        outputSampleRate: RATE,
        startupFn: async function* () {
          for (let step = 0; step < WARM_UP_STEPS; step++) {
            await Promise.resolve();
            yield frame;
          }
          const start = process.hrtime.bigint();
          for (let step = 0; step < STEPS; step++) {
            await Promise.resolve();
            yield frame;
          }
          stepUs = Number(process.hrtime.bigint() - start) / 1000 / STEPS;
          getContextNs = readNs();
          resolve();
        },
      },
    );
    openSession(handler, transport, clock);
    // The pacer takes a frame every 20 ms of a time that runs as fast as the steps do.
    const play = (): void => {
      transport.chunks.length = 0;
      clock.advance(2000);
      if (stepUs === 0) setImmediate(play);
    };
    play();
  });
  await done;
  return { stepUs, getContextNs };
}

function readNs(): number {
  let found = 0;
  const start = process.hrtime.bigint();
  for (let read = 0; read < READS; read++) if (getContext() !== undefined) found++;
  const nanoseconds = Number(process.hrtime.bigint() - start);
  // "Without" finds nothing; what it reads is not reported.
  return found === READS || found === 0 ? nanoseconds / READS : NaN;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
