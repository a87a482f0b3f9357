import { describe, expect, it } from "vitest";

import { AdditionalOutputs } from "../handler/additional-outputs.ts";
import { CloseStream } from "../handler/close-stream.ts";
import type { HandlerOutput } from "../handler/handler-output.ts";
import { ReplyOnPause } from "../handler/reply-on-pause.ts";
import type { ReplyFunction, ReplyOnPauseOptions } from "../handler/reply-on-pause.ts";
import { StreamHandler } from "../handler/stream-handler.ts";
import type { StreamHandlerBase } from "../handler/stream-handler.ts";
import { WebRTCError } from "../errors.ts";
import { AsyncQueue } from "../media/async-queue.ts";
import { AudioFrame } from "../media/audio-frame.ts";
import { silentLogger } from "../observe/logger.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { MemoryTransport } from "../testing/memory-transport.ts";
import type { VoiceActivityDetector } from "../turn/voice-activity.ts";
import { getContext } from "./context.ts";
import { Session } from "./session.ts";

const RATE = 16_000;

const loudness = (): VoiceActivityDetector => ({
  process: (window) => (window.some((sample) => Math.abs(sample) > 0.25) ? 0.9 : 0.05),
  reset: () => undefined,
});

const speech = (durationMs: number): Int16Array =>
  new Int16Array((durationMs * RATE) / 1000).fill(16_000);
const silence = (durationMs: number): Int16Array => new Int16Array((durationMs * RATE) / 1000);
const tone = (durationMs: number, level = 5000): AudioFrame =>
  AudioFrame.from([RATE, new Int16Array((durationMs * RATE) / 1000).fill(level)]);

interface Call {
  readonly clock: ManualClock;
  readonly transport: MemoryTransport;
  readonly session: Session;
  /** Lets the caller speak in real time, 20 ms after 20 ms. */
  say(samples: Int16Array): Promise<void>;
  /** A sentence and the pause after it. */
  takeTurn(): Promise<void>;
  readonly heardLevels: () => number[];
}

function call(handler: StreamHandlerBase, id = "caller"): Call {
  const clock = new ManualClock();
  const transport = new MemoryTransport({ sampleRate: RATE });
  const session = new Session({
    webrtcId: id,
    request: {
      method: "POST",
      url: "http://test/",
      headers: new Headers(),
      remoteAddress: undefined,
    },
    transport,
    handler,
    initialInputs: [],
    onOutputs: undefined,
    timeLimit: Infinity,
    encoder: {},
    clock,
    logger: silentLogger,
    onClosed: () => undefined,
  });
  session.open();
  transport.connect();
  const say = async (samples: Int16Array): Promise<void> => {
    for (let at = 0; at < samples.length; at += RATE / 50) {
      transport.speak(samples.subarray(at, at + RATE / 50));
      await clock.advanceAsync(20);
    }
  };
  return {
    clock,
    transport,
    session,
    say,
    takeTurn: async () => {
      await say(speech(600));
      await say(silence(700));
    },
    heardLevels: () => [...new Set(transport.heard)].filter((level) => level !== 0),
  };
}

const RATES = { inputSampleRate: RATE, outputSampleRate: RATE } as const;
const replying = (reply: ReplyFunction, options: ReplyOnPauseOptions = {}): ReplyOnPause =>
  new ReplyOnPause(reply, { ...RATES, model: loudness, ...options });

const kinds = ({ transport }: Call): string[] =>
  transport.messages.map((message) => (message.type === "log" ? message.data : message.type));

describe("a session of ReplyOnPause", () => {
  it("answers each turn with what the generator yields, in order", async () => {
    let level = 1000;
    const caller = call(
      replying(async function* () {
        level += 1000;
        await Promise.resolve();
        yield tone(100, level);
        yield [RATE, new Int16Array(RATE / 10).fill(level + 1)];
      }),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(500);
    expect(caller.heardLevels()).toEqual([2000, 2001]);
    await caller.takeTurn();
    await caller.clock.advanceAsync(500);
    expect(caller.heardLevels()).toEqual([2000, 2001, 3000, 3001]);
    expect(kinds(caller).slice(0, 3)).toEqual([
      "started_talking",
      "pause_detected",
      "response_starting",
    ]);
  });

  it("gives the generator the whole utterance, with the sound before it", async () => {
    let heard: AudioFrame | undefined;
    const caller = call(
      replying(function* (audio): Generator<HandlerOutput> {
        heard = audio;
        yield tone(20);
      }),
    );
    await caller.say(silence(1000));
    await caller.takeTurn();
    const loud = heard!.samples.filter((sample) => sample === 16_000).length;
    expect((loud * 1000) / RATE).toBe(600);
    expect(heard!.sampleRate).toBe(RATE);
  });

  it("paces the reply: audio leaves as fast as it is heard", async () => {
    const caller = call(
      replying(function* (): Generator<HandlerOutput> {
        yield tone(1000);
      }),
    );
    await caller.say(speech(600));
    await caller.say(silence(640));
    const before = caller.transport.chunks.length;
    await caller.clock.advanceAsync(200);
    expect(caller.transport.chunks.length - before).toBeGreaterThanOrEqual(9);
    expect(caller.transport.chunks.length - before).toBeLessThanOrEqual(11);
  });

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
      // eslint-disable-next-line require-yield -- It has nothing to say.
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

  it("interrupts a reply at the onset of speech, and answers the interruption", async () => {
    let turns = 0;
    const caller = call(
      replying(async function* () {
        const level = ++turns * 1000;
        for (let i = 0; i < 50; i++) {
          await Promise.resolve();
          yield tone(100, level);
        }
      }),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(500);
    expect(caller.heardLevels()).toEqual([1000]);
    await caller.say(speech(260));
    const before = caller.transport.chunks.length;
    expect(caller.transport.clears).toBe(1);
    await caller.say(speech(200));
    expect(caller.transport.heard.slice(-RATE / 10).some((sample) => sample !== 0)).toBe(false);
    expect(caller.transport.chunks.length - before).toBeLessThanOrEqual(6);
    await caller.say(silence(700));
    await caller.clock.advanceAsync(100);
    expect(caller.heardLevels()).toEqual([1000, 2000]);
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

  it("does not take a short sound for an interruption", async () => {
    const caller = call(
      replying(function* (): Generator<HandlerOutput> {
        yield tone(3000, 1000);
      }),
    );
    await caller.takeTurn();
    await caller.say(speech(120));
    await caller.say(silence(1000));
    expect(caller.transport.clears).toBe(0);
    expect(caller.transport.heard.slice(-RATE / 50)[0]).toBe(1000);
  });

  it("finishes its reply when it must not be interrupted, and ignores what is said meanwhile", async () => {
    let turns = 0;
    const caller = call(
      replying(
        function* (): Generator<HandlerOutput> {
          yield tone(2000, ++turns * 1000);
        },
        { canInterrupt: false },
      ),
    );
    await caller.takeTurn();
    await caller.takeTurn();
    await caller.clock.advanceAsync(1500);
    expect(turns).toBe(1);
    expect(caller.transport.clears).toBe(0);
    await caller.takeTurn();
    expect(turns).toBe(2);
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

  it("speaks first when it is given a start-up function", async () => {
    const caller = call(
      replying(
        function* (): Generator<HandlerOutput> {
          yield tone(20, 1);
        },
        {
          startupFn: async function* ({ turn }) {
            await Promise.resolve();
            expect(turn.index).toBe(0);
            yield tone(200, 4000);
          },
        },
      ),
    );
    await caller.clock.advanceAsync(300);
    expect(caller.heardLevels()).toEqual([4000]);
  });

  it("hands values out at once, and ends the session after the audio before CloseStream", async () => {
    const caller = call(
      replying(function* (): Generator<HandlerOutput> {
        yield [tone(300), new AdditionalOutputs("with audio")];
        yield new AdditionalOutputs({ words: 2 });
        yield new CloseStream("bye");
      }),
    );
    const outputs = caller.session.outputs.subscribe();
    await caller.takeTurn();
    await caller.clock.advanceAsync(400);
    expect((await outputs.next()).value).toEqual(["with audio"]);
    expect((await outputs.next()).value).toEqual([{ words: 2 }]);
    expect((await outputs.next()).done).toBe(true);
    expect(kinds(caller).filter((kind) => kind === "fetch_output")).toHaveLength(2);
    expect(caller.transport.messages.at(-1)).toEqual({ type: "end_stream", data: "bye" });
    expect(caller.transport.isClosed).toBe(true);
    const loud = caller.transport.heard.filter((sample) => sample !== 0).length;
    expect((loud * 1000) / RATE).toBe(300);
  });

  it("asks for inputs and waits for them when it needs them", async () => {
    const seen: unknown[] = [];
    const caller = call(
      replying(
        function* (_, { inputs }): Generator<HandlerOutput> {
          seen.push(inputs);
          yield tone(20);
        },
        { needsArgs: true },
      ),
    );
    await caller.takeTurn();
    expect(kinds(caller)).toContain("send_input");
    expect(seen).toEqual([]);
    caller.session.inputs.set(["hello"]);
    await caller.clock.advanceAsync(20);
    expect(seen).toEqual([["hello"]]);
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

  it("shows the session's own context at every step, and the reply's own turn", async () => {
    const seen: (string | undefined)[] = [];
    const note = (): void => void seen.push(getContext()?.turn?.id ?? getContext()?.webrtcId);
    class Noting extends ReplyOnPause {
      override copy(): Noting {
        note();
        return new Noting(
          function* (): Generator<HandlerOutput> {
            note();
            yield tone(20);
            note();
            setTimeout(note, 0);
            yield new AdditionalOutputs(1);
          },
          { ...RATES, model: loudness },
        );
      }
      override startUp(): void {
        note();
      }
      override shutdown(): void {
        note();
      }
    }
    const caller = call(
      new Noting(
        function* () {
          yield null;
        },
        { ...RATES, model: loudness },
      ),
      "me",
    );
    await caller.takeTurn();
    await new Promise((resolve) => setTimeout(resolve, 5));
    caller.transport.disconnect("failed");
    expect(seen).toEqual(["me", "me", "me:1", "me:1", "me:1", "me"]);
    expect(getContext()).toBeUndefined();
  });
});

class Echo extends StreamHandler {
  readonly #frames = new AsyncQueue<AudioFrame>();
  readonly log: string[];

  constructor(log: string[] = []) {
    super(RATES);
    this.log = log;
  }

  override copy(): Echo {
    return new Echo(this.log);
  }

  override startUp(): void {
    this.log.push(`startUp ${getContext()?.webrtcId ?? "-"}`);
  }

  override receive(frame: AudioFrame): void {
    this.#frames.put(frame);
  }

  override async emit(): Promise<HandlerOutput> {
    const frame = await this.#frames.get();
    if (frame?.samples[0] === 13) throw new Error("unlucky");
    return frame;
  }

  override shutdown(): void {
    this.log.push(
      `shutdown ${getContext()?.webrtcId ?? "-"} ${String(getContext()?.signal.aborted)}`,
    );
  }
}

describe("a session of StreamHandler", () => {
  it("echoes frame by frame", async () => {
    const caller = call(new Echo());
    await caller.say(speech(400));
    await caller.clock.advanceAsync(100);
    const loud = caller.transport.heard.filter((sample) => sample === 16_000).length;
    expect((loud * 1000) / RATE).toBe(400);
  });

  it("goes on after an emit that throws", async () => {
    const caller = call(new Echo());
    await caller.say(new Int16Array(RATE / 50).fill(13));
    await caller.clock.advanceAsync(1000);
    await caller.say(speech(200));
    await caller.clock.advanceAsync(100);
    expect(kinds(caller)).toContain("error");
    expect(caller.heardLevels()).toEqual([16_000]);
  });

  it("starts and shuts down once each, in its context, however the session ends", async () => {
    const log: string[] = [];
    const caller = call(new Echo(log));
    await caller.clock.advanceAsync(20);
    caller.transport.disconnect("failed");
    await caller.session.close();
    expect(log).toEqual(["startUp caller", "shutdown caller true"]);
    expect(caller.clock.pendingTimers).toBe(0);
  });

  it("drops the oldest frames of a handler that is slower than the audio", async () => {
    const received: number[] = [];
    let release = (): void => undefined;
    class Slow extends StreamHandler {
      override copy(): Slow {
        return new Slow(RATES);
      }
      override async receive(frame: AudioFrame): Promise<void> {
        received.push(frame.timestampMs);
        if (received.length === 1) await new Promise<void>((resolve) => (release = resolve));
      }
      override emit(): undefined {
        return undefined;
      }
    }
    const caller = call(new Slow(RATES));
    caller.transport.speak(silence(10_000));
    release();
    await caller.clock.advanceAsync(20);
    expect(received).toHaveLength(1 + 250);
    expect(received.at(-1)).toBe(9980);
  });

  it("is asked again after 20 ms when it has nothing to say", async () => {
    let asked = 0;
    class Quiet extends StreamHandler {
      override copy(): Quiet {
        return new Quiet(RATES);
      }
      override receive(): void {
        // Not of interest.
      }
      override emit(): undefined {
        asked++;
        return undefined;
      }
    }
    const caller = call(new Quiet(RATES));
    await caller.clock.advanceAsync(1000);
    expect(asked).toBeGreaterThanOrEqual(49);
    expect(asked).toBeLessThanOrEqual(51);
    caller.transport.disconnect();
    await caller.clock.advanceAsync(100);
    expect(caller.clock.pendingTimers).toBe(0);
  });
});
