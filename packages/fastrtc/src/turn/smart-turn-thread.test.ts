import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { InvalidOptionError, InvalidStateError, TimeoutError } from "../errors.ts";
import { MAX_WAITING_PREDICTIONS, SmartTurnThread } from "./smart-turn-thread.ts";
import type { SmartTurnPort } from "./smart-turn-thread.ts";
import type { SmartTurnRequest, SmartTurnResponse } from "./smart-turn-worker.ts";

class FakePort extends EventEmitter implements SmartTurnPort {
  readonly requests: SmartTurnRequest[] = [];
  isHeld = false;
  postMessage(request: SmartTurnRequest): void {
    this.requests.push(request);
  }
  ref(): void {
    this.isHeld = true;
  }
  unref(): void {
    this.isHeld = false;
  }
  answer(probability: number): void {
    this.respond({ id: this.requests.at(-1)!.id, probability });
  }
  respond(response: SmartTurnResponse): void {
    this.emit("message", response);
  }
}

function start(): { readonly thread: SmartTurnThread; readonly ports: FakePort[] } {
  const ports: FakePort[] = [];
  const thread = new SmartTurnThread(() => {
    const port = new FakePort();
    ports.push(port);
    return port;
  });
  return { thread, ports };
}

const audio = (): Float32Array<ArrayBuffer> => new Float32Array(16);

/** A rejection is looked at later than it happens. */
const outcome = (promise: Promise<number>): Promise<unknown> =>
  promise.catch((error: unknown) => error);

describe("SmartTurnThread", () => {
  it("starts no thread before the first prediction", () => {
    expect(start().ports).toHaveLength(0);
  });

  it("asks one prediction after the other, in order, of one thread", async () => {
    const { thread, ports } = start();
    const first = thread.predict("model", audio());
    const second = thread.predict("model", audio());
    expect(ports[0]!.requests).toHaveLength(1);

    ports[0]!.answer(0.1);
    ports[0]!.answer(0.9);

    expect([await first, await second]).toEqual([0.1, 0.9]);
    expect(ports).toHaveLength(1);
  });

  it("keeps the process alive only while a prediction is open", async () => {
    const { thread, ports } = start();
    const prediction = thread.predict("model", audio());
    expect(ports[0]!.isHeld).toBe(true);

    ports[0]!.answer(0.5);
    await prediction;

    expect(ports[0]!.isHeld).toBe(false);
  });

  it("never asks for a prediction that was aborted while it waited", async () => {
    const { thread, ports } = start();
    const controller = new AbortController();
    const first = thread.predict("model", audio());
    const second = outcome(thread.predict("model", audio(), controller.signal));
    controller.abort(new Error("The speaker goes on."));

    ports[0]!.answer(0.1);
    await first;

    expect(await second).toEqual(new Error("The speaker goes on."));
    expect(ports[0]!.requests).toHaveLength(1);
  });

  it("ends an aborted prediction at once and throws its late result away", async () => {
    const { thread, ports } = start();
    const controller = new AbortController();
    const first = outcome(thread.predict("model", audio(), controller.signal));
    const second = thread.predict("model", audio());
    controller.abort(new Error("The speaker goes on."));
    expect(await first).toEqual(new Error("The speaker goes on."));
    expect(ports[0]!.requests).toHaveLength(1);

    ports[0]!.answer(0.1);
    ports[0]!.answer(0.9);

    expect(await second).toBe(0.9);
  });

  it("rejects at once when its signal has aborted before", async () => {
    const { thread, ports } = start();

    const result = await outcome(thread.predict("model", audio(), AbortSignal.abort("gone")));

    expect(result).toBe("gone");
    expect(ports).toHaveLength(0);
  });

  it("gives up the oldest of too many that wait", async () => {
    const { thread, ports } = start();
    const all = Array.from({ length: MAX_WAITING_PREDICTIONS + 3 }, () =>
      outcome(thread.predict("model", audio())),
    );

    for (let i = 0; i <= MAX_WAITING_PREDICTIONS; i++) ports[0]!.answer(i / 100);

    const results = await Promise.all(all);
    // The first was running already.
    expect(results[0]).toBe(0);
    expect(results[1]).toBeInstanceOf(TimeoutError);
    expect(results[2]).toBeInstanceOf(TimeoutError);
    expect(results.slice(3).every((result) => typeof result === "number")).toBe(true);
  });

  it("rejects what is open when the thread dies, and starts another for the next", async () => {
    const { thread, ports } = start();
    const lost = [thread.predict("model", audio()), thread.predict("model", audio())].map(outcome);
    ports[0]!.emit("error", new Error("out of memory"));
    ports[0]!.emit("exit", 1);

    for (const result of await Promise.all(lost)) {
      expect(result).toBeInstanceOf(InvalidStateError);
      expect((result as Error).message).toContain("out of memory");
    }
    const next = thread.predict("model", audio());
    ports[1]!.answer(0.7);
    expect(await next).toBe(0.7);
  });

  it("notices a thread that dies between two predictions", async () => {
    const { thread, ports } = start();
    const first = thread.predict("model", audio());
    ports[0]!.answer(0.2);
    await first;
    ports[0]!.emit("exit", 0);

    const second = thread.predict("model", audio());
    ports[1]!.answer(0.3);

    expect(await second).toBe(0.3);
  });

  it("rejects when the thread cannot be started", async () => {
    const thread = new SmartTurnThread(() => {
      throw new Error("no threads left");
    });

    await expect(thread.predict("model", audio())).rejects.toThrow("no threads left");
  });

  it.each([
    ["runtime", InvalidStateError, "npm install onnxruntime-node"],
    ["model", InvalidOptionError, "/models/x.onnx is no smart-turn v3 model: bad bytes"],
    ["prediction", InvalidStateError, "bad bytes"],
  ] as const)("says what a failure of the %s means", async (failure, type, text) => {
    const { thread, ports } = start();
    const prediction = outcome(thread.predict("/models/x.onnx", audio()));
    ports[0]!.respond({ id: ports[0]!.requests[0]!.id, failure, reason: "bad bytes" });

    const error = await prediction;

    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toContain(text);
  });
});
