/** Conversations with a real browser, judged by the sound that it receives. */

import { ReplyOnPause, silentLogger, Stream, type AudioFrame, type HandlerOutput } from "fastrtc";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launchChromium, type TestBrowser } from "./browser/launch-chromium.ts";
import { SpeakingPage, type MeteredPiece } from "./browser/speaking-page.ts";
import { startApp, type AppServer } from "./support/app-server.ts";
import { spokenSentences } from "./support/spoken-sentences.ts";
import { tone } from "./support/tone.ts";

const sentences = spokenSentences(4);
const TONE_HZ = 600;
/** A tone has 0.35; this is 25 dB less. */
const AUDIBLE = 0.02;

type Reply = () => Iterable<HandlerOutput> | AsyncIterable<HandlerOutput>;

let chromium: TestBrowser;
let stream: Stream;
let app: AppServer;
let speaker: SpeakingPage;
let reply: Reply;

beforeAll(async () => {
  chromium = await launchChromium();
});
beforeEach(async () => {
  stream = new Stream({
    handler: new ReplyOnPause(() => reply()),
    modality: "audio",
    logger: silentLogger,
  });
  app = await startApp(stream);
  speaker = await SpeakingPage.connect(await chromium.newPage(), app.url);
  await pause(500);
});
afterEach(async () => {
  for (const context of chromium.browser.contexts()) await context.close();
  await stream.close();
  await app.close();
});
afterAll(() => chromium.close());

const pause = (durationMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, durationMs));

const replyOf = (durationMs: number): Reply =>
  function* () {
    yield tone(TONE_HZ, durationMs);
  };

const audible = (pieces: readonly MeteredPiece[]): MeteredPiece[] =>
  pieces.filter(({ level }) => level > AUDIBLE);

const lengthMs = (pieces: readonly MeteredPiece[]): number =>
  pieces.reduce((sum, { durationMs }) => sum + durationMs, 0);

/** Whether something was heard, and then nothing for as long as said. */
function isOver(pieces: readonly MeteredPiece[], silenceMs: number): boolean {
  const last = pieces.findLastIndex(({ level }) => level > AUDIBLE);
  return last >= 0 && lengthMs(pieces.slice(last + 1)) >= silenceMs;
}

/** The nearest rank. */
function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1]!;
}

function report(name: string, values: readonly number[]): void {
  const [p50, p95] = [percentile(values, 0.5), percentile(values, 0.95)].map(Math.round);
  console.info(`${name}: p50 ${p50} ms, p95 ${p95} ms (n = ${values.length})`);
}

/** Says something, waits for the reply to it, and returns how long that took, in milliseconds. */
async function replyDelay(said: AudioFrame): Promise<number> {
  const { endMs } = await speaker.speak(said);
  const pieces = await speaker.receivedWhen(endMs, (heard) => audible(heard).length > 0);
  return audible(pieces)[0]!.atMs - endMs;
}

const replyIsOver = async (sinceMs: number, silenceMs = 300): Promise<MeteredPiece[]> =>
  audible(await speaker.receivedWhen(sinceMs, (heard) => isOver(heard, silenceMs)));

describe("a reply", () => {
  // 735 ms on an idle machine; a busy one adds to the network's and the browser's share.
  it("is heard at most 800 ms after the end of speech, half of the time", async () => {
    reply = replyOf(1000);
    const delays: number[] = [];
    for (let turn = 0; turn < 12; turn++) {
      const since = await speaker.now();
      delays.push(await replyDelay(sentences[turn % sentences.length]!));
      await replyIsOver(since);
    }
    report("end of speech to reply", delays);
    // Less than that would be a reply to half a sentence.
    expect(Math.min(...delays)).toBeGreaterThan(300);
    expect(percentile(delays, 0.5)).toBeLessThanOrEqual(800);
  }, 120_000);

  it("is silent at most 300 ms after the first sound of speech over it, half of the time", async () => {
    reply = replyOf(5000);
    const delays: number[] = [];
    await replyDelay(sentences[0]!);
    for (let turn = 1; turn <= 12; turn++) {
      await pause(1000);
      // What interrupts is the next turn; its reply is what is interrupted next.
      const { startMs, endMs } = await speaker.speak(sentences[turn % sentences.length]!);
      await speaker.receivedWhen(endMs, (heard) => audible(heard).length > 0);
      const over = audible(await speaker.received(startMs)).filter(({ atMs }) => atMs < endMs);
      delays.push(over.at(-1)!.atMs - startMs);
    }
    report("first sound of an interruption to silence", delays);
    // The goal is 300 ms for the 95th percentile on an idle machine. Of a dozen that is the slowest one,
    // and a machine that does other things too may delay it.
    expect(percentile(delays, 0.5)).toBeLessThanOrEqual(300);
    expect(percentile(delays, 0.95)).toBeLessThanOrEqual(450);
  }, 120_000);

  it("is heard whole in spite of coughs", async () => {
    reply = replyOf(3000);
    const coughs = sentences.map((sentence) => sentence.slice(0, 220));
    const silences: number[] = [];
    for (const cough of coughs) {
      const { endMs } = await speaker.speak(sentences[0]!);
      await speaker.receivedWhen(endMs, (heard) => lengthMs(audible(heard)) > 1000);
      await speaker.speak(cough);
      const heard = await replyIsOver(endMs, 1500);
      expect(lengthMs(heard)).toBeGreaterThan(2700);
      expect(lengthMs(heard)).toBeLessThan(3300);
      silences.push(Math.max(...heard.slice(1).map(({ atMs }, i) => atMs - heard[i]!.atMs)));
    }
    report("silence for a cough", silences);
    // Otherwise the coughs were too short to disturb anything.
    expect(Math.max(...silences)).toBeGreaterThan(300);
    expect(Math.max(...silences)).toBeLessThan(1500);
  }, 120_000);

  it("does not wait for the generator before it, which is interrupted while it waits", async () => {
    const ordinary: number[] = [];
    const afterBlocked: number[] = [];
    const said = sentences[0]!;
    for (let round = 0; round < 6; round++) {
      let since = await speaker.now();
      let isBlocked = false;
      reply = async function* () {
        yield tone(TONE_HZ, 400);
        isBlocked = true;
        await pause(10_000);
        isBlocked = false;
      };
      await replyDelay(said);
      await replyIsOver(since);
      expect(isBlocked).toBe(true);

      reply = replyOf(600);
      since = await speaker.now();
      afterBlocked.push(await replyDelay(said));
      expect(isBlocked).toBe(true);
      await replyIsOver(since);

      since = await speaker.now();
      ordinary.push(await replyDelay(said));
      await replyIsOver(since);
    }
    report("end of speech to reply, ordinary", ordinary);
    report("end of speech to reply, after a blocked generator", afterBlocked);
    const differenceMs = percentile(afterBlocked, 0.5) - percentile(ordinary, 0.5);
    expect(differenceMs).toBeLessThanOrEqual(50);
  }, 150_000);
});
