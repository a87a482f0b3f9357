import { setTimeout as sleepWithNode } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { describe, expect, it } from "vitest";

import { AdditionalOutputs } from "../handler/additional-outputs.ts";
import { CloseStream } from "../handler/close-stream.ts";
import type { HandlerOutput } from "../handler/handler-output.ts";
import { ReplyOnPause } from "../handler/reply-on-pause.ts";
import type { ReplyFunction } from "../handler/reply-on-pause.ts";
import { StreamHandler } from "../handler/stream-handler.ts";
import { AsyncQueue } from "../media/async-queue.ts";
import { AudioFrame } from "../media/audio-frame.ts";
import { getContext } from "../session/context/context.ts";
import { ConversationError } from "./conversation-error.ts";
import { simulate } from "./simulate-conversation.ts";
import { holdTime, sleep } from "./virtual-time.ts";

/** A reply of one level. */
const tone = (durationMs: number, level = 5000): AudioFrame =>
  AudioFrame.from([24_000, new Int16Array(24 * durationMs).fill(level)]);

const saying = (durationMs: number): ReplyFunction =>
  function* (): Generator<HandlerOutput> {
    yield tone(durationMs);
  };

const names = (events: readonly { readonly what: string }[]): string[] =>
  events.map(({ what }) => what).filter((what) => !["turn-traced", "reply-told"].includes(what));

describe("a simulated conversation", () => {
  it("goes from speech to the end of the reply", async () => {
    const conversation = await simulate(new ReplyOnPause(saying(500)), async (caller) => {
      await caller.pauses(300);
      await caller.says("What time is it?");
      await caller.hearsReply();
    });
    expect(names(conversation.events)).toEqual([
      "speech-started",
      "started-talking",
      "speech-ended",
      "pause-detected",
      "response-starting",
      "reply-started",
      "reply-silent",
      "reply-ended",
      "hung-up",
      "session-ended",
    ]);
    conversation.expect("reply-started").within(800, "ms").after("speech-ended");
    expect(conversation.latencies.replyMs).toHaveLength(1);
    const [reply] = conversation.replies;
    expect(reply!.endMs - reply!.startMs).toBe(500);
    expect(reply!.isInterrupted).toBe(false);
    expect(conversation.timersLeft).toBe(0);
    expect(conversation.errors).toEqual([]);
  });

  it("takes well under a second for a minute, and is the same each time", async () => {
    const minute = (): ReturnType<typeof simulate> =>
      simulate(
        new ReplyOnPause(async function* (audio) {
          await sleep(300);
          yield audio;
        }),
        async (caller) => {
          for (let turn = 0; turn < 6; turn++) {
            await caller.says("This is what I wanted to tell you today");
            await caller.hearsReply();
            await caller.pauses(1500);
          }
          expect(caller.now).toBeGreaterThan(50_000);
        },
      );
    const first = await minute();
    const start = performance.now();
    const second = await minute();
    // A second and not the third of one that it takes: other tests run at the same time.
    expect(performance.now() - start).toBeLessThan(2000);
    expect(second.timeline).toBe(first.timeline);
    expect(second.messages).toEqual(first.messages);
    expect(Buffer.from(second.heard.toWav()).equals(first.heard.toWav())).toBe(true);
    expect(first.replies).toHaveLength(6);
    expect(first.turns.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("hears exactly what the handler said, where it was said", async () => {
    const conversation = await simulate(new ReplyOnPause(saying(200)), async (caller) => {
      await caller.says("hello");
      await caller.hearsReply();
    });
    const { samples, sampleRate } = conversation.heard;
    const first = samples.indexOf(5000);
    expect((1000 * first) / sampleRate).toBe(conversation.replies[0]!.startMs);
    expect(samples.filter((sample) => sample === 5000)).toHaveLength(200 * 24);
  });

  it("stops the reply when the caller barges in, and measures how soon", async () => {
    const heard: boolean[] = [];
    const conversation = await simulate(
      new ReplyOnPause(async function* (_, { signal }) {
        signal.addEventListener("abort", () => heard.push(true));
        yield tone(5000);
        await Promise.resolve();
      }),
      async (caller) => {
        await caller.says("Tell me a story");
        await caller.bargesInAfter(1000, "stop, that is enough");
        await caller.pauses(200);
      },
    );
    conversation.expect("reply-interrupted").once();
    conversation.expect("reply-silent").within(300).after("speech-started");
    expect(conversation.latencies.bargeInMs).toHaveLength(1);
    expect(conversation.latencies.bargeInMs[0]).toBeLessThanOrEqual(300);
    expect(heard).toEqual([true]);
  });

  it("resumes the reply after a cough", async () => {
    const conversation = await simulate(new ReplyOnPause(saying(4000)), async (caller) => {
      await caller.says("Tell me a story");
      await caller.hearsReplyBegin();
      await caller.pauses(1000);
      await caller.coughs();
      await caller.hearsReply();
    });
    conversation.expect("reply-resumed").once();
    conversation.expect("reply-resumed").within(1200).after("cough-started");
    conversation.expect("reply-interrupted").never();
    expect(conversation.heard.samples.filter((sample) => sample !== 0)).toHaveLength(4000 * 24);
  });

  it("lets the handler's timers run in virtual time, in its own context", async () => {
    const seen: (string | undefined)[] = [];
    const start = performance.now();
    const conversation = await simulate(
      new ReplyOnPause(async function* () {
        const startedAt = Date.now();
        await new Promise<void>((resolve) => {
          setTimeout(() => {
            seen.push(getContext()?.webrtcId);
            resolve();
          }, 10_000);
        });
        await sleepWithNode(5000);
        await sleep(5000);
        seen.push(String(Date.now() - startedAt));
        const cancelled = setTimeout(() => seen.push("cancelled"), 1000);
        clearTimeout(cancelled);
        let ticks = 0;
        await new Promise<void>((resolve) => {
          const interval = setInterval(() => {
            if (++ticks < 3) return;
            clearInterval(interval);
            resolve();
          }, 1000);
        });
        const signal = AbortSignal.timeout(2000);
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        yield tone(100);
      }),
      async (caller) => {
        await caller.says("hello");
        await caller.hearsReply();
      },
    );
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(seen).toEqual(["caller", "20000"]);
    expect(conversation.latencies.replyMs[0]).toBeGreaterThan(25_000);
    expect(conversation.timersLeft).toBe(0);
  });

  it("leaves the timers of everybody else alone", async () => {
    const real = setTimeout;
    await simulate(new ReplyOnPause(saying(100)), async (caller) => {
      const start = performance.now();
      const before = caller.now;
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(performance.now() - start).toBeGreaterThan(25);
      expect(caller.now).toBe(before);
    });
    expect(setTimeout).toBe(real);
  });

  it("holds time for real work that it is told of", async () => {
    const reply = async (delayMs: number): Promise<number> => {
      const conversation = await simulate(
        new ReplyOnPause(async function* () {
          await holdTime(realWork(delayMs));
          yield tone(100);
        }),
        async (caller) => {
          await caller.says("hello");
          await caller.hearsReply();
        },
      );
      return conversation.latencies.replyMs[0]!;
    };
    expect(await reply(50)).toBe(await reply(1));
  });

  it("sends texts, sets inputs, and collects outputs and errors", async () => {
    const texts: string[] = [];
    class Listening extends ReplyOnPause {
      override copy(): Listening {
        return new Listening(
          async function* (_, { inputs }) {
            await Promise.resolve();
            yield new AdditionalOutputs(inputs, 1);
            throw new Error("broken");
          },
          { needsArgs: true },
        );
      }
      override onMessage(text: string): void {
        texts.push(text);
      }
    }
    const conversation = await simulate(new Listening(saying(100)), async (caller) => {
      await caller.sendsText("typed");
      await caller.says("hello");
      await caller.waitsFor("the question for inputs", () =>
        caller.events.some(({ what }) => what === "send-input"),
      );
      await caller.setsInputs({ voice: "low" });
      await caller.pauses(500);
    });
    expect(texts).toEqual(["typed"]);
    expect(conversation.outputs).toEqual([[{ voice: "low" }, 1]]);
    expect(conversation.errors).toMatchObject([{ cause: { message: "broken" } }]);
    conversation.expect("error").after("output");
    expect(conversation.messages.map(({ type }) => type)).toContain("send_input");
  });

  it("notices that the handler ends the call", async () => {
    const conversation = await simulate(
      new ReplyOnPause(function* (): Generator<HandlerOutput> {
        yield tone(300);
        yield new CloseStream("Goodbye");
      }),
      async (caller) => {
        await caller.says("bye");
        await caller.waitsFor("the end", () => !caller.isConnected).catch(() => undefined);
        expect(caller.isConnected).toBe(false);
      },
    );
    conversation.expect("end-stream").after("reply-started");
    conversation.expect("hung-up").never();
  });

  it("talks to any handler", async () => {
    class Echo extends StreamHandler {
      readonly #frames = new AsyncQueue<AudioFrame>();
      copy(): Echo {
        return new Echo({ inputSampleRate: 24_000 });
      }
      receive(frame: AudioFrame): void {
        this.#frames.put(frame);
      }
      emit(): Promise<AudioFrame | undefined> {
        return this.#frames.get();
      }
    }
    const conversation = await simulate(new Echo({ inputSampleRate: 24_000 }), async (caller) => {
      await caller.says("hello echo");
      await caller.hearsReply();
    });
    conversation.expect("reply-started").within(100).after("speech-started");
  });

  it("hears nothing in mere noise", async () => {
    const conversation = await simulate(
      new ReplyOnPause(saying(100)),
      (caller) => caller.pauses(10_000),
      { noiseDb: -40 },
    );
    conversation.expect("started-talking").never();
  });

  it("takes events from elsewhere", async () => {
    const conversation = await simulate(
      new ReplyOnPause(saying(100)),
      (caller) => caller.pauses(100),
      {
        sources: [
          (note) => {
            note("opened", { by: "test" });
            return () => note("closed");
          },
        ],
      },
    );
    conversation.expect("opened").once();
    conversation.expect("closed").after("session-ended");
  });

  it("runs beside others without mixing times", async () => {
    const delays = await Promise.all(
      [1000, 3000].map(async (delayMs) => {
        const conversation = await simulate(
          new ReplyOnPause(async function* () {
            await new Promise((resolve) => setTimeout(resolve, delayMs));
            yield tone(100);
          }),
          async (caller) => {
            await caller.says("hello");
            await caller.hearsReply();
          },
        );
        return conversation.latencies.replyMs[0]!;
      }),
    );
    expect(delays[1]! - delays[0]!).toBe(2000);
  });
});

describe("what goes wrong in a simulation", () => {
  it("is a reply that never comes", async () => {
    const run = simulate(
      new ReplyOnPause(async function* () {
        await new Promise(() => undefined);
        yield null;
      }),
      async (caller) => {
        await caller.says("hello");
        await caller.hearsReply();
      },
      { patienceMs: 5000 },
    );
    await expect(run).rejects.toThrow(ConversationError);
    await expect(run).rejects.toThrow(
      /Waited 5000 ms for a reply in vain[^]*speech-started 'hello'/,
    );
  });

  it("is the end of the session while a reply is awaited", async () => {
    const run = simulate(new ReplyOnPause(saying(100)), async (caller) => {
      await caller.says("hello");
      await caller.hangsUp();
      await caller.hearsReply();
    });
    await expect(run).rejects.toThrow(/The session ended before a reply came/);
  });

  it("is what the script throws, and the session is closed nevertheless", async () => {
    let closed = false;
    const run = simulate(
      new ReplyOnPause(async function* () {
        try {
          yield tone(12_000);
          await new Promise(() => undefined);
        } finally {
          closed = true;
        }
      }),
      async (caller) => {
        await caller.says("hello");
        await caller.hearsReplyBegin();
        throw new Error("the script's");
      },
    );
    await expect(run).rejects.toThrow("the script's");
    expect(closed).toBe(true);
  });

  it("is a sleep outside of any", () => {
    expect(() => sleep(10)).toThrow(/no simulation/);
  });

  it("is a call to say nothing", async () => {
    const run = simulate(new ReplyOnPause(saying(100)), (caller) => caller.says(" "));
    await expect(run).rejects.toThrow(/words to say/);
  });
});

/** Takes real time that no timer tells, as servers and worker threads do. */
function realWork(durationMs: number): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const end = performance.now() + durationMs;
  return new Promise((resolve) => {
    port1.on("message", () => {
      if (performance.now() < end) {
        port2.postMessage(undefined);
      } else {
        port1.close();
        resolve();
      }
    });
    port2.postMessage(undefined);
  });
}
