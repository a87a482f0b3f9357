import type { TurnTrace } from "@fastrtc/protocol";
import { describe, expect, it } from "vitest";

import { call, kinds, RATE, replying, silence, speech, tone } from "../../test/memory-call.ts";
import type { Call } from "../../test/memory-call.ts";
import { AdditionalOutputs } from "../handler/additional-outputs.ts";
import type { HandlerOutput } from "../handler/handler-output.ts";
import type { Heard } from "../handler/heard-audio.ts";
import type { ReplyControl } from "../handler/reply.ts";
import type { SpeechToText } from "../models/speech-to-text.ts";

/** How much of a level was heard, in milliseconds. */
const heardMs = ({ transport }: Call, level: number): number =>
  (transport.heard.filter((sample) => sample === level).length * 1000) / RATE;
const loudMs = (samples: Int16Array): number =>
  (samples.filter((sample) => sample === 16_000).length * 1000) / RATE;
const traces = ({ transport }: Call): TurnTrace[] =>
  transport.messages.flatMap((message) => (message.type === "turn" ? [message.data] : []));

describe("a conversation", () => {
  it("pauses the reply at a cough, and resumes it where it stopped", async () => {
    const caller = call(
      replying(function* (): Generator<HandlerOutput> {
        yield tone(2000, 1000);
      }),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(300);
    await caller.say(speech(240));
    const atPause = heardMs(caller, 1000);
    await caller.say(silence(200));
    expect(heardMs(caller, 1000)).toBe(atPause);
    await caller.say(silence(3000));
    expect(heardMs(caller, 1000)).toBe(2000);
    expect(caller.transport.clears).toBe(0);
  });

  it("takes words after a pause for the same turn while nothing of the reply was heard", async () => {
    const turns: number[] = [];
    const heard: number[] = [];
    const aborted: boolean[] = [];
    const caller = call(
      replying(async function* (audio, { turn, signal }) {
        const at = turns.push(turn.index) - 1;
        heard.push(loudMs(audio.samples));
        aborted[at] = false;
        signal.addEventListener("abort", () => (aborted[at] = true));
        if (at === 0) await new Promise(() => undefined);
        yield tone(100, 2000);
      }),
    );
    await caller.takeTurn();
    await caller.takeTurn();
    await caller.clock.advanceAsync(300);
    expect(turns).toEqual([1, 1]);
    expect(heard).toEqual([600, 1200]);
    expect(aborted).toEqual([true, false]);
    expect(heardMs(caller, 2000)).toBe(100);
  });

  it("starts eagerly, and lets nothing out until the turn is over", async () => {
    let startedAt = 0;
    const caller: Call = call(
      replying(
        function* (_, { turn }): Generator<HandlerOutput> {
          startedAt = caller.clock.now();
          expect(turn.eager).toBe(true);
          yield new AdditionalOutputs("early");
          yield tone(100, 3000);
        },
        { turn: { eager: true, minSilenceMs: 640 } },
      ),
    );
    await caller.say(speech(600));
    await caller.say(silence(500));
    expect(startedAt).toBeGreaterThan(0);
    expect(startedAt).toBeLessThan(600 + 500);
    expect(heardMs(caller, 3000)).toBe(0);
    expect(kinds(caller)).not.toContain("fetch_output");
    await caller.say(silence(300));
    expect(heardMs(caller, 3000)).toBe(100);
    expect(kinds(caller).filter((kind) => !["turn", "reply"].includes(kind))).toEqual([
      "started_talking",
      "pause_detected",
      "fetch_output",
      "response_starting",
    ]);
  });

  it.each([
    [false, 640 + 300],
    [true, 640],
  ])(
    "hides a slow answer behind the silence when it starts eagerly (%s)",
    async (eager, delayMs) => {
      const caller: Call = call(
        replying(
          async function* () {
            // What a recognizer and a model take before the first sound.
            await new Promise<void>((resolve) => void caller.clock.setTimeout(resolve, 300));
            yield tone(100, 3000);
          },
          { turn: { eager, minSilenceMs: 640 } },
        ),
      );
      await caller.say(speech(640));
      let waitedMs = 0;
      while (heardMs(caller, 3000) === 0 && waitedMs < 3000) {
        await caller.say(silence(20));
        waitedMs += 20;
      }
      expect(waitedMs).toBeGreaterThanOrEqual(delayMs - 20);
      expect(waitedMs).toBeLessThanOrEqual(delayMs + 60);
    },
  );

  it("aborts an eager reply when the user goes on, and nobody hears of it", async () => {
    let starts = 0;
    let aborts = 0;
    const caller = call(
      replying(
        async function* (_, { signal }) {
          starts++;
          signal.addEventListener("abort", () => aborts++);
          await Promise.resolve();
          yield tone(100, starts * 1000);
        },
        { turn: { eager: true, minSilenceMs: 640 } },
      ),
    );
    await caller.say(speech(600));
    await caller.say(silence(480));
    await caller.say(speech(600));
    await caller.say(silence(900));
    expect([starts, aborts]).toEqual([2, 1]);
    expect(caller.heardLevels()).toEqual([2000]);
  });

  it("tries again after an eager reply that failed, and says nothing of it", async () => {
    let starts = 0;
    const caller = call(
      replying(
        async function* () {
          await Promise.resolve();
          if (++starts === 1) throw new Error("too early");
          yield tone(100, 1000);
        },
        { turn: { eager: true } },
      ),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(300);
    expect(kinds(caller)).not.toContain("error");
    expect(heardMs(caller, 1000)).toBe(100);
  });

  it("tells what was heard of an interrupted reply, in milliseconds and words", async () => {
    let heard: Heard | undefined;
    const caller = call(
      replying(async function* (_, { reply }) {
        try {
          yield tone(1000, 1000).withText("One two three four.");
          yield tone(1000, 1000).withText("Five six seven eight.");
          await new Promise(() => undefined);
        } finally {
          heard = reply.heard;
        }
      }),
    );
    let control: ReplyControl | undefined;
    const watching = call(
      replying(function* (_, { reply }): Generator<HandlerOutput> {
        control = reply;
        yield tone(1000, 1000).withText("One two three four.");
        yield tone(1000, 1000).withText("Five six seven eight.");
      }),
    );
    for (const each of [caller, watching]) {
      await each.say(speech(600));
      await each.say(silence(660));
      await each.clock.advanceAsync(1240);
      await each.say(speech(500));
    }
    expect(control!.heard.ms).toBeGreaterThan(1200);
    expect(control!.heard.ms).toBeLessThan(1600);
    expect(control!.heard.text).toMatch(/^One two three four\.Five( six)?$/);
    // A generator that waits is not there to ask; its reply is.
    expect(heard).toBeUndefined();
  });

  it("finishes a reply that must not be interrupted, and can be interrupted again afterwards", async () => {
    let turns = 0;
    const caller = call(
      replying(async function* (_, { reply }) {
        reply.uninterruptible = ++turns === 1;
        yield tone(3000, turns * 1000);
        await Promise.resolve();
      }),
    );
    await caller.takeTurn();
    await caller.say(speech(600));
    await caller.say(silence(3000));
    expect(heardMs(caller, 1000)).toBe(3000);
    expect(turns).toBe(1);
    await caller.takeTurn();
    await caller.say(silence(200));
    await caller.say(speech(600));
    expect(heardMs(caller, 2000)).toBeLessThan(1000);
    expect(caller.transport.clears).toBe(1);
  });

  it("hands the words over where it recognises speech, and does not answer a turn without any", async () => {
    const said = ["hello there", ""];
    const seen: (string | undefined)[] = [];
    const speechToText: SpeechToText = {
      transcribe: () => Promise.resolve({ text: said.shift() ?? "" }),
    };
    const caller = call(
      replying(
        function* (_, { turn }): Generator<HandlerOutput> {
          seen.push(turn.transcript);
          yield tone(100, 1000);
        },
        { speechToText },
      ),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(1000);
    await caller.takeTurn();
    await caller.clock.advanceAsync(8000);
    expect(seen).toEqual(["hello there"]);
  });

  it("asks an end-of-turn model at each pause, and waits as it says", async () => {
    const asked: number[] = [];
    const caller = call(
      replying(
        function* (): Generator<HandlerOutput> {
          yield tone(100, 1000);
        },
        {
          endOfTurn: {
            predict: ({ audio }) => {
              asked.push(audio.length);
              return Promise.resolve(asked.length === 1 ? 0.1 : 0.9);
            },
          },
        },
      ),
    );
    await caller.say(speech(600));
    await caller.say(silence(1200));
    expect(heardMs(caller, 1000)).toBe(0);
    await caller.say(speech(600));
    await caller.say(silence(500));
    expect(asked).toHaveLength(2);
    expect(asked[1]).toBeGreaterThan(2 * RATE);
    expect(heardMs(caller, 1000)).toBeGreaterThan(0);
  });

  it("traces each turn, and once more when the client has heard it", async () => {
    const caller = call(
      replying(function* (): Generator<HandlerOutput> {
        yield tone(400, 1000);
      }),
    );
    await caller.takeTurn();
    caller.transport.sendText('{"type":"audible"}');
    await caller.clock.advanceAsync(1000);
    const [audible, finished] = traces(caller);
    expect(audible).toMatchObject({ index: 1 });
    expect(audible!.firstAudibleAt).toBeGreaterThanOrEqual(audible!.firstPacketAt!);
    expect(finished!.endedAt! - finished!.speechEndedAt!).toBeGreaterThan(500);
    expect(kinds(caller)).not.toContain('Server received: {"type":"audible"}');
  });

  it("counts turns from one, also after a greeting that nobody heard", async () => {
    const turns: number[] = [];
    const caller = call(
      replying(
        function* (_, { turn }): Generator<HandlerOutput> {
          turns.push(turn.index);
          yield tone(100, 1000);
        },
        {
          startupFn: async function* ({ signal }) {
            await new Promise((resolve) => signal.addEventListener("abort", resolve));
            yield tone(100, 2000);
          },
        },
      ),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(300);
    expect(turns).toEqual([1]);
    expect(caller.heardLevels()).toEqual([1000]);
  });

  it("leaves no timer behind, whenever the caller hangs up", async () => {
    for (let at = 0; at < 3000; at += 130) {
      const caller = call(
        replying(
          async function* () {
            await Promise.resolve();
            yield tone(600, 1000);
          },
          { turn: { eager: true } },
        ),
      );
      const script = [speech(600), silence(900), speech(220), silence(700), speech(600)];
      const samples = Int16Array.from(script.flatMap((part) => [...part]));
      await caller.say(samples.subarray(0, (at * RATE) / 1000));
      caller.transport.disconnect();
      expect(caller.clock.pendingTimers).toBe(0);
    }
  });
});

describe("a conversation with FastRTC's pauses", () => {
  it("ends turns at the edge of a block, and stops a reply only when the interruption has paused", async () => {
    const lengths: number[] = [];
    const caller = call(
      replying(
        function* (audio): Generator<HandlerOutput> {
          lengths.push(audio.durationMs);
          yield tone(5000, lengths.length * 1000);
        },
        { pauseDetection: "fastrtc" },
      ),
    );
    await caller.say(speech(600));
    await caller.say(silence(620));
    expect(lengths).toEqual([1200]);
    await caller.say(silence(580));
    await caller.say(speech(600));
    expect(caller.transport.clears).toBe(0);
    await caller.say(silence(620));
    expect(caller.transport.clears).toBe(1);
    expect(caller.heardLevels()).toEqual([1000, 2000]);
  });
});
