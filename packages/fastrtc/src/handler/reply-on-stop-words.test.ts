import { describe, expect, it } from "vitest";
import { call, kinds, loudness, RATE, silence, speech, tone } from "../../test/memory-call.ts";
import { InvalidOptionError } from "../errors.ts";
import type { SpeechToText } from "../models/speech-to-text.ts";
import { ReplyOnStopWords } from "./reply-on-stop-words.ts";
import type { ReplyOnStopWordsOptions } from "./reply-on-stop-words.ts";

/** What the user says is the script: one text for each burst of speech. */
function scripted(...texts: readonly (string | Error)[]): SpeechToText {
  const left = [...texts];
  return {
    transcribe: () => {
      const next = left.shift() ?? "";
      return next instanceof Error ? Promise.reject(next) : Promise.resolve({ text: next });
    },
  };
}

interface Asked {
  readonly transcript: string | undefined;
  readonly durationMs: number;
}

function listen(
  speechToText: SpeechToText,
  options: Partial<ReplyOnStopWordsOptions> & { readonly replyMs?: number } = {},
) {
  const asked: Asked[] = [];
  const signals: AbortSignal[] = [];
  const handler = new ReplyOnStopWords(
    async function* (audio, { turn, signal }) {
      asked.push({ transcript: turn.transcript, durationMs: audio.durationMs });
      signals.push(signal);
      yield tone(options.replyMs ?? 200);
    },
    {
      inputSampleRate: RATE,
      outputSampleRate: RATE,
      model: loudness,
      stopWords: ["computer"],
      speechToText,
      ...options,
    },
  );
  const caller = call(handler);
  return {
    ...caller,
    caller,
    asked,
    signals,
    utter: async (speechMs = 600, silenceMs = 1000) => {
      await caller.say(speech(speechMs));
      await caller.say(silence(silenceMs));
    },
  };
}

describe("ReplyOnStopWords", () => {
  it("listens silently until a stop word is heard", async () => {
    const { utter, asked, caller } = listen(scripted("nice weather", "is it not"));

    await utter();
    await utter();

    expect(asked).toEqual([]);
    expect(kinds(caller)).toEqual([]);
  });

  it("answers the utterance that has the stop word, and tells the client", async () => {
    const { utter, asked, caller } = listen(scripted("Computer, what time is it?"));

    await utter();

    expect(asked.map(({ transcript }) => transcript)).toEqual(["what time is it?"]);
    expect(asked[0]!.durationMs).toBeGreaterThan(600);
    expect(kinds(caller).filter((kind) => !["turn", "reply", "transcript"].includes(kind))).toEqual(
      ["stopword", "pause_detected", "response_starting"],
    );
    expect(caller.transport.messages.find(({ type }) => type === "stopword")).toEqual({
      type: "stopword",
      data: "",
    });
  });

  it("answers what comes next when the user pauses right after the stop word", async () => {
    const { utter, asked } = listen(scripted("Computer!", "what time is it?"));

    await utter();
    expect(asked).toEqual([]);
    await utter();

    expect(asked.map(({ transcript }) => transcript)).toEqual(["what time is it?"]);
  });

  it("keeps words after a short pause in the same utterance", async () => {
    const { caller, utter, asked } = listen(scripted("Computer, turn on", "the light"));

    await caller.say(speech(600));
    await caller.say(silence(400));
    await utter();

    expect(asked.map(({ transcript }) => transcript)).toEqual(["turn on the light"]);
    expect(asked[0]!.durationMs).toBeGreaterThan(600 + 400 + 600);
  });

  it("gives the reply no more than the pause before the stop word", async () => {
    const { caller, utter, asked } = listen(
      scripted("a long story", "that goes on", "Computer, stop"),
    );

    await caller.say(speech(3000));
    await caller.say(silence(400));
    await caller.say(speech(3000));
    await caller.say(silence(400));
    await utter(600);

    expect(asked).toHaveLength(1);
    expect(asked[0]!.durationMs).toBeGreaterThan(600);
    expect(asked[0]!.durationMs).toBeLessThan(2000);
  });

  it("needs the stop word again in each turn", async () => {
    const { utter, asked } = listen(scripted("Computer, one", "two", "Computer, three"));

    await utter();
    await utter();
    await utter(600, 6000);

    expect(asked.map(({ transcript }) => transcript)).toEqual(["one", "three"]);
  });

  it("stops a reply for a stop word and answers what was said with it", async () => {
    const { utter, asked, signals } = listen(scripted("Computer, tell", "Computer, never mind"), {
      replyMs: 8000,
    });
    await utter();

    await utter();

    expect(signals[0]!.aborted).toBe(true);
    expect(asked.map(({ transcript }) => transcript)).toEqual(["tell", "never mind"]);
    expect(asked[1]!.durationMs).toBeGreaterThan(600);
  });

  it("stops a reply for a stop word alone, and listens", async () => {
    const { utter, asked, signals } = listen(scripted("Computer, tell", "Computer!", "go on"), {
      replyMs: 8000,
    });
    await utter();

    await utter();
    expect(signals[0]!.aborted).toBe(true);
    await utter();

    expect(asked.map(({ transcript }) => transcript)).toEqual(["tell", "go on"]);
  });

  it("plays a reply on, without a gap, whatever else is said", async () => {
    const { caller, utter, signals, transport } = listen(
      scripted("Computer, tell", "what a bore"),
      {
        replyMs: 4000,
      },
    );
    await utter();
    const before = transport.chunks.length;

    await caller.say(speech(2000));

    expect(signals[0]!.aborted).toBe(false);
    expect(transport.clears).toBe(0);
    expect(transport.chunks.length - before).toBe(100);
  });

  it("does not listen during a reply that cannot be interrupted", async () => {
    const { utter, asked, signals } = listen(scripted("Computer, tell", "what", "you"), {
      replyMs: 3000,
      canInterrupt: false,
    });
    await utter();
    await utter();
    expect(signals[0]!.aborted).toBe(false);

    await utter(600, 6000);

    expect(asked).toHaveLength(1);
  });

  it("goes on listening when the recognizer fails", async () => {
    const { utter, asked } = listen(scripted(new Error("no connection"), "Computer, go"));

    await utter();
    await utter();

    expect(asked.map(({ transcript }) => transcript)).toEqual(["go"]);
  });

  it("answers without a stop word when the application asks for it", async () => {
    const asked: (string | undefined)[] = [];
    const handler = new ReplyOnStopWords(
      async function* (_audio, { turn }) {
        asked.push(turn.transcript);
        yield tone(20);
      },
      { model: loudness, stopWords: ["computer"], speechToText: scripted() },
    );
    const own: ReplyOnStopWords[] = [];
    const { clock } = call(
      Object.assign(handler, {
        copy: () => {
          const copy = ReplyOnStopWords.prototype.copy.call(handler);
          own.push(copy);
          return copy;
        },
      }),
    );

    own[0]!.triggerResponse();
    await clock.advanceAsync(100);

    expect(asked).toHaveLength(1);
  });

  it("asks the client for inputs only when there is something to answer", async () => {
    const { utter, caller } = listen(scripted("nothing", "Computer, go"), { needsArgs: true });

    await utter();
    expect(kinds(caller)).not.toContain("send_input");
    await utter();

    expect(kinds(caller)).toContain("send_input");
  });

  it("leaves no timer when the session ends", async () => {
    const { caller, session, clock } = listen({ transcribe: () => new Promise(() => undefined) });
    await caller.say(speech(600));
    await caller.say(silence(400));

    await session.close();
    await clock.advanceAsync(0);

    expect(clock.pendingTimers).toBe(0);
  });

  it.each([
    ["stopWords", { stopWords: [], speechToText: scripted() }],
    ["speechToText", { stopWords: ["computer"] }],
    [
      "recognitionTimeoutMs",
      { stopWords: ["computer"], speechToText: scripted(), recognitionTimeoutMs: 0 },
    ],
  ])("refuses a %s that cannot work", (option, options) => {
    const make = (): unknown =>
      new ReplyOnStopWords(async function* () {
        yield tone(20);
      }, options as ReplyOnStopWordsOptions);

    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(option);
  });
});
