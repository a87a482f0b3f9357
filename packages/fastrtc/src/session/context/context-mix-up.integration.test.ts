import { EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";

import { MemoryServer } from "../../../test/memory-server.ts";
import type { Visitor } from "../../../test/memory-server.ts";
import { loudness, RATE, silence } from "../../../test/memory-call.ts";
import { AdditionalOutputs } from "../../handler/additional-outputs.ts";
import { ReplyOnPause } from "../../handler/reply-on-pause.ts";
import { AudioFrame } from "../../media/audio-frame.ts";
import { bindContext, getContext } from "./context.ts";
import { runInWorker } from "../worker/run-in-worker.ts";

const SESSIONS = 500;
/** What a session says is as loud as its number, so that the audio itself tells whose it is. */
const QUIETEST = 10_000;
const LOUDNESS_STEP = 20;

const WORKER = new URL("../../../test/workers/report-context.ts", import.meta.url);

// A small generator of numbers with a seed, so that a failure can be seen again.
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const idOf = (index: number): string => `session-${index}`;
const spokenBy = (audio: AudioFrame): string => {
  const loudest = audio.samples.reduce((max, sample) => Math.max(max, sample), 0);
  return idOf(Math.round((loudest - QUIETEST) / LOUDNESS_STEP));
};

it("500 sessions at once never see each other's context", { timeout: 120_000 }, async () => {
  const next = random(4);
  const mixUps: string[] = [];
  const paths = new Map<string, number>();
  const elsewhere = new EventEmitter().setMaxListeners(0);

  // Compares what a path finds with whose audio it works on.
  const check = (path: string, expected: string): void => {
    paths.set(path, (paths.get(path) ?? 0) + 1);
    const found = getContext()?.webrtcId;
    if (found !== expected) mixUps.push(`${path}: ${String(found)} instead of ${expected}`);
  };

  const waits: readonly ((expected: string) => Promise<unknown>)[] = [
    () => sleep(next() * 20),
    () => new Promise((resolve) => setImmediate(resolve)),
    () => Promise.resolve(),
    () => new Promise<void>((resolve) => process.nextTick(resolve)),
    (expected) =>
      new Promise<void>((resolve) => {
        setTimeout(() => {
          check("timer", expected);
          resolve();
        }, next() * 20);
      }),
    (expected) =>
      new Promise<void>((resolve) => {
        const listener = bindContext(() => {
          check("bound listener", expected);
          resolve();
        });
        elsewhere.once("tick", listener);
      }),
    async (expected) => {
      const { id } = await runInWorker<{ id: string }>(WORKER, { waitMs: next() * 5 });
      paths.set("worker", (paths.get("worker") ?? 0) + 1);
      if (id !== expected) mixUps.push(`worker: ${id} instead of ${expected}`);
    },
    async (expected) => {
      await getContext()?.store.set("whose", expected);
      await sleep(next() * 10);
      const whose = await getContext()?.store.get("whose");
      if (whose !== expected) mixUps.push(`store: ${String(whose)} instead of ${expected}`);
    },
  ];
  const waitSomehow = async (expected: string): Promise<void> => {
    await waits[Math.floor(next() * waits.length)]?.(expected);
  };

  async function* answer(audio: AudioFrame): AsyncGenerator<AudioFrame | AdditionalOutputs> {
    const expected = spokenBy(audio);
    check("first step", expected);
    for (let step = 0; step < 4; step++) {
      await waitSomehow(expected);
      check("step", expected);
      yield step % 2
        ? new AdditionalOutputs(expected)
        : AudioFrame.from([RATE, new Int16Array(320)]);
      check("after a yield", expected);
    }
    // Some fail, some go on after their session has ended.
    if (next() < 0.2) throw new Error("one of many");
    void sleep(300).then(() => check("after the end", expected));
  }

  let ended = 0;
  class Watched extends ReplyOnPause {
    readonly #owner = getContext()?.webrtcId ?? "nobody";
    override copy(): ReplyOnPause {
      return new Watched(answer, {
        model: loudness,
        inputSampleRate: RATE,
        outputSampleRate: RATE,
      });
    }
    override startUp(): void {
      check("startUp", this.#owner);
    }
    override shutdown(): void {
      ended++;
      check("shutdown", this.#owner);
    }
  }

  const server = new MemoryServer({
    handler: new Watched(answer, { model: loudness }),
    additionalOutputsHandler: (expected) => check("outputs handler", String(expected)),
  });
  const visitors: Visitor[] = await Promise.all(
    Array.from({ length: SESSIONS }, (_, index) => server.visit(idOf(index))),
  );
  expect(getContext()).toBeUndefined();

  // They all speak and fall silent together, 20 ms after 20 ms.
  const speak = async (frames: number, isLoud: boolean): Promise<void> => {
    for (let frame = 0; frame < frames; frame++) {
      for (const [index, { transport }] of visitors.entries()) {
        const level = QUIETEST + index * LOUDNESS_STEP;
        transport.speak(isLoud ? new Int16Array(RATE / 50).fill(level) : silence(20));
      }
      await server.clock.advanceAsync(20);
      elsewhere.emit("tick");
    }
  };
  await speak(20, true);
  await speak(60, false);
  for (let tick = 0; tick < 100; tick++) {
    await sleep(20);
    elsewhere.emit("tick");
    await server.clock.advanceAsync(20);
  }
  for (const [index, { transport }] of visitors.entries()) {
    if (index % 2) transport.disconnect("lost");
  }
  await server.sessions.close({ type: "update_connection", data: "closed" });
  await sleep(400);

  expect(mixUps).toEqual([]);
  expect(ended).toBe(SESSIONS);
  expect(paths.get("first step")).toBe(SESSIONS);
  for (const path of ["timer", "bound listener", "worker", "outputs handler", "after the end"]) {
    expect(paths.get(path), path).toBeGreaterThan(50);
  }
});
