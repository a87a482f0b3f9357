import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tinySmartTurn } from "../../test/tiny-smart-turn.ts";
import { InvalidOptionError, InvalidStateError } from "../errors.ts";
import { SmartTurnFeatures } from "./smart-turn-features.ts";
import { SmartTurnThread } from "./smart-turn-thread.ts";
import { createSmartTurn } from "./smart-turn.ts";

// A model of smart-turn's shape stands in for its weights, which are not ours to ship.
let directory: string;
const file = (name: string, content: Uint8Array | string): string => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};
let modelPath: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "fastrtc-smart-turn-"));
  modelPath = file("tiny.onnx", tinySmartTurn());
});
afterAll(() => rmSync(directory, { recursive: true }));

const call = { signal: new AbortController().signal };
const tone = (hz: number, length: number): Float32Array =>
  Float32Array.from({ length }, (_, n) => 0.5 * Math.sin((2 * Math.PI * hz * n) / 16_000));

/** What the tiny model says of audio, without a thread or a runtime. */
function expected(audio: Float32Array): number {
  const features = new SmartTurnFeatures().extract(audio);
  const mean = features.reduce((sum, value) => sum + value, 0) / features.length;
  return 1 / (1 + Math.exp(-4 * mean));
}

describe("createSmartTurn", () => {
  it("returns what the model says of the features, for audio of any length", async () => {
    const model = createSmartTurn({ modelPath });
    await model.warmUp();

    for (const length of [0, 8000, 128_000, 200_000]) {
      const audio = tone(440, length);
      expect(await model.predict({ audio }, call)).toBeCloseTo(expected(audio), 4);
    }
  });

  it("leaves the session's audio with the session", async () => {
    const audio = tone(440, 16_000);

    await createSmartTurn({ modelPath: pathToFileURL(modelPath) }).predict({ audio }, call);

    expect(audio).toEqual(tone(440, 16_000));
  });

  it("answers sessions that ask at the same time, each with its own result", async () => {
    const model = createSmartTurn({ modelPath });
    const turns = [100, 500, 900, 2000].map((hz) => tone(hz, 64_000));

    const answers = await Promise.all(turns.map((audio) => model.predict({ audio }, call)));

    answers.forEach((answer, i) => expect(answer).toBeCloseTo(expected(turns[i]!), 4));
  });

  it("lets timers of 5 ms go on while it predicts", async () => {
    const model = createSmartTurn({ modelPath });
    await model.warmUp();
    const audio = tone(300, 128_000);
    let ticks = 0;
    const interval = setInterval(() => ticks++, 5);
    const startedAt = performance.now();
    const before = performance.eventLoopUtilization();

    while (performance.now() - startedAt < 500) await model.predict({ audio }, call);
    const elapsedMs = performance.now() - startedAt;
    const { utilization } = performance.eventLoopUtilization(before);
    clearInterval(interval);

    expect(ticks).toBeGreaterThan(elapsedMs / 5 / 2);
    // Computed here instead, the predictions would leave no time between them.
    expect(utilization).toBeLessThan(0.5);
  });

  it("stops waiting when the speaker goes on", async () => {
    const controller = new AbortController();
    const prediction = createSmartTurn({ modelPath }).predict(
      { audio: tone(300, 128_000) },
      { signal: controller.signal },
    );
    controller.abort();

    await expect(prediction).rejects.toBe(controller.signal.reason);
  });

  it("names the path of a file that is not there, and where to get it", () => {
    const missing = join(directory, "missing.onnx");
    const make = (): unknown => createSmartTurn({ modelPath: missing });

    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(missing);
    expect(make).toThrow("huggingface.co/pipecat-ai/smart-turn-v3");
  });

  it.each(["", undefined, 7])("refuses %s as a path", (path) => {
    expect(() => createSmartTurn({ modelPath: path as string })).toThrow(InvalidOptionError);
  });

  it("names the path of a file that is no model, also the second time", async () => {
    const path = file("pointer.onnx", "version https://git-lfs.github.com/spec/v1\n");
    const model = createSmartTurn({ modelPath: path });

    for (let attempt = 0; attempt < 2; attempt++) {
      const error: unknown = await model.warmUp().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect((error as Error).message).toContain(`${path} is no smart-turn v3 model`);
    }
  });

  it("refuses a model with another input", async () => {
    const path = file("other.onnx", tinySmartTurn({ input: "audio" }));

    await expect(createSmartTurn({ modelPath: path }).warmUp()).rejects.toThrow(
      "It maps audio -> logits, not input_features -> logits",
    );
  });

  it("goes on working after one model was refused", async () => {
    const audio = tone(440, 16_000);

    const answer = await createSmartTurn({ modelPath }).predict({ audio }, call);

    expect(answer).toBeCloseTo(expected(audio), 4);
  });

  it("starts another thread after one that died", async () => {
    let starts = 0;
    const dying = `require("node:worker_threads").parentPort.on("message", () => { throw new Error("boom"); });`;
    const living = `const { parentPort } = require("node:worker_threads");
      parentPort.on("message", ({ id }) => parentPort.postMessage({ id, probability: 0.25 }));`;
    const workers: Worker[] = [];
    const thread = new SmartTurnThread(() => {
      const worker = new Worker(starts++ === 0 ? dying : living, { eval: true });
      workers.push(worker);
      return worker;
    });

    const first: unknown = await thread
      .predict("model", new Float32Array(1))
      .catch((reason: unknown) => reason);
    expect(first).toBeInstanceOf(InvalidStateError);
    expect((first as Error).message).toContain("boom");
    expect(await thread.predict("model", new Float32Array(1))).toBe(0.25);
    await Promise.all(workers.map((worker) => worker.terminate()));
  });
});

describe("createSmartTurn without onnxruntime-node", () => {
  it("says how to install it", async () => {
    // Where no node_modules is above.
    const copy = join(directory, "copy");
    for (const folder of ["turn", "media"]) {
      cpSync(fileURLToPath(new URL(`../${folder}`, import.meta.url)), join(copy, folder), {
        recursive: true,
      });
    }
    cpSync(fileURLToPath(new URL("../errors.ts", import.meta.url)), join(copy, "errors.ts"));
    const script = join(copy, "try.mts");
    writeFileSync(
      script,
      `import { createSmartTurn } from "./turn/smart-turn.ts";
      try { createSmartTurn({ modelPath: ${JSON.stringify(modelPath)} }); }
      catch (error) { console.log(error.name, error.message); }`,
    );

    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", script]);

    expect(stdout).toContain("InvalidStateError smart-turn needs onnxruntime-node");
    expect(stdout).toContain("npm install onnxruntime-node --ignore-scripts");
  });

  it("does not keep a process alive that is done", async () => {
    const script = join(directory, "done.mts");
    const module = new URL("./smart-turn.ts", import.meta.url).href;
    writeFileSync(
      script,
      `import { createSmartTurn } from ${JSON.stringify(module)};
      await createSmartTurn({ modelPath: ${JSON.stringify(modelPath)} }).warmUp();
      console.log("warm");`,
    );

    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", script], {
      timeout: 20_000,
    });

    expect(stdout).toContain("warm");
  });
});
