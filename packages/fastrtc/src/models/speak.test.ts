import { describe, expect, it, vi } from "vitest";
import { AudioFrame } from "../media/audio-frame.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { createTextToSpeech } from "./create-text-to-speech.ts";
import { provideDefaultSignal } from "./default-signal.ts";
import { speak } from "./speak.ts";
import type { SpeakOptions } from "./speak.ts";
import type { TextToSpeech } from "./text-to-speech.ts";

/** A voice whose clauses are finished by hand. */
class Voice implements TextToSpeech {
  readonly clauses: {
    text: string;
    signal: AbortSignal;
    finish: () => void;
    fail: (e: Error) => void;
  }[] = [];

  tts(text: string, call?: { signal?: AbortSignal | undefined }): Promise<AudioFrame> {
    return new Promise((resolve, reject) => {
      const finish = (): void => resolve(AudioFrame.silence(100, 16_000));
      this.clauses.push({ text, signal: call!.signal!, finish, fail: reject });
    });
  }

  stream(text: string): AsyncIterable<AudioFrame> {
    return speak(this, text);
  }

  get texts(): string[] {
    return this.clauses.map(({ text }) => text);
  }
}

/** A text that is written by hand, and notes when it is closed. */
class Writer implements AsyncIterable<string> {
  isClosed = false;
  readonly #pieces: (string | Error | undefined)[] = [];
  #wake: (() => void) | undefined;

  write(piece: string | Error | undefined): void {
    this.#pieces.push(piece);
    this.#wake?.();
  }

  [Symbol.asyncIterator](): AsyncIterator<string> {
    return {
      next: async () => {
        while (this.#pieces.length === 0)
          await new Promise<void>((resolve) => (this.#wake = resolve));
        const piece = this.#pieces.shift();
        if (piece instanceof Error) throw piece;
        return piece === undefined
          ? { done: true, value: undefined }
          : { done: false, value: piece };
      },
      return: () => {
        this.isClosed = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const TEXT = "The first sentence is here. The second sentence is here. The third sentence is here.";

function begin(text: string | AsyncIterable<string> = TEXT, options: SpeakOptions = {}) {
  const voice = new Voice();
  return { voice, frames: speak(voice, text, options) };
}

describe("what is made when", () => {
  it("nothing before the first frame is asked for", async () => {
    const { voice } = begin();
    await settle();
    expect(voice.texts).toEqual([]);
  });

  it("the next clause when the one before it has begun to sound, and no further", async () => {
    const { voice, frames } = begin();
    const first = frames.next();
    await settle();
    expect(voice.texts).toEqual(["The first sentence is here."]);
    voice.clauses[0]!.finish();
    await first;
    await settle();
    expect(voice.texts).toHaveLength(2);
    voice.clauses[1]!.finish();
    await settle();
    expect(voice.texts).toHaveLength(2);
    await frames.next();
    await settle();
    expect(voice.texts).toHaveLength(3);
  });

  it("no clause ahead, with lookAhead 0", async () => {
    const { voice, frames } = begin(TEXT, { lookAhead: 0 });
    const first = frames.next();
    await settle();
    voice.clauses[0]!.finish();
    await first;
    await settle();
    expect(voice.texts).toHaveLength(1);
    void frames.next();
    await settle();
    expect(voice.texts).toHaveLength(2);
  });

  it("the first clause while the rest is not yet written", async () => {
    const writer = new Writer();
    const { voice, frames } = begin(writer);
    const first = frames.next();
    writer.write("The first sentence is here. The sec");
    await settle();
    voice.clauses[0]!.finish();
    expect(await first).toMatchObject({ value: { text: "The first sentence is here. " } });
  });

  it("a sentence that looks complete, when its writer pauses", async () => {
    const clock = new ManualClock();
    const writer = new Writer();
    const { voice, frames } = begin(writer, { clock, settleMs: 300 });
    void frames.next();
    writer.write("Let me look that up.");
    await settle();
    clock.advance(299);
    expect(voice.texts).toEqual([]);
    clock.advance(1);
    expect(voice.texts).toEqual(["Let me look that up."]);
    await frames.return!();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("what frames carry", () => {
  it("the text, in all, as it was written", async () => {
    const tts = createTextToSpeech({
      model: "test",
      async *synthesize() {
        yield AudioFrame.silence(20, 16_000);
        yield AudioFrame.silence(20, 16_000).withText("not this");
      },
    });
    const text = "One, two — three!\n\n* * *\n\nAnd the fourth… is here. ";
    const texts: (string | undefined)[] = [];
    for await (const frame of tts.stream(text)) texts.push(frame.text);
    expect(texts.filter((part) => part !== undefined).join("")).toBe(text);
    expect(texts.filter((part) => part === undefined)).toHaveLength(texts.length / 2);
  });

  it("nothing is asked of the voice for text without a word", async () => {
    const { voice, frames } = begin(" …\n— ");
    expect(await frames.next()).toEqual({ done: true, value: undefined });
    expect(voice.texts).toEqual([]);
  });
});

describe("an interruption", () => {
  it("throws the signal's reason at once, even while voice and text hang", async () => {
    const stop = new AbortController();
    const writer = new Writer();
    const { voice, frames } = begin(writer, stop);
    const first = frames.next();
    writer.write("The first sentence is here. The sec");
    await settle();
    stop.abort(new Error("the user speaks"));
    await expect(first).rejects.toThrow("the user speaks");
    expect(voice.clauses[0]!.signal.aborted).toBe(true);
    expect(writer.isClosed).toBe(true);
    expect(await frames.next()).toEqual({ done: true, value: undefined });
  });

  it("before the beginning lets nothing begin", async () => {
    const writer = new Writer();
    const { voice, frames } = begin(writer, { signal: AbortSignal.abort(new Error("too late")) });
    await expect(frames.next()).rejects.toThrow("too late");
    await settle();
    expect(voice.texts).toEqual([]);
    expect(writer.isClosed).toBe(true);
  });

  it("by leaving the loop closes the text and the voice at once", async () => {
    const writer = new Writer();
    const { voice, frames } = begin(writer);
    const waiting = frames.next();
    writer.write("The first sentence is here. The sec");
    await settle();
    await frames.return!();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(voice.clauses[0]!.signal.aborted).toBe(true);
    expect(writer.isClosed).toBe(true);
  });

  it("is that of the reply that runs, where no signal is given", async () => {
    const reply = new AbortController();
    provideDefaultSignal(() => reply.signal);
    const { frames } = begin();
    provideDefaultSignal(() => undefined);
    const first = frames.next();
    await settle();
    reply.abort(new Error("barge-in"));
    await expect(first).rejects.toThrow("barge-in");
  });

  it("leaves no listener on the signal, however often it speaks", async () => {
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, "addEventListener");
    const remove = vi.spyOn(signal, "removeEventListener");
    const tts = createTextToSpeech({
      model: "test",
      synthesize: () => Promise.resolve(AudioFrame.silence(20, 16_000)),
    });
    for await (const frame of tts.stream(TEXT, { signal })) expect(frame.sampleCount).toBe(320);
    await tts.tts(TEXT, { signal });
    expect(add.mock.calls.length).toBeGreaterThan(0);
    expect(remove.mock.calls.length).toBeGreaterThanOrEqual(add.mock.calls.length);
  });
});

describe("a failure", () => {
  it("of a later clause comes after the audio before it", async () => {
    const { voice, frames } = begin();
    const first = frames.next();
    await settle();
    voice.clauses[0]!.finish();
    await settle();
    voice.clauses[1]!.fail(new Error("the voice broke"));
    await settle();
    expect((await first).done).toBe(false);
    await expect(frames.next()).rejects.toThrow("the voice broke");
  });

  it("of the text comes after the sentences before it", async () => {
    const writer = new Writer();
    const { voice, frames } = begin(writer);
    const first = frames.next();
    writer.write("The first sentence is here. The sec");
    writer.write(new Error("the model broke"));
    await settle();
    voice.clauses[0]!.finish();
    expect(await first).toMatchObject({ value: { text: "The first sentence is here. " } });
    await expect(frames.next()).rejects.toThrow("the model broke");
  });

  it("is a clear error where a voice makes no sound", async () => {
    const tts = createTextToSpeech({
      model: "mute 1",
      synthesize: () => Promise.resolve(AudioFrame.silence(0, 16_000)),
    });
    await expect(tts.tts("Good morning.")).rejects.toMatchObject({
      code: "MODEL",
      model: "mute 1",
      message: expect.stringContaining('no audio of "Good morning." (13 characters)') as string,
    });
    await expect(tts.tts(" … ")).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});

describe("bounds", () => {
  it("a voice that makes audio without end is left unread while nobody takes it", async () => {
    let made = 0;
    const tts = createTextToSpeech({
      model: "endless",
      async *synthesize() {
        for (;;) {
          made++;
          yield AudioFrame.silence(100, 16_000);
          await settle();
        }
      },
    });
    const frames = tts.stream("Go on.")[Symbol.asyncIterator]();
    await frames.next();
    for (let i = 0; i < 1000; i++) await settle();
    const most = made;
    expect(most).toBeLessThan(110);
    for (let i = 0; i < 20; i++) await frames.next();
    for (let i = 0; i < 100; i++) await settle();
    expect(made).toBeGreaterThan(most);
    await frames.return!();
  });

  it("a text without end is left unread while nobody speaks it", async () => {
    let written = 0;
    async function* endless(): AsyncGenerator<string> {
      for (;;) {
        written++;
        yield "This is one more sentence of some length. ";
        await settle();
      }
    }
    const { frames } = begin(endless());
    void frames.next();
    for (let i = 0; i < 300; i++) await settle();
    expect(written).toBeLessThan(40);
    await frames.return!();
  });
});
