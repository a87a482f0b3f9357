import { describe, expect, it } from "vitest";

import { call, kinds, RATE, replying, silence, speech, tone } from "../../test/memory-call.ts";
import { WebRTCError } from "../errors.ts";
import type { HandlerOutput } from "../handler/handler-output.ts";
import type { ReplyFunction } from "../handler/reply-on-pause.ts";

describe("a session whose handler misbehaves", () => {
  it("goes on after a handler that throws, and tells the client a fixed text", async () => {
    let turns = 0;
    const caller = call(
      replying(async function* () {
        await Promise.resolve();
        if (++turns === 1) throw new Error("secret detail");
        yield tone(100);
      }),
    );
    await caller.takeTurn();
    const error = caller.transport.messages.find((message) => message.type === "error");
    expect(error).toBeDefined();
    expect(JSON.stringify(error)).not.toContain("secret");
    await caller.takeTurn();
    await caller.clock.advanceAsync(300);
    expect(caller.heardLevels()).toEqual([5000]);
  });

  it("tells the client what a WebRTCError says", async () => {
    const caller = call(
      replying(function* (): Generator<HandlerOutput> {
        throw new WebRTCError("Out of credits.");
      }),
    );
    await caller.takeTurn();
    expect(caller.transport.messages).toContainEqual({ type: "error", message: "Out of credits." });
  });

  it.each([
    ["a string", "hello"],
    ["a bare array", new Int16Array(10)],
    ["a malformed tuple", [RATE, "noise"]],
    ["a rate of zero", [0, new Int16Array(10)]],
    ["an object", { audio: true }],
  ])("goes on after a handler that yields %s", async (_, nonsense) => {
    let turns = 0;
    let closed = false;
    const caller = call(
      replying(function* (): Generator<HandlerOutput> {
        try {
          if (++turns === 1) yield nonsense as unknown as HandlerOutput;
          yield tone(100);
        } finally {
          closed = true;
        }
      }),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(300);
    expect(kinds(caller)).toContain("error");
    expect(closed).toBe(true);
    expect(caller.heardLevels()).toEqual([]);
    await caller.takeTurn();
    await caller.clock.advanceAsync(300);
    expect(caller.heardLevels()).toEqual([5000]);
  });

  it("says what is wrong with a function that is no generator", async () => {
    const caller = call(replying((() => Promise.resolve()) as unknown as ReplyFunction));
    await caller.takeTurn();
    expect(kinds(caller)).toContain("error");
  });

  it("does not wait for an interrupted generator that waits: the next turn starts at once", async () => {
    let turns = 0;
    let aborted = false;
    const caller = call(
      replying(async function* (_, { signal }) {
        if (++turns === 1) {
          yield tone(100, 1000);
          signal.addEventListener("abort", () => (aborted = true));
          await new Promise(() => undefined);
        }
        yield tone(100, 2000);
      }),
    );
    await caller.takeTurn();
    await caller.takeTurn();
    await caller.clock.advanceAsync(200);
    expect(aborted).toBe(true);
    expect(turns).toBe(2);
    expect(caller.heardLevels()).toEqual([1000, 2000]);
  });

  it("runs the finally of an interrupted generator and drops what it yields late", async () => {
    let release = (): void => undefined;
    let finished = false;
    let turns = 0;
    const caller = call(
      replying(async function* () {
        if (++turns > 1) return;
        try {
          await new Promise<void>((resolve) => (release = resolve));
          yield tone(100, 7777);
        } finally {
          finished = true;
        }
      }),
    );
    await caller.takeTurn();
    await caller.takeTurn();
    release();
    await caller.clock.advanceAsync(300);
    expect(finished).toBe(true);
    expect(caller.heardLevels()).toEqual([]);
  });

  it("holds back a generator that yields forever, and stops it with the session", async () => {
    let yielded = 0;
    let closed = false;
    const caller = call(
      replying(function* (): Generator<HandlerOutput> {
        try {
          for (;;) {
            yielded++;
            yield tone(100);
          }
        } finally {
          closed = true;
        }
      }),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(1000);
    expect(yielded).toBeGreaterThan(100);
    expect(yielded).toBeLessThan(130);
    caller.transport.disconnect();
    await caller.clock.advanceAsync(20);
    expect(closed).toBe(true);
    expect(caller.clock.pendingTimers).toBe(0);
  });

  it("lets the process breathe while a generator yields nothing forever", async () => {
    const caller = call(
      replying(async function* () {
        for (;;) yield undefined;
      }),
    );
    await caller.takeTurn();
    // The test would hang here if microtasks had taken over.
    await new Promise((resolve) => setImmediate(resolve));
    caller.transport.disconnect();
    expect(caller.transport.isClosed).toBe(true);
  });

  it("survives chunks that are no audio", async () => {
    let heard = 0;
    const caller = call(
      replying(function* (audio): Generator<HandlerOutput> {
        heard = audio.durationMs;
        yield tone(20);
      }),
    );
    await caller.say(speech(300));
    caller.transport.sendRaw(new Uint8Array([1, 2, 3]));
    caller.transport.sendRaw(new Uint8Array(0));
    await caller.say(speech(300));
    await caller.say(silence(700));
    expect(heard).toBeGreaterThan(600);
  });
});
