import { describe, expect, it } from "vitest";

import { call, loudness, RATE, silence, speech, tone } from "../../test/memory-call.ts";
import type { Call } from "../../test/memory-call.ts";
import type { HandlerOutput } from "../handler/handler-output.ts";
import type { ReplyOnPauseOptions } from "../handler/reply-on-pause.ts";
import { ReplyOnPause } from "../handler/reply-on-pause.ts";
import { DEFAULT_TURN_POLICY } from "../handler/turn-control.ts";
import type { TurnPolicy } from "../handler/turn-control.ts";
import { StreamHandler } from "../handler/stream-handler.ts";

interface Answered {
  readonly ms: number;
  readonly loudMs: number;
  readonly transcript: string | undefined;
  readonly index: number;
}

/** A caller, and the handler of their session. */
interface Scene {
  readonly caller: Call;
  readonly control: ReplyOnPause;
  readonly answered: Answered[];
  readonly policy: (policy: Partial<TurnPolicy>) => void;
}

function scene(options: ReplyOnPauseOptions = {}, replyMs = 3000): Scene {
  const answered: Answered[] = [];
  const copies: ReplyOnPause[] = [];
  class Watched extends ReplyOnPause {
    override copy(): Watched {
      const copy = new Watched(reply, all);
      copies.push(copy);
      return copy;
    }
  }
  const all = { model: loudness, inputSampleRate: RATE, outputSampleRate: RATE, ...options };
  const reply = function* (
    audio: { readonly durationMs: number; readonly samples: Int16Array },
    {
      turn,
    }: { readonly turn: { readonly transcript: string | undefined; readonly index: number } },
  ): Generator<HandlerOutput> {
    const loud = audio.samples.filter((sample) => sample !== 0).length;
    answered.push({
      ms: audio.durationMs,
      loudMs: (loud * 1000) / RATE,
      transcript: turn.transcript,
      index: turn.index,
    });
    yield tone(replyMs, answered.length * 1000);
  };
  const caller = call(new Watched(reply, all));
  const control = copies[0]!;
  return {
    caller,
    control,
    answered,
    policy: (policy) => control.setTurnPolicy({ ...DEFAULT_TURN_POLICY, ...policy }),
  };
}

const phases = ({ transport }: Call): unknown[] =>
  transport.messages.flatMap((each) => (each.type === "reply" ? [each.data.phase] : []));

describe.each(["turn-taking", "fastrtc"] as const)("turns found by %s", (pauseDetection) => {
  it("are ended on request, with what was said until then", async () => {
    const { caller, control, answered } = scene({ pauseDetection }, 100);
    await caller.say(speech(700));
    expect(control.endTurnNow()).toBe(true);
    await caller.clock.advanceAsync(500);
    expect(answered).toHaveLength(1);
    expect(answered[0]!.loudMs).toBe(700);
  });

  it("are answered for a text, whose words the reply finds in its turn", async () => {
    const { caller, control, answered } = scene({ pauseDetection }, 100);
    expect(control.onText("hello")).toBe(true);
    await caller.clock.advanceAsync(500);
    expect(answered).toEqual([{ ms: 0, loudMs: 0, transcript: "hello", index: 1 }]);
    await caller.takeTurn();
    await caller.say(silence(600));
    expect(answered).toHaveLength(2);
    expect(answered[1]).toMatchObject({ transcript: undefined, index: 2 });
    expect(answered[1]!.loudMs).toBe(600);
    const words = caller.transport.messages.filter(({ type }) => type === "transcript");
    expect(words).toEqual([]);
  });

  it("make a text interrupt the reply before it", async () => {
    const { caller, control, answered } = scene({ pauseDetection });
    control.onText("one");
    await caller.clock.advanceAsync(500);
    control.onText("two");
    await caller.clock.advanceAsync(500);
    expect(answered.map(({ transcript }) => transcript)).toEqual(["one", "two"]);
    expect(phases(caller)).toEqual(["started", "interrupted", "started"]);
  });

  it("take a text together with what is being said", async () => {
    const { caller, control, answered } = scene({ pauseDetection }, 100);
    await caller.say(speech(700));
    control.onText("and this");
    await caller.clock.advanceAsync(500);
    expect(answered).toHaveLength(1);
    expect(answered[0]).toMatchObject({ transcript: "and this", loudMs: 700 });
  });

  it("stop their reply on request, and go on", async () => {
    const { caller, control, answered } = scene({ pauseDetection });
    expect(control.interruptNow()).toBe(false);
    control.onText("one");
    await caller.clock.advanceAsync(300);
    expect(control.interruptNow()).toBe(true);
    expect(control.interruptNow()).toBe(false);
    await caller.clock.advanceAsync(4000);
    expect(phases(caller)).toEqual(["started", "interrupted"]);
    expect(caller.transport.clears).toBe(1);
    await caller.takeTurn();
    await caller.say(silence(600));
    expect(answered.map(({ index }) => index)).toEqual([1, 2]);
  });

  it("wait for a request where they are not answered by themselves", async () => {
    const { caller, control, answered, policy } = scene({ pauseDetection }, 100);
    policy({ repliesAutomatically: false });
    for (let turn = 0; turn < 2; turn++) {
      await caller.say(speech(600));
      await caller.say(silence(1200));
    }
    expect(answered).toEqual([]);
    control.endTurnNow();
    await caller.clock.advanceAsync(500);
    expect(answered).toHaveLength(1);
    expect(answered[0]).toMatchObject({ loudMs: 1200, index: 1 });
    policy({});
    await caller.say(speech(600));
    await caller.say(silence(1200));
    expect(answered[1]).toMatchObject({ loudMs: 600, index: 2 });
  });

  it("are all that was said where nobody looks for their end", async () => {
    const { caller, control, answered, policy } = scene({ pauseDetection }, 100);
    policy({ detectsTurns: false, repliesAutomatically: false });
    await caller.say(speech(600));
    await caller.say(silence(2000));
    await caller.say(speech(400));
    expect(answered).toEqual([]);
    control.endTurnNow();
    await caller.clock.advanceAsync(500);
    expect(answered).toMatchObject([{ ms: 3000, loudMs: 1000 }]);
    await caller.say(speech(400));
    control.reset();
    await caller.say(speech(200));
    control.endTurnNow();
    await caller.clock.advanceAsync(500);
    expect(answered[1]).toMatchObject({ ms: 200 });
  });

  it("do not stop a reply that must not be interrupted", async () => {
    const { caller, control, answered, policy } = scene({ pauseDetection }, 9000);
    policy({ isInterruptible: false });
    control.onText("one");
    await caller.say(silence(300));
    await caller.say(speech(700));
    await caller.say(silence(1200));
    expect(phases(caller)).toEqual(["started"]);
    policy({});
    await caller.say(speech(700));
    await caller.say(silence(1200));
    expect(phases(caller).slice(0, 2)).toEqual(["started", "interrupted"]);
    expect(answered).toHaveLength(2);
  });
});

describe("turns with a recogniser", () => {
  it("have their words, also where nobody looks for their end", async () => {
    const asked: number[] = [];
    const { caller, control, answered, policy } = scene(
      {
        speechToText: {
          transcribe: (audio) => {
            asked.push(audio.durationMs);
            return Promise.resolve({ text: `words ${asked.length}` });
          },
        },
      },
      100,
    );
    policy({ detectsTurns: false, repliesAutomatically: false });
    await caller.say(speech(500));
    control.endTurnNow();
    await caller.clock.advanceAsync(500);
    expect(asked).toEqual([500]);
    expect(answered).toMatchObject([{ transcript: "words 1", ms: 500 }]);
    policy({ repliesAutomatically: false });
    await caller.takeTurn();
    await caller.takeTurn();
    control.endTurnNow();
    await caller.clock.advanceAsync(500);
    expect(answered[1]).toMatchObject({ transcript: "words 2 words 3", loudMs: 1200 });
    const finals = caller.transport.messages.flatMap((each) =>
      each.type === "transcript" && each.data.isFinal ? [each.data] : [],
    );
    expect(finals).toEqual([
      { index: 1, text: "words 1", isFinal: true },
      { index: 2, text: "words 2 words 3", isFinal: true },
    ]);
  });
});

describe("a handler without turns", () => {
  it("says that it answers no requests", () => {
    class Silent extends StreamHandler {
      override copy(): Silent {
        return new Silent();
      }
      override receive(): void {
        // Hears nothing.
      }
      override emit(): undefined {
        return undefined;
      }
    }
    const handler = new Silent();
    expect([handler.endTurnNow(), handler.interruptNow(), handler.onText("x")]).toEqual([
      false,
      false,
      false,
    ]);
    expect(() => handler.setTurnPolicy(DEFAULT_TURN_POLICY)).not.toThrow();
  });
});

describe("an eager reply", () => {
  it("is not begun where turns wait for a request", async () => {
    const { caller, control, answered, policy } = scene({ turn: { eager: true } }, 100);
    policy({ repliesAutomatically: false });
    await caller.takeTurn();
    await caller.say(silence(1000));
    expect(answered).toEqual([]);
    control.endTurnNow();
    await caller.clock.advanceAsync(500);
    expect(answered).toMatchObject([{ loudMs: 600 }]);
  });
});
