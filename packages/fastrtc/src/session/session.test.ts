import { describe, expect, it } from "vitest";

import {
  call,
  kinds,
  loudness,
  RATE,
  RATES,
  replying,
  silence,
  speech,
  tone,
} from "../../test/memory-call.ts";
import { AdditionalOutputs } from "../handler/additional-outputs.ts";
import { CloseStream } from "../handler/close-stream.ts";
import type { HandlerOutput } from "../handler/handler-output.ts";
import { ReplyOnPause } from "../handler/reply-on-pause.ts";
import type { AudioFrame } from "../media/audio-frame.ts";
import { getContext } from "./context/context.ts";

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
    await caller.say(speech(200));
    expect(caller.transport.clears).toBe(1);
    expect(caller.transport.heard.slice(-RATE / 10).some((sample) => sample !== 0)).toBe(false);
    expect(caller.transport.chunks.length - before).toBeLessThanOrEqual(6);
    await caller.say(silence(700));
    await caller.clock.advanceAsync(100);
    expect(caller.heardLevels()).toEqual([1000, 2000]);
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
