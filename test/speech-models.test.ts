/**
 * Speech models end to end, over a real socket: real recognition (pocketsphinx) and a real voice
 * (flite) behind OpenAI's HTTP interface.
 */

import { setTimeout as sleep } from "node:timers/promises";
import OpenAI from "openai";
import { AudioFrame } from "fastrtc";
import { loadSpeech } from "fastrtc/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createFliteTts } from "../packages/fastrtc/src/flite.ts";
import { speak } from "../packages/fastrtc/src/models/speak.ts";
import {
  chatText,
  createOpenAiChat,
  createOpenAiStt,
  createOpenAiTts,
} from "../packages/fastrtc/src/openai.ts";
import { recognize, wordErrorRate } from "./support/pocketsphinx.ts";
import { startSpeechServer } from "./support/speech-server.ts";
import type { SpeechRequest, SpeechServer } from "./support/speech-server.ts";
import { until } from "./support/until.ts";

const API_KEY = "sk-a-secret-of-the-test";

let server: SpeechServer;
const sttOptions = () => ({ baseURL: server.url, apiKey: API_KEY, model: "pocketsphinx" });
const ttsOptions = () => ({ baseURL: server.url, apiKey: API_KEY, model: "flite" });
const lastRequest = (): SpeechRequest => server.requests.at(-1)!;

beforeAll(async () => {
  server = await startSpeechServer({ apiKey: API_KEY });
});
afterEach(() => {
  for (const route of ["transcriptions", "speech", "chat"] as const) server.behave(route, {});
});
afterAll(() => server.close());

function prompt(name: string): { audio: AudioFrame; words: string } {
  const speech = loadSpeech(name);
  return { audio: new AudioFrame(speech), words: speech.transcript! };
}

async function failureOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  return promise.then(
    () => expect.fail("It should have failed."),
    (error: unknown) => error as Error & Record<string, unknown>,
  );
}

describe("speech to text", () => {
  it("recognises a recorded sentence", async () => {
    const { audio, words } = prompt("cannot-complete-as-dialed");
    const { text } = await createOpenAiStt(sttOptions()).transcribe(audio);
    expect(wordErrorRate(words, text)).toBe(0);
    expect(lastRequest().body).toMatchObject({ model: "pocketsphinx", response_format: "json" });
  });

  it("tells when each word was said, if asked", async () => {
    const { audio } = prompt("cannot-complete-as-dialed");
    const { words = [] } = await createOpenAiStt({ ...sttOptions(), words: true }).transcribe(
      audio,
    );
    expect(words.map(({ text }) => text)).toContain("completed");
    for (const { startMs, endMs } of words) expect(startMs).toBeLessThan(endMs);
    expect(words.at(-1)!.endMs).toBeLessThan(audio.durationMs + 500);
  });

  it("hears nothing in no audio, and does not ask the server", async () => {
    const before = server.requests.length;
    const empty = AudioFrame.silence(0, 48_000);
    expect(await createOpenAiStt(sttOptions()).transcribe(empty)).toEqual({ text: "" });
    expect(server.requests).toHaveLength(before);
  });

  it("hears nothing in silence", async () => {
    const silence = AudioFrame.silence(1000, 48_000);
    const { text } = await createOpenAiStt(sttOptions()).transcribe(silence);
    expect(text.split(" ").length).toBeLessThanOrEqual(1);
  });
});

describe("text to speech", () => {
  it.each(["pcm", "wav"] as const)("speaks %s that is recognised again", async (format) => {
    const tts = createOpenAiTts({ ...ttsOptions(), format });
    const words = "The weather is very nice today, and we are going to the beach.";
    const frame = await tts.tts(words);
    expect(frame.sampleRate).toBe(format === "pcm" ? 24_000 : 16_000);
    expect(frame.text).toBe(words);
    const { text } = await createOpenAiStt(sttOptions()).transcribe(frame);
    expect(wordErrorRate(words, text)).toBeLessThan(0.3);
  });

  it("plays the first sound while the rest is still being sent", async () => {
    server.behave("speech", { pieceDelayMs: 20 });
    const frames = createOpenAiTts(ttsOptions()).stream("The weather is very nice today");
    const first = await frames[Symbol.asyncIterator]().next();
    expect((first.value as AudioFrame).text).toBe("The weather is very nice today");
    expect(lastRequest().finishedAt).toBeUndefined();
  });

  it("makes the next clause while the first is given out, and gives the first out before that", async () => {
    server.behave("speech", { delayMs: 150 });
    const before = server.requests.length;
    const text = "If you ask me, it is going to rain. Then we stay at home.";
    const heard: { text: string | undefined; requests: number; at: number }[] = [];
    for await (const frame of createOpenAiTts(ttsOptions()).stream(text)) {
      const requests = server.requests.length - before;
      heard.push({ text: frame.text, requests, at: performance.now() });
    }
    expect(heard[0]).toMatchObject({ text: "If you ask me, ", requests: 1 });
    const [first, second] = server.requests.slice(before);
    expect(heard[0]!.at).toBeLessThan(second!.startedAt + 150);
    expect(second!.startedAt).toBeLessThan(first!.finishedAt! + 150);
    expect(heard.map((frame) => frame.text ?? "").join("")).toBe(text);
  });
});

describe("flite without a server", () => {
  it("speaks words that are recognised again", async () => {
    const words = "We have to leave the house before seven in the morning.";
    const frame = await createFliteTts().tts(words);
    const { text } = await recognize(frame);
    expect(wordErrorRate(words, text)).toBeLessThan(0.3);
  });
});

describe("a language model", () => {
  const chat = () => createOpenAiChat({ ...sttOptions(), model: "stand-in", timeoutMs: 1000 });
  const ask = (content = "hello") => chat().stream([{ role: "user", content }]);

  it("gives its words as they are written", async () => {
    const pieces: string[] = [];
    for await (const piece of ask()) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(10);
    expect(pieces.join("")).toMatch(/^This is a stand-in .* You said: hello$/);
    expect(lastRequest().body).toMatchObject({ model: "stand-in", stream: true });
  });

  it("closes its request when it is no longer read, even while it waits", async () => {
    server.behave("chat", { pieceDelayMs: 5000 });
    const pieces = ask();
    await pieces.next();
    const waiting = pieces.next();
    const closedAt = performance.now();
    await pieces.return!();
    await until(() => lastRequest().disconnectedAt !== undefined);
    expect(lastRequest().disconnectedAt! - closedAt).toBeLessThan(100);
    expect((await waiting).done).toBe(true);
  });

  it.each([
    ["a page", { garbage: true }, /openai stand-in: .*"hello".*without a word/],
    ["no words", { empty: true }, /without a word.*tokens left/],
    ["silence", { delayMs: 5000 }, /openai stand-in: nothing came for 1000 ms \("hello"/],
    ["silence in its midst", { pieceDelayMs: 5000 }, /nothing came for 1000 ms/],
    ["a refusal", { status: 429, retryAfter: 2 }, /429.*Try again in 2\.0 s/],
    ["a breakdown", { breakAfterPieces: 2 }, /no answer from 127\.0\.0\.1/],
  ])("says what is wrong with a server that answers with %s", async (_what, behaviour, text) => {
    server.behave("chat", behaviour);
    const reading = (async () => {
      for await (const piece of ask()) expect(piece).not.toBe("");
    })();
    expect((await failureOf(reading)).message).toMatch(text);
  });

  it("is not late when nobody reads it, and neither is a voice", async () => {
    server.behave("chat", { pieceDelayMs: 50 });
    server.behave("speech", { pieceDelayMs: 50 });
    const tts = createOpenAiTts({ ...ttsOptions(), timeoutMs: 1000 });
    const pieces = ask();
    const frames = tts.synthesize!("Good morning to you all.")[Symbol.asyncIterator]();
    await Promise.all([pieces.next(), frames.next()]);
    await sleep(1300);
    expect((await pieces.next()).done).toBe(false);
    expect((await frames.next()).done).toBe(false);
    await Promise.all([pieces.return!(), frames.return!()]);
  });
});

describe("a conversation's way through all three", () => {
  it("speech is recognised, answered, and the answer is heard again", async () => {
    const client = new OpenAI({ baseURL: server.url, apiKey: API_KEY });
    const { audio } = prompt("cannot-complete-as-dialed");
    const { text } = await createOpenAiStt(sttOptions()).transcribe(audio);
    const written: string[] = [];
    const completion = await client.chat.completions.create({
      model: "stand-in",
      messages: [{ role: "user", content: text }],
      stream: true,
    });
    const frames: AudioFrame[] = [];
    const chat = chatText(completion, (piece) => written.push(piece));
    for await (const frame of speak(createOpenAiTts(ttsOptions()), chat)) frames.push(frame);
    const answer = written.join("");
    expect(answer).toContain("your call cannot be completed as dialed");
    expect(frames.map((frame) => frame.text ?? "").join("")).toBe(answer);
    const heard = await recognize(AudioFrame.concat(frames));
    expect(wordErrorRate(answer, heard.text)).toBeLessThan(0.5);
    expect(heard.text).toContain("language model");
  });

  it("the first sound comes after the first clause, not after the whole answer", async () => {
    const client = new OpenAI({ baseURL: server.url, apiKey: API_KEY });
    const content = "Please tell me all about it. ".repeat(10);
    const completion = await client.chat.completions.create({
      model: "stand-in",
      messages: [{ role: "user", content }],
      stream: true,
    });
    for await (const frame of speak(createOpenAiTts(ttsOptions()), chatText(completion))) {
      expect(frame.text).toMatch(/^This is a stand-in for a language model, $/);
      break;
    }
    const chat = server.requests.findLast(({ route }) => route === "chat")!;
    expect(chat.finishedAt).toBeUndefined();
    expect(chat.pieces).toBeLessThan(25);
    await until(() => chat.disconnectedAt !== undefined);
  });
});

describe("an interruption closes the request within 100 ms, as the server sees it", () => {
  it.each([
    ["before the server answers", { delayMs: 5000 }],
    ["in the midst of the audio", { pieceDelayMs: 50 }],
  ])("of speech, %s", async (_when, behaviour) => {
    server.behave("speech", behaviour);
    const before = server.requests.length;
    const stop = new AbortController();
    const tts = createOpenAiTts(ttsOptions());
    const listening = (async () => {
      const frames = tts.stream("It is a long story, which takes a while to tell.", stop);
      for await (const frame of frames) expect(frame.sampleCount).toBeGreaterThan(0);
    })();
    const failure = failureOf(listening);
    await until(() => server.requests.length > before);
    await sleep(100);
    const abortedAt = performance.now();
    stop.abort(new Error("the user speaks"));
    expect((await failure).message).toBe("the user speaks");
    expect(performance.now() - abortedAt).toBeLessThan(20);
    await until(() => lastRequest().disconnectedAt !== undefined);
    expect(lastRequest().disconnectedAt! - abortedAt).toBeLessThan(100);
  });

  it("of recognition", async () => {
    server.behave("transcriptions", { delayMs: 5000 });
    const before = server.requests.length;
    const stop = new AbortController();
    const { audio } = prompt("cannot-complete-as-dialed");
    const failure = failureOf(createOpenAiStt(sttOptions()).transcribe(audio, stop));
    await until(() => server.requests.length > before);
    const abortedAt = performance.now();
    stop.abort(new Error("nobody waits"));
    expect((await failure).message).toBe("nobody waits");
    await until(() => lastRequest().disconnectedAt !== undefined);
    expect(lastRequest().disconnectedAt! - abortedAt).toBeLessThan(100);
  });

  it("of the chat, when the speech of it is no longer read", async () => {
    const client = new OpenAI({ baseURL: server.url, apiKey: API_KEY });
    const completion = await client.chat.completions.create({
      model: "stand-in",
      messages: [{ role: "user", content: "Say something long. ".repeat(20) }],
      stream: true,
    });
    const frames = speak(createOpenAiTts(ttsOptions()), chatText(completion));
    await frames.next();
    const chat = server.requests.findLast(({ route }) => route === "chat")!;
    const closedAt = performance.now();
    await frames.return!();
    await until(() => chat.disconnectedAt !== undefined);
    expect(chat.disconnectedAt! - closedAt).toBeLessThan(100);
  });
});

describe("a failure says which model, which input, and what to do", () => {
  const say = (options: object = {}) =>
    failureOf(createOpenAiTts({ ...ttsOptions(), ...options }).tts("Good morning to you all."));

  it("a wrong key, which it does not repeat", async () => {
    const error = await say({ apiKey: "sk-wrong-key-1234" });
    expect(error).toMatchObject({ name: "ModelError", code: "MODEL", status: 401 });
    expect(error.message).toMatch(/openai flite alloy.*401.*Check apiKey.*"Good morning/s);
    expect(error.message).not.toContain("wrong-key");
  });

  it("a model that the server does not have", async () => {
    const error = await say({ model: "tts-9" });
    expect(error).toMatchObject({ name: "ModelError", status: 404 });
    expect(error.message).toMatch(/tts-9.*404.*Check the model's name/s);
  });

  it("a rate limit, with the time to wait; it is asked once", async () => {
    server.behave("speech", { status: 429, retryAfter: 7 });
    const before = server.requests.length;
    const error = await say();
    expect(error).toMatchObject({ name: "ModelError", status: 429, retryAfterMs: 7000 });
    expect(error.message).toContain("Try again in 7.0 s");
    expect(server.requests).toHaveLength(before + 1);
  });

  it("a server that fails", async () => {
    server.behave("speech", { status: 500 });
    expect(await say()).toMatchObject({ name: "ModelError", status: 500 });
  });

  it("a server that is silent for too long, whose request is closed", async () => {
    server.behave("speech", { delayMs: 5000 });
    const error = await say({ timeoutMs: 150 });
    expect(error).toMatchObject({ name: "TimeoutError", code: "TIMEOUT" });
    expect(error.message).toMatch(/openai flite alloy.*150 ms.*Good morning/);
    await until(() => lastRequest().disconnectedAt !== undefined);
  });

  it("a server that falls silent in mid-answer", async () => {
    server.behave("speech", { pieceDelayMs: 5000 });
    expect(await say({ timeoutMs: 300 })).toMatchObject({ name: "TimeoutError" });
  });

  it("a server that breaks off", async () => {
    server.behave("speech", { breakAfterPieces: 2 });
    expect((await say()).message).toMatch(/There is no answer from 127\.0\.0\.1/);
  });

  it("a server that is not there", async () => {
    const gone = await startSpeechServer();
    await gone.close();
    const error = await say({ baseURL: gone.url });
    expect(error).toMatchObject({ name: "ModelError", status: undefined });
    expect(error.message).toMatch(
      /no answer from 127\.0\.0\.1:.*ECONNREFUSED.*Check that the server/,
    );
  });

  it("a page instead of audio", async () => {
    server.behave("speech", { garbage: true });
    expect((await say()).message).toMatch(/text\/html.*neither raw PCM nor a WAV file/);
  });

  it("no audio at all", async () => {
    server.behave("speech", { empty: true });
    expect((await say()).message).toMatch(/made no audio of "Good morning/);
  });

  it("a page instead of a transcription", async () => {
    server.behave("transcriptions", { garbage: true });
    const { audio } = prompt("cannot-complete-as-dialed");
    const error = await failureOf(createOpenAiStt(sttOptions()).transcribe(audio));
    expect(error).toMatchObject({ name: "ModelError", code: "MODEL" });
    expect(error.message).toMatch(/openai pocketsphinx.*s of audio at 8000 Hz.*no transcription/);
  });

  it("and the next request works", async () => {
    const frame = await createOpenAiTts(ttsOptions()).tts("Good morning.");
    expect(frame.durationMs).toBeGreaterThan(300);
  });
});
