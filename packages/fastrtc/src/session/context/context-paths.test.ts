import { EventEmitter } from "node:events";
import { afterEach, expect, it } from "vitest";

import { loudness, RATE, silence, speech, tone } from "../../../test/memory-call.ts";
import { MemoryServer, settle } from "../../../test/memory-server.ts";
import { NoContextError } from "../../errors.ts";
import { AdditionalOutputs } from "../../handler/additional-outputs.ts";
import { GeneratorHandler } from "../../handler/generator-handler.ts";
import type { HandlerOutput } from "../../handler/handler-output.ts";
import { ReplyOnPause } from "../../handler/reply-on-pause.ts";
import type { ReplyOnPauseOptions } from "../../handler/reply-on-pause.ts";
import { StreamHandler } from "../../handler/stream-handler.ts";
import type { StreamHandlerBase } from "../../handler/stream-handler.ts";
import { bindContext, getContext, getCurrentContext } from "./context.ts";
import type { StreamOptions } from "../../stream-options.ts";

/** Where the context was asked for, and what was found. */
const seen = new Map<string, Set<string | undefined>>();
afterEach(() => seen.clear());

function see(path: string): void {
  seen.set(path, (seen.get(path) ?? new Set()).add(getContext()?.webrtcId));
}

const elsewhere = new EventEmitter();

// Whatever is started from user code goes on as its session's.
function scatter(path: string): void {
  setTimeout(() => see(`${path}: timer`), 1);
  setImmediate(() => see(`${path}: immediate`));
  process.nextTick(() => see(`${path}: next tick`));
  queueMicrotask(() => see(`${path}: microtask`));
  void Promise.resolve().then(() => see(`${path}: promise`));
  elsewhere.once(
    "event",
    bindContext(() => see(`${path}: bound listener`)),
  );
  getContext()?.signal.addEventListener("abort", () => see(`${path}: abort listener`));
}

const RATES = { inputSampleRate: RATE, outputSampleRate: RATE, model: loudness } as const;

async function converse(
  handler: StreamHandlerBase,
  options: Partial<StreamOptions> = {},
): Promise<void> {
  const server = new MemoryServer({ handler, ...options });
  const callers = [await server.visit("a"), await server.visit("b")];
  const pass = async (samples: Int16Array): Promise<void> => {
    for (let at = 0; at < samples.length; at += RATE / 50) {
      for (const { transport } of callers) transport.speak(samples.subarray(at, at + RATE / 50));
      await server.clock.advanceAsync(20);
    }
  };
  for (const { transport } of callers) transport.sendText("hello");
  await pass(speech(400));
  await pass(silence(1200));
  await new Promise((resolve) => setTimeout(resolve, 10));
  elsewhere.emit("event");
  callers[0]?.transport.disconnect("failed");
  callers[1]?.transport.disconnect("remote");
  await settle();
  await server.sessions.close({ type: "update_connection", data: "closed" });
  await server.hub.close();
}

/** Both callers, on each of these paths, and nothing else on any. */
function expectPaths(...paths: string[]): void {
  const found = Object.fromEntries([...seen].map(([path, ids]) => [path, [...ids].sort()]));
  const expected = Object.fromEntries([...seen.keys(), ...paths].map((path) => [path, ["a", "b"]]));
  expect(found).toEqual(expected);
}

it("is there on every path of a handler, sync and async", async () => {
  class Everywhere extends StreamHandler {
    constructor() {
      super({ inputSampleRate: RATE, outputSampleRate: RATE });
      if (getContext()) see("constructor");
    }
    override copy(): Everywhere {
      see("copy");
      return new Everywhere();
    }
    override startUp(): void {
      see("startUp");
      scatter("startUp");
    }
    override receive(): void {
      see("receive");
    }
    override async emit(): Promise<HandlerOutput> {
      see("emit");
      await Promise.resolve();
      see("emit, later");
      return new AdditionalOutputs("output");
    }
    override onMessage(): void {
      see("onMessage");
      scatter("onMessage");
    }
    override shutdown(): void {
      see("shutdown");
      expect(getCurrentContext().signal.aborted).toBe(true);
    }
    override reset(): void {
      see("reset");
    }
  }
  await converse(new Everywhere(), {
    additionalOutputsHandler: () => {
      see("additionalOutputsHandler");
    },
  });
  expectPaths("constructor", "copy", "startUp", "receive", "emit", "emit, later", "onMessage");
  expectPaths("shutdown", "reset", "additionalOutputsHandler", "startUp: timer");
  expectPaths("startUp: bound listener", "onMessage: next tick", "onMessage: abort listener");
});

const kinds: readonly (readonly [
  string,
  Partial<ReplyOnPauseOptions>,
  () => Iterable<HandlerOutput> | AsyncIterable<HandlerOutput>,
])[] = [
  [
    "a sync generator",
    {},
    function* () {
      see("first step");
      scatter("reply");
      yield tone(20);
      see("second step");
      yield new AdditionalOutputs(1);
      see("last step");
    },
  ],
  [
    "an async generator",
    {},
    async function* () {
      see("first step");
      scatter("reply");
      await Promise.resolve();
      yield tone(20);
      see("second step");
      yield new AdditionalOutputs(1);
      see("last step");
    },
  ],
  [
    "FastRTC's pauses",
    { pauseDetection: "fastrtc" },
    async function* () {
      see("first step");
      scatter("reply");
      yield tone(20);
      see("second step");
      await Promise.resolve();
      see("last step");
    },
  ],
];

it.each(kinds)("is there at every step of %s", async (_name, options, reply) => {
  const handler = new ReplyOnPause(reply, {
    ...RATES,
    ...options,
    startupFn: function* () {
      see("startupFn");
      yield tone(20);
      see("startupFn, later");
    },
  });
  await converse(handler, {
    onTurn: () => {
      see("onTurn");
    },
  });
  expectPaths("first step", "second step", "last step", "startupFn", "startupFn, later", "onTurn");
  expectPaths("reply: timer", "reply: immediate", "reply: next tick", "reply: microtask");
  expectPaths("reply: promise", "reply: bound listener", "reply: abort listener");
});

it("is there in a generator that answers nobody", async () => {
  await converse(
    new GeneratorHandler(async function* () {
      see("first step");
      yield tone(20);
      await Promise.resolve();
      see("last step");
    }),
  );
  expectPaths("first step", "last step");
});

it("is nowhere else", async () => {
  await converse(new ReplyOnPause(() => [], RATES));
  expect(getContext()).toBeUndefined();
  expect(() => getCurrentContext()).toThrow(NoContextError);
  elsewhere.once("event", () => see("unbound listener"));
  elsewhere.emit("event");
  expect(seen.get("unbound listener")).toEqual(new Set([undefined]));
});
