import type { ReplyProgress, ServerMessage, UserTranscript } from "@fastrtc/protocol";
import { describe, expect, it, vi } from "vitest";

import { call, replying, silence, speech, tone } from "../../test/memory-call.ts";
import type { Call } from "../../test/memory-call.ts";
import type { HandlerOutput } from "../handler/handler-output.ts";
import { GeneratorHandler } from "../handler/generator-handler.ts";
import type { ReplyFunction } from "../handler/reply-on-pause.ts";
import type { SpeechToText } from "../models/speech-to-text.ts";
import { silentLogger } from "../observe/logger.ts";
import { getContext } from "./context/context.ts";

/** What the client was told of replies and words, in order. */
const told = ({ transport }: Call): (ReplyProgress | UserTranscript)[] =>
  transport.messages.flatMap((message: ServerMessage) =>
    message.type === "reply" || message.type === "transcript" ? [message.data] : [],
  );
const recognising = (...said: string[]): SpeechToText => ({
  transcribe: () => Promise.resolve({ text: said.shift() ?? "" }),
});

describe("what a client is told of a reply", () => {
  it("is that it begins, its words, and that it has ended, in this order", async () => {
    const caller = call(
      replying(function* (): Generator<HandlerOutput> {
        yield tone(200, 1000).withText("One two.");
        yield tone(200, 1000).withText("Three four.");
      }),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(1000);
    await caller.takeTurn();
    await caller.clock.advanceAsync(1000);
    const reply = (index: number): ReplyProgress[] => [
      { phase: "started", index },
      { phase: "text", index, text: "One two." },
      { phase: "text", index, text: "Three four." },
      { phase: "finished", index },
    ];
    expect(told(caller)).toEqual([...reply(1), ...reply(2)]);
  });

  it("comes with the audio, not before it", async () => {
    const caller: Call = call(
      replying(function* (): Generator<HandlerOutput> {
        yield tone(1000, 1000).withText("First.");
        yield tone(1000, 1000).withText("Second.");
      }),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(500);
    expect(told(caller)).toContainEqual({ phase: "text", index: 1, text: "First." });
    expect(told(caller)).not.toContainEqual({ phase: "text", index: 1, text: "Second." });
    await caller.clock.advanceAsync(1000);
    expect(told(caller)).toContainEqual({ phase: "text", index: 1, text: "Second." });
  });

  it("is what was heard of it when it is interrupted, and nothing after that", async () => {
    const caller = call(
      replying(function* (): Generator<HandlerOutput> {
        yield tone(1000, 1000).withText("One two three four.");
        yield tone(4000, 1000).withText("Five six seven eight.");
      }),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(900);
    await caller.say(speech(600));
    const interrupted = told(caller)
      .filter(({ index }) => index === 1)
      .at(-1);
    expect(interrupted).toMatchObject({ phase: "interrupted", heardText: "One two three four." });
    await caller.say(silence(1200));
    await caller.clock.advanceAsync(6000);
    const of = (phase: string): unknown[] =>
      told(caller).filter((each) => "phase" in each && each.phase === phase);
    expect(of("started")).toHaveLength(2);
    expect(of("interrupted")).toHaveLength(1);
    expect(of("finished")).toEqual([{ phase: "finished", index: 2 }]);
  });

  it("is nothing while it is eager, nor when its turn goes on", async () => {
    const caller = call(
      replying(
        function* (): Generator<HandlerOutput> {
          yield tone(100, 1000).withText("Early.");
        },
        { turn: { eager: true, minSilenceMs: 640 } },
      ),
    );
    await caller.say(speech(600));
    await caller.say(silence(480));
    expect(told(caller)).toEqual([]);
    await caller.say(speech(600));
    await caller.say(silence(480));
    expect(told(caller)).toEqual([]);
    await caller.say(silence(500));
    expect(told(caller)).toEqual([
      { phase: "started", index: 1 },
      { phase: "text", index: 1, text: "Early." },
      { phase: "finished", index: 1 },
    ]);
  });

  it("is nothing of one that is taken back before a sound of it was heard", async () => {
    let replies = 0;
    const caller = call(
      replying(async function* () {
        if (++replies === 1) await new Promise(() => undefined);
        yield tone(100, 1000);
      }),
    );
    await caller.takeTurn();
    await caller.takeTurn();
    await caller.clock.advanceAsync(500);
    expect(told(caller)).toEqual([
      { phase: "started", index: 1 },
      { phase: "finished", index: 1 },
    ]);
  });

  it("is its end alone when it says nothing", async () => {
    const caller = call(
      replying(function* (): Generator<HandlerOutput> {
        // Nothing to say.
      }),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(100);
    expect(told(caller)).toEqual([{ phase: "finished", index: 1 }]);
  });

  it("is that it has ended when it fails", async () => {
    const caller = call(
      replying(function* (): Generator<HandlerOutput> {
        yield tone(100, 1000);
        throw new Error("no more");
      }),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(500);
    expect(told(caller).map((each) => "phase" in each && each.phase)).toEqual([
      "started",
      "finished",
    ]);
  });

  it("has index 0 for a greeting and for what speaks by itself", async () => {
    const greeting = call(
      replying(
        function* (): Generator<HandlerOutput> {
          yield tone(100, 1000);
        },
        {
          startupFn: function* (): Generator<HandlerOutput> {
            yield tone(100, 2000).withText("Hello.");
          },
        },
      ),
    );
    const radio = call(
      new GeneratorHandler(function* (): Generator<HandlerOutput> {
        yield tone(100, 1000).withText("Hello.");
      }),
    );
    for (const each of [greeting, radio]) {
      await each.clock.advanceAsync(500);
      expect(told(each)).toEqual([
        { phase: "started", index: 0 },
        { phase: "text", index: 0, text: "Hello." },
        { phase: "finished", index: 0 },
      ]);
    }
  });

  it("comes with FastRTC's pauses too", async () => {
    const caller = call(
      replying(
        function* (): Generator<HandlerOutput> {
          yield tone(3000, 1000).withText("A long story.");
        },
        { pauseDetection: "fastrtc" },
      ),
    );
    await caller.say(speech(600));
    await caller.say(silence(1200));
    await caller.say(speech(600));
    await caller.say(silence(620));
    await caller.clock.advanceAsync(4000);
    expect(told(caller).map((each) => [each.index, "phase" in each && each.phase])).toEqual([
      [1, "started"],
      [1, "text"],
      [1, "interrupted"],
      [2, "started"],
      [2, "text"],
      [2, "finished"],
    ]);
  });
});

describe("what a client is told of the user's words", () => {
  it("is first what may change, and what is final once before the reply", async () => {
    const caller = call(
      replying(
        function* (): Generator<HandlerOutput> {
          yield tone(100, 1000);
        },
        { speechToText: recognising("hello there", "and again") },
      ),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(1000);
    await caller.takeTurn();
    await caller.clock.advanceAsync(1000);
    const turn = (index: number, text: string): unknown[] => [
      { index, text, isFinal: false },
      { index, text, isFinal: true },
      { phase: "started", index },
      { phase: "finished", index },
    ];
    expect(told(caller)).toEqual([...turn(1, "hello there"), ...turn(2, "and again")]);
  });

  it("is final only when the turn can no longer go on", async () => {
    let replies = 0;
    const caller = call(
      replying(
        async function* () {
          if (++replies === 1) await new Promise(() => undefined);
          yield tone(100, 1000);
        },
        { speechToText: recognising("I want", "to fly") },
      ),
    );
    await caller.takeTurn();
    await caller.takeTurn();
    await caller.clock.advanceAsync(500);
    const finals = told(caller).filter((each) => "isFinal" in each && each.isFinal);
    expect(finals).toEqual([{ index: 1, text: "I want to fly", isFinal: true }]);
    expect(told(caller)[0]).toEqual({ index: 1, text: "I want", isFinal: false });
  });

  it("is what a reply says that it has recognised, once final, and not while it is eager", async () => {
    const caller = call(
      replying(
        function* (_audio, { reply }): Generator<HandlerOutput> {
          reply.transcript = "hello there";
          expect(reply.transcript).toBe("hello there");
          yield tone(100, 1000);
          reply.transcript = "hello there, again";
        },
        { turn: { eager: true, minSilenceMs: 640 } },
      ),
    );
    await caller.say(speech(600));
    await caller.say(silence(480));
    expect(told(caller)).toEqual([]);
    await caller.say(silence(500));
    const words = told(caller).filter((each) => "isFinal" in each);
    const text = "hello there, again";
    expect(words.filter(({ isFinal }) => isFinal)).toEqual([{ index: 1, text, isFinal: true }]);
    expect(words[0]).toEqual({ index: 1, text, isFinal: false });
  });

  it("is what a reply recognises after its first words too", async () => {
    const caller = call(
      replying(async function* (_audio, { reply, context: { signal } }) {
        yield tone(100, 1000);
        await new Promise((resolve) => {
          setImmediate(resolve);
          signal.addEventListener("abort", resolve);
        });
        reply.transcript = "late words";
        reply.transcript = "later words";
      }),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(1000);
    expect(told(caller).filter((each) => "isFinal" in each && each.isFinal)).toHaveLength(1);
  });

  it("is nothing where there is no recogniser, and nothing of noise", async () => {
    const deaf = call(
      replying(function* (): Generator<HandlerOutput> {
        yield tone(100, 1000);
      }),
    );
    const noise = call(
      replying(
        function* (): Generator<HandlerOutput> {
          yield tone(100, 1000);
        },
        { speechToText: recognising("") },
      ),
    );
    for (const each of [deaf, noise]) {
      await each.takeTurn();
      await each.clock.advanceAsync(9000);
      expect(told(each).filter((message) => "text" in message && "isFinal" in message)).toEqual([]);
    }
  });
});

describe("what a reply is told when it is over", () => {
  const listening = (heard: unknown[]): ReplyFunction =>
    async function* (_audio, { reply }) {
      reply.onEnded((all) => heard.push({ ...all, session: getContext()?.webrtcId }));
      await Promise.resolve();
      yield tone(1000, 1000).withText("One two three four. ");
      yield tone(1000, 1000).withText("Five six seven eight.");
    };

  it("is all of it, once all of it was sent", async () => {
    const heard: unknown[] = [];
    const caller = call(replying(listening(heard)));
    await caller.takeTurn();
    await caller.clock.advanceAsync(1500);
    expect(heard).toEqual([]);
    await caller.clock.advanceAsync(1000);
    const text = "One two three four. Five six seven eight.";
    const session = caller.session.context.webrtcId;
    expect(heard).toEqual([{ ms: 2000, text, session }]);
  });

  it("is what was heard until it was interrupted", async () => {
    const heard: { ms: number; text: string }[] = [];
    const caller = call(replying(listening(heard)));
    await caller.takeTurn();
    await caller.clock.advanceAsync(900);
    await caller.say(speech(600));
    expect(heard).toHaveLength(1);
    expect(heard[0]!.ms).toBeLessThan(2000);
    expect(heard[0]!.text).toMatch(/^One two three four\.( Five)?( six)?$/);
  });

  it("is nothing when it is taken back", async () => {
    const heard: unknown[] = [];
    const caller = call(
      replying(async function* (_audio, { reply }) {
        reply.onEnded((all) => heard.push(all));
        await new Promise(() => undefined);
        yield tone(100, 1000);
      }),
    );
    await caller.takeTurn();
    await caller.say(speech(600));
    expect(heard).toEqual([{ ms: 0, text: "" }]);
  });

  it("is in the log when the listener fails, and the next turn works", async () => {
    let replies = 0;
    const warn = vi.spyOn(silentLogger, "warn");
    const caller = call(
      replying(function* (_audio, { reply }): Generator<HandlerOutput> {
        replies++;
        reply.onEnded(() => Promise.reject(new Error("The store is away.")));
        reply.onEnded(() => {
          throw new Error("And this one too.");
        });
        yield tone(100, 1000);
      }),
    );
    await caller.takeTurn();
    await caller.clock.advanceAsync(1000);
    await caller.takeTurn();
    expect(replies).toBe(2);
    const logged = warn.mock.calls.map(([text]) => text);
    warn.mockRestore();
    expect(logged.slice(0, 2).sort()).toEqual(["And this one too.", "The store is away."]);
  });
});
