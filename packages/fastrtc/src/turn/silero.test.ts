import fc from "fast-check";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import {
  loadReferenceVad,
  speechWindows,
  splitWindows,
  type ReferenceVad,
} from "../../test/silero-reference.ts";
import type * as SileroModule from "./silero.ts";
import { createSileroVad } from "./silero.ts";
import { VAD_SAMPLE_RATE, type VoiceActivityDetector } from "./voice-activity.ts";

const RECORDINGS = ["agent-alreadyon", "demo-nogo", "tt-weasels", "vm-intro", "phonetic/n_p"];

describe("createSileroVad", () => {
  describe("against onnxruntime-node", () => {
    let reference: ReferenceVad;
    beforeAll(async () => {
      reference = await loadReferenceVad("official");
    });

    const levels = { "full level": 1, "-20 dB": 0.1, "-40 dB": 0.01, "-60 dB": 0.001 };
    const inputs = [
      ...Object.entries(levels).map(
        ([level, gain]) =>
          [
            `speech at ${level}`,
            () => RECORDINGS.flatMap((name) => speechWindows(name, gain)),
          ] as const,
      ),
      ["silence", () => sound(5, () => 0)],
      ["loud noise", () => sound(5, whiteNoise(0.5))],
      ["faint noise", () => sound(5, whiteNoise(0.01))],
      ["a tone", () => sound(5, tone(440, 0.3))],
      ["a square wave at full scale", () => sound(5, (i) => (i % 73 < 36 ? 1 : -1))],
    ] as const;

    it.each(inputs)("gives the same probabilities for %s", async (_, makeWindows) => {
      const vad = createSileroVad();
      reference.reset();
      for (const window of makeWindows()) {
        const expected = await reference.process(window);
        const actual = vad.process(window);
        expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-4);
        expect(actual > 0.5).toBe(expected > 0.5);
      }
    });
  });

  it("hears speech in most windows of a recording", () => {
    const probabilities = run(createSileroVad(), speechWindows("demo-nogo"));
    expect(probabilities.filter((p) => p > 0.5).length / probabilities.length).toBeGreaterThan(0.8);
  });

  it.each([
    ["silence", () => 0],
    ["white noise at -40 dB", whiteNoise(0.017)],
    ["white noise at -20 dB", whiteNoise(0.17)],
    ["a tone of 440 Hz", tone(440, 0.3)],
    ["the hum of a power line", (i: number) => tone(50, 0.1)(i) + tone(150, 0.05)(i)],
  ])("hears no speech in %s", (_, sample) => {
    expect(Math.max(...run(createSileroVad(), sound(20, sample)))).toBeLessThan(0.5);
  });

  it("keeps the sessions of a thread apart, to the last bit", () => {
    const inputs = RECORDINGS.map((name) => speechWindows(name));
    const alone = inputs.map((windows) => run(createSileroVad(), windows));

    const vads = inputs.map(() => createSileroVad());
    const interleaved = inputs.map((): number[] => []);
    for (let i = 0; inputs.some((windows) => i < windows.length); i++) {
      vads.forEach((vad, session) => {
        const window = inputs[session]![i];
        if (window) interleaved[session]!.push(vad.process(window));
      });
    }
    expect(interleaved).toEqual(alone);
  });

  it("forgets what it heard when it is reset", () => {
    const windows = speechWindows("vm-intro");
    const vad = createSileroVad();
    const first = run(vad, windows);
    vad.reset();
    expect(run(vad, windows)).toEqual(first);
  });

  it("takes samples that are not sound for silence, also in what it remembers", () => {
    const clean = speechWindows("vm-intro").map((window) => window.slice());
    const broken = clean.map((window) => window.slice());
    const nonsense = [NaN, Infinity, -Infinity, 1e30, -1e30];
    nonsense.forEach((value, n) => {
      // The last ones lie among the 64 samples that the next window reads again.
      for (const i of [0, 100 + n, 500, 511]) {
        broken[10 + n]![i] = value;
        clean[10 + n]![i] = 0;
      }
    });
    expect(run(createSileroVad(), broken)).toEqual(run(createSileroVad(), clean));
  });

  it("gives a probability, whatever the samples are", () => {
    const anySample = fc.float({ noDefaultInfinity: false, noNaN: false });
    fc.assert(
      fc.property(fc.array(anySample, { minLength: 8, maxLength: 64 }), (samples) => {
        const heard = samples.map((sample) => (Math.abs(sample) <= 1e6 ? sample : 0));
        const [probabilities, expected] = [samples, heard].map((cycle) =>
          run(
            createSileroVad(),
            sound(0.5, (i) => cycle[i % cycle.length]!),
          ),
        );
        expect(probabilities).toEqual(expected);
        expect(probabilities!.every((p) => p >= 0 && p <= 1)).toBe(true);
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  it("refuses a window of another length", () => {
    const vad = createSileroVad();
    expect(() => vad.process(new Float32Array(480))).toThrow(
      /Give exactly 512 samples at 16 kHz, not 480/,
    );
  });

  it("works the same in a worker thread", async () => {
    const windows = speechWindows("tt-weasels");
    // By way of tsx, for Node 20 reads no TypeScript by itself.
    const worker = new Worker(
      `const { parentPort, workerData } = require("node:worker_threads");
       import("tsx/esm/api")
         .then(({ tsImport }) => tsImport("./silero.ts", workerData.parent))
         .then(({ createSileroVad }) => {
           const vad = createSileroVad();
           parentPort.postMessage(workerData.windows.map((window) => vad.process(window)));
         });`,
      { eval: true, workerData: { parent: import.meta.url, windows } },
    );
    try {
      const [probabilities] = (await once(worker, "message")) as [number[]];
      expect(probabilities).toEqual(run(createSileroVad(), windows));
    } finally {
      await worker.terminate();
    }
  });

  it("says how to build the assets when they are missing", async () => {
    const { createSileroVad } = await importWithoutAssets();
    expect(createSileroVad).toThrow(/npm run build:assets -w fastrtc/);
  });
});

describe("warmUpSileroVad", () => {
  it("lets other work run in between", async () => {
    vi.resetModules();
    const { createSileroVad, warmUpSileroVad } = await import("./silero.ts");
    // Loads the kernel, so that reading files is none of the turns counted.
    createSileroVad();
    let turns = 0;
    const otherWork = (): void => {
      turns++;
      next = setImmediate(otherWork);
    };
    let next = setImmediate(otherWork);
    await warmUpSileroVad();
    clearImmediate(next);
    // 200 windows take 4 ms at the very least, in slices of one.
    expect(turns).toBeGreaterThanOrEqual(3);
  });

  it("runs once for all who call it", async () => {
    vi.resetModules();
    const { warmUpSileroVad } = await import("./silero.ts");
    expect(warmUpSileroVad()).toBe(warmUpSileroVad());
    await warmUpSileroVad();
  });

  it("says how to build the assets when they are missing, and tries again later", async () => {
    const { warmUpSileroVad } = await importWithoutAssets();
    const first = warmUpSileroVad();
    await expect(first).rejects.toThrow(/npm run build:assets -w fastrtc/);
    const second = warmUpSileroVad();
    expect(second).not.toBe(first);
    await expect(second).rejects.toThrow(/npm run build:assets -w fastrtc/);
  });
});

afterEach(() => {
  vi.doUnmock("node:fs");
  vi.doUnmock("node:fs/promises");
});

async function importWithoutAssets(): Promise<typeof SileroModule> {
  const missing = (): never => {
    throw Object.assign(new Error("ENOENT: no such file or directory"), { code: "ENOENT" });
  };
  vi.resetModules();
  vi.doMock("node:fs", () => ({ readFileSync: missing }));
  vi.doMock("node:fs/promises", () => ({ readFile: () => Promise.resolve().then(missing) }));
  return import("./silero.ts");
}

function run(vad: VoiceActivityDetector, windows: readonly Float32Array[]): number[] {
  return windows.map((window) => vad.process(window));
}

function sound(seconds: number, sample: (index: number) => number): Float32Array[] {
  const samples = Float32Array.from({ length: seconds * VAD_SAMPLE_RATE }, (_, i) => sample(i));
  return splitWindows(samples);
}

function tone(frequency: number, amplitude: number): (index: number) => number {
  return (i) => amplitude * Math.sin((2 * Math.PI * frequency * i) / VAD_SAMPLE_RATE);
}

/** Evenly distributed; its level is 4.8 dB below its amplitude. */
function whiteNoise(amplitude: number): () => number {
  // A linear congruential generator: the same noise in every run.
  let seed = 1;
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return amplitude * (seed / 2 ** 31 - 1);
  };
}
