/**
 * The voice chat of the examples, end to end: a person's recorded words into Chromium; recognition
 * (pocketsphinx), a stand-in for a language model and a voice (flite) behind OpenAI's HTTP interface;
 * and the answer recognised again from what Chromium received.
 */

import { fileURLToPath } from "node:url";
import type { ReplyProgress, ServerMessage, TurnTrace } from "@fastrtc/protocol";
import { AudioFrame } from "fastrtc";
import { loadSpeech } from "fastrtc/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createFliteTts } from "../packages/fastrtc/src/flite.ts";
import { launchChromium, type TestBrowser } from "./browser/launch-chromium.ts";
import { recordReceivedAudio, type ReceivedAudio } from "./browser/received-audio.ts";
import { SpeakingPage } from "./browser/speaking-page.ts";
import { startExample, type ExampleProcess } from "./support/example-process.ts";
import { recognize, wordErrorRate } from "./support/pocketsphinx.ts";
import { startSpeechServer, type SpeechServer } from "./support/speech-server.ts";
import { until } from "./support/until.ts";

const LONG_ANSWER = "Well, that is a long story. ".concat(
  "Once upon a time there was a small house in the middle of a dark forest. ".repeat(20),
);
const AUDIBLE = 0.01;
/** The example runs on the sources, as the tests do. */
const SOURCES = {
  TSX_TSCONFIG_PATH: fileURLToPath(new URL("../tsconfig.check.json", import.meta.url)),
};

const answerTo = (words: string): string => `This is a stand-in for a model. You said: ${words}.`;
const prompt = (name: string): AudioFrame => new AudioFrame(loadSpeech(name)).resample(48_000);
const dialed = prompt("cannot-complete-as-dialed"); // Your call cannot be completed as dialed.
const thanks = prompt("queue-thankyou"); // Thank you for your patience.
const notValid = prompt("privacy-incorrect"); // I'm sorry, that number is not valid.

let chromium: TestBrowser;
let server: SpeechServer;
let example: ExampleProcess;
let reply: (words: string) => string;
let users = 0;

beforeAll(async () => {
  chromium = await launchChromium();
  server = await startSpeechServer({
    reply: (words) => reply(words),
  });
  example = await startVoiceChat(20_000);
});
beforeEach(({ onTestFailed }) => {
  reply = answerTo;
  onTestFailed(() => console.error(example.printed(), server.requests));
});
afterEach(async () => {
  for (const route of ["transcriptions", "speech", "chat"] as const) server.behave(route, {});
  for (const context of chromium.browser.contexts()) await context.close();
});
afterAll(async () => {
  await example.stop();
  await server.close();
  await chromium.close();
});

/** @param timeoutMs - How long a model may be silent. */
function startVoiceChat(timeoutMs: number): Promise<ExampleProcess> {
  return startExample("voice-chat", {
    env: {
      ...SOURCES,
      OPENAI_BASE_URL: server.url,
      OPENAI_API_KEY: "none",
      STT_MODEL: "pocketsphinx",
      CHAT_MODEL: "stand-in",
      TTS_MODEL: "flite",
      MODEL_TIMEOUT_MS: String(timeoutMs),
    },
  });
}

/** Somebody in front of a browser. */
class User {
  readonly id: string;
  readonly #page: SpeakingPage;
  readonly #received: ReceivedAudio;

  private constructor(id: string, page: SpeakingPage, received: ReceivedAudio) {
    this.id = id;
    this.#page = page;
    this.#received = received;
  }

  static async arrive(url = example.url): Promise<User> {
    const id = `user-${++users}`;
    const page = await chromium.newPage();
    const received = await recordReceivedAudio(page);
    return new User(id, await SpeakingPage.connect(page, url, id), received);
  }

  async say(audio: AudioFrame): Promise<void> {
    await this.#page.speak(audio);
  }

  /** Waits until what the server has told is as wanted, and returns what `find` found of it. */
  async told<T>(find: (messages: readonly ServerMessage[]) => T | undefined): Promise<T> {
    for (const begin = performance.now(); performance.now() - begin < 20_000;) {
      const found = find(await this.#page.messages());
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const messages = JSON.stringify(await this.#page.messages());
    throw new Error(`Not told within 20 s: ${find.toString()}; but: ${messages}`);
  }

  /** Waits for a moment of a reply. */
  reply<P extends ReplyProgress["phase"]>(
    phase: P,
    index: number,
  ): Promise<Extract<ReplyProgress, { phase: P }>> {
    return this.told((messages) =>
      messages
        .flatMap((each) => (each.type === "reply" ? [each.data] : []))
        .find(
          (each): each is Extract<ReplyProgress, { phase: P }> =>
            each.phase === phase && each.index === index,
        ),
    );
  }

  /** Waits for an error: the first is number 0. */
  error(index: number): Promise<string> {
    return this.told(
      (messages) =>
        messages.flatMap((each) => (each.type === "error" ? [each.message] : []))[index],
    );
  }

  /** What it was told beside the audio. */
  async outputs(): Promise<unknown[]> {
    return this.told((messages) =>
      messages.flatMap((each) => (each.type === "fetch_output" ? each.data : [])),
    );
  }

  /** Everything that was received, from its first sound to its last, recognised. */
  async heardWords(): Promise<string> {
    const received = await this.#received.read();
    const { samples, sampleRate } = received;
    const isSound = (sample: number): boolean => Math.abs(sample) > 1000;
    const [first, last] = [samples.findIndex(isSound), samples.findLastIndex(isSound)];
    const ms = (at: number): number => (1000 * at) / sampleRate;
    return (await recognize(received.slice(ms(first), ms(last)))).text;
  }

  /** From the first to the last sound that was received, in milliseconds. */
  async heardMs(): Promise<number> {
    const sounds = (await this.#page.received(0)).filter(({ level }) => level > AUDIBLE);
    return (sounds.at(-1)?.atMs ?? 0) - (sounds[0]?.atMs ?? 0);
  }

  async metadata(): Promise<unknown> {
    return (await fetch(`${example.url}metadata/${this.id}`)).json();
  }
}

const messagesOf = (request: number): unknown =>
  server.requests.filter(({ route }) => route === "chat").at(request)?.body["messages"];

describe("the voice chat", () => {
  it("answers two users at once, and neither sees anything of the other's", async () => {
    const [one, other] = await Promise.all([User.arrive(), User.arrive()]);
    await Promise.all([one.say(dialed), other.say(notValid)]);
    await Promise.all([one.reply("finished", 1), other.reply("finished", 1)]);

    const [dialedWords, validWords] = ["call cannot be completed as dialed", "number is not valid"];
    for (const [user, words, others] of [
      [one, dialedWords, "valid"],
      [other, validWords, "dialed"],
    ] as const) {
      const question: unknown = expect.stringContaining(words);
      const metadata = { model: "openai stand-in", turn: 1, question };
      expect(await user.metadata()).toEqual(metadata);
      expect(await user.outputs()).toEqual([metadata]);
      const transcript = await user.told((messages) =>
        messages
          .flatMap((each) => (each.type === "transcript" ? [each.data] : []))
          .find(({ isFinal }) => isFinal),
      );
      expect(transcript).toMatchObject({ index: 1, text: question });
      const heard = await user.heardWords();
      expect(wordErrorRate(answerTo(words), heard)).toBeLessThan(0.5);
      expect(heard).toContain(words.split(" ").at(-1));
      expect(heard).not.toContain(others);
    }
    expect((await fetch(`${example.url}metadata/nobody`)).status).toBe(404);

    const before = server.requests.length;
    await one.say(dialed);
    await until(() => server.requests.slice(before).some(({ route }) => route === "chat"));
    expect(messagesOf(-1)).toEqual([
      { role: "system", content: expect.any(String) as string },
      { role: "user", content: expect.stringContaining(dialedWords) as string },
      {
        role: "assistant",
        content: expect.stringMatching(/^This is a stand-in .*dialed\.$/) as string,
      },
      { role: "user", content: expect.stringContaining(dialedWords) as string },
    ]);
  });

  it("closes its requests within 100 ms of an interruption, and remembers what was heard", async () => {
    // A little faster than it is spoken, so that there is always a request.
    server.behave("speech", { pieceDelayMs: 85 });
    reply = () => LONG_ANSWER;
    const user = await User.arrive();
    const before = server.requests.length;
    await user.say(dialed);
    await user.reply("started", 1);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const open = server.requests
      .slice(before)
      .filter(({ finishedAt, disconnectedAt }) => (finishedAt ?? disconnectedAt) === undefined);
    expect(new Set(open.map(({ route }) => route))).toEqual(new Set(["chat", "speech"]));

    reply = answerTo;
    await user.say(notValid);
    const { heardText } = await user.reply("interrupted", 1);
    const heardMs = await user.heardMs();
    const { interruptedAt } = await user.told((messages) =>
      messages
        .flatMap((each) => (each.type === "turn" ? [each.data] : []))
        .find(({ index, interruptedAt: at }: TurnTrace) => index === 1 && at !== undefined),
    );
    const delays = server.requests
      .slice(before)
      .flatMap(({ disconnectedAt }) =>
        disconnectedAt === undefined
          ? []
          : [performance.timeOrigin + disconnectedAt - interruptedAt!],
      )
      .filter((delay) => delay > -100);
    console.info("interruption to hang-up, ms:", delays.map(Math.round).join(", "));
    expect(delays.length).toBeGreaterThanOrEqual(2);
    expect(Math.max(...delays)).toBeLessThan(100);

    expect(heardText.split(" ").length).toBeGreaterThan(5);
    expect(LONG_ANSWER.startsWith(heardText)).toBe(true);
    // It takes that long to say it: nothing is claimed that was not heard.
    const { durationMs } = await createFliteTts().tts(heardText);
    console.info(`heard ${Math.round(heardMs)} ms, remembered ${Math.round(durationMs)} ms`);
    expect(durationMs).toBeLessThan(heardMs + 300);
    await user.reply("finished", 2);
    expect(messagesOf(-1)).toEqual([
      { role: "system", content: expect.any(String) as string },
      { role: "user", content: expect.stringContaining("dialed") as string },
      { role: "assistant", content: heardText },
      { role: "user", content: expect.stringContaining("valid") as string },
    ]);
  });

  it("says in the log what failed and what to do, tells the user, and goes on", async () => {
    const user = await User.arrive();
    const failures = [
      ["transcriptions", { status: 401 }, /openai pocketsphinx: .*401.*Check apiKey/],
      ["chat", { status: 429, retryAfter: 7 }, /openai stand-in: .*429.*Try again in 7\.0 s/],
      ["chat", { garbage: true }, /openai stand-in: .*without a word\. Check that baseURL/],
      ["speech", { empty: true }, /openai flite alloy: It made no audio/],
    ] as const;
    for (const [at, [route, behaviour, wanted]] of failures.entries()) {
      server.behave(route, behaviour);
      const printed = example.printed().length;
      await user.say(thanks);
      expect(await user.error(at)).toMatch(/failed to answer\. Please try again/);
      expect(example.printed().slice(printed)).toMatch(wanted);
      server.behave(route, {});
    }
    server.behave("transcriptions", { empty: true });
    const before = server.requests.length;
    await user.say(dialed);
    const { index } = await user.reply("finished", failures.length + 1);
    expect(server.requests.slice(before).every(({ route }) => route === "transcriptions")).toBe(
      true,
    );
    server.behave("transcriptions", {});

    await user.say(dialed);
    await user.reply("finished", index + 1);
    expect(await user.heardWords()).toContain("dialed");
    expect(await user.metadata()).toMatchObject({ turn: index + 1 });
  }, 120_000);

  it("does not wait for ever for a server that says nothing, and goes on", async () => {
    const impatient = await startVoiceChat(1000);
    try {
      const user = await User.arrive(impatient.url);
      server.behave("transcriptions", { delayMs: 60_000 });
      await user.say(dialed);
      expect(await user.error(0)).toMatch(/Please try again/);
      expect(impatient.printed()).toMatch(/openai pocketsphinx: nothing came for 1000 ms/);
      // At once and without a word: a recognition takes longer than this one waits.
      server.behave("transcriptions", { empty: true });
      await user.say(dialed);
      await user.reply("finished", 2);
    } finally {
      await impatient.stop();
    }
  });

  it("says what it is where there are no models, no network and no key", async () => {
    const offline = await startExample("voice-chat", {
      env: { ...SOURCES, OPENAI_BASE_URL: "", OPENAI_API_KEY: "", FASTRTC_MODELS: "none" },
    });
    try {
      const before = server.requests.length;
      const user = await User.arrive(offline.url);
      await user.say(dialed);
      await user.reply("finished", 1);
      const said = /^something for [2-4]\.\d seconds, which I cannot understand$/;
      const [output] = await user.outputs();
      expect(output).toMatchObject({ turn: 1, question: expect.stringMatching(said) as string });
      expect(await user.heardWords()).toMatch(/cannot think.*seconds/);
      expect(offline.printed()).toContain("Answers: a stand-in for a language model.");
      expect(server.requests).toHaveLength(before);
    } finally {
      await offline.stop();
    }
  });
});
