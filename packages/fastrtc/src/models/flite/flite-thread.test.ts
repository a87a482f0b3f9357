import { beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../testing/manual-clock.ts";
import { FliteThread, MAX_WAITING_CLAUSES } from "./flite-thread.ts";
import type { FlitePort } from "./flite-thread.ts";
import type { FliteRequest, FliteResponse } from "./flite-worker.ts";

class FakePort implements FlitePort {
  readonly requests: FliteRequest[] = [];
  readonly listeners: Record<string, (value: never) => void> = {};
  isReferenced = false;
  isTerminated = false;
  postMessage(request: FliteRequest): void {
    this.requests.push(request);
  }
  on(event: string, listener: (value: never) => void): void {
    this.listeners[event] = listener;
  }
  ref(): void {
    this.isReferenced = true;
  }
  unref(): void {
    this.isReferenced = false;
  }
  terminate(): void {
    this.isTerminated = true;
  }
  answer(): void {
    const { id } = this.requests.at(-1)!;
    this.#emit("message", { id, samples: new Int16Array(160), sampleRate: 16_000 });
  }
  refuse(reason: string): void {
    this.#emit("message", { id: this.requests.at(-1)!.id, reason });
  }
  exit(): void {
    this.listeners["exit"]!(1 as never);
  }
  #emit(event: "message", response: FliteResponse): void {
    this.listeners[event]!(response as never);
  }
}

let clock: ManualClock;
let ports: FakePort[];
let thread: FliteThread;
beforeEach(() => {
  clock = new ManualClock();
  ports = [];
  thread = new FliteThread(() => {
    const port = new FakePort();
    ports.push(port);
    return port;
  }, clock);
});
const say = (text: string, signal?: AbortSignal) =>
  thread.speak("/flite.wasm", ["-t", text], signal);
const said = (port: FakePort): (string | undefined)[] =>
  port.requests.map(({ options }) => options.at(-1));

it("one thread speaks for all, one clause at a time, in order", async () => {
  const clauses = [say("a"), say("b"), say("c")];
  for (const text of ["a", "b", "c"]) {
    expect(said(ports[0]!).at(-1)).toBe(text);
    ports[0]!.answer();
  }
  expect((await Promise.all(clauses)).map((frame) => frame.sampleCount)).toEqual([160, 160, 160]);
  expect(ports).toHaveLength(1);
});

it("the thread holds the process while it speaks, and ends after 30 idle seconds", async () => {
  const clause = say("a");
  expect(ports[0]!.isReferenced).toBe(true);
  ports[0]!.answer();
  await clause;
  expect(ports[0]!.isReferenced).toBe(false);
  clock.advance(29_999);
  expect(ports[0]!.isTerminated).toBe(false);
  clock.advance(1);
  expect(ports[0]!.isTerminated).toBe(true);
  void say("b");
  expect(ports).toHaveLength(2);
});

describe("an interruption", () => {
  it("takes a clause that waits out of the queue", async () => {
    const stop = new AbortController();
    void say("a");
    const waiting = say("b", stop.signal);
    stop.abort(new Error("the user speaks"));
    await expect(waiting).rejects.toThrow("the user speaks");
    void say("c");
    ports[0]!.answer();
    expect(said(ports[0]!)).toEqual(["a", "c"]);
  });

  it("drops the result of the clause that is spoken", async () => {
    const stop = new AbortController();
    const clause = say("a", stop.signal);
    stop.abort(new Error("the user speaks"));
    await expect(clause).rejects.toThrow("the user speaks");
    ports[0]!.answer();
    const next = say("b");
    ports[0]!.answer();
    expect((await next).sampleCount).toBe(160);
  });

  it("ends the thread where others wait behind a clause that nobody wants", async () => {
    const stop = new AbortController();
    say("a very long one", stop.signal).catch(() => undefined);
    stop.abort();
    clock.advance(10_000);
    expect(ports[0]!.isTerminated).toBe(false);
    const next = say("b");
    clock.advance(249);
    expect(ports[0]!.isTerminated).toBe(false);
    clock.advance(1);
    expect(ports[0]!.isTerminated).toBe(true);
    ports[1]!.answer();
    expect((await next).sampleCount).toBe(160);
  });
});

it("a thread that dies fails the clause that it spoke; the others go to a new one", async () => {
  const lost = say("a");
  const next = say("b");
  ports[0]!.exit();
  await expect(lost).rejects.toMatchObject({ code: "MODEL" });
  expect(said(ports[1]!)).toEqual(["b"]);
  ports[1]!.answer();
  expect((await next).sampleCount).toBe(160);
});

it("what flite refuses fails alone", async () => {
  const bad = say("a");
  ports[0]!.refuse("It wrote no audio.");
  await expect(bad).rejects.toThrow("It wrote no audio.");
  const good = say("b");
  ports[0]!.answer();
  expect((await good).sampleCount).toBe(160);
});

it("more than can wait are refused", async () => {
  void say("running");
  for (let i = 0; i < MAX_WAITING_CLAUSES; i++) void say("waiting");
  await expect(say("one more")).rejects.toMatchObject({ code: "TIMEOUT" });
});
