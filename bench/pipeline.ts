/**
 * When the first sound of an answer is there: spoken clause by clause while it is written, and whole.
 *
 *   npm run bench -- pipeline          a waterfall
 *   npm run bench -- pipeline --json   one JSON object
 *
 * A recorded sentence is recognised (pocketsphinx), a stand-in for a language model writes 20 words a
 * second, and flite speaks them: each behind OpenAI's HTTP interface, over loopback, in this process.
 * The other way waits for the last word and then speaks in the same manner, so that the model's time is
 * the only difference. Figures are medians, in milliseconds: `sttMs` from the end of speech, the others
 * from the moment at which the question is known.
 *
 * - `firstTokenMs`: the model's first word.
 * - `firstClauseMs`: the first clause is complete, and the voice is asked for it.
 * - `firstAudioMs`: its first audio.
 * - `answerMs`: the model's last word.
 * - `wholeAnswerFirstAudioMs`: the first audio of the other way, and `ratio`: how many times as long.
 */

import {
  AudioFrame,
  createOpenAiChat,
  createOpenAiStt,
  createOpenAiTts,
} from "../packages/fastrtc/src/openai.ts";
import { loadSpeech } from "../packages/fastrtc/src/testing/speech.ts";
import { startSpeechServer, type SpeechServer } from "../test/support/speech-server.ts";

const ROUNDS = 5;
const WORDS_PER_SECOND = 20;
const QUESTION = "cannot-complete-as-dialed";
const ANSWER =
  "If you ask me, it is going to rain in the afternoon. You had better take an umbrella with you, " +
  "and leave the house before four. The bus is late on most days, so do not hurry. When you are back, " +
  "call me, and tell me all about it.";

/** The moments of one answer, in milliseconds from its question. */
interface Answer {
  readonly firstTokenMs: number;
  readonly firstClauseMs: number;
  readonly firstAudioMs: number;
  readonly answerMs: number;
}

const server = await startSpeechServer({ wordsPerSecond: WORDS_PER_SECOND, reply: () => ANSWER });
const at = { baseURL: server.url, apiKey: "none" };
const stt = createOpenAiStt({ ...at, model: "pocketsphinx" });
const chat = createOpenAiChat({ ...at, model: "stand-in" });
const tts = createOpenAiTts({ ...at, model: "flite" });

// What is loaded at the first use is not the pipeline's time.
await answer("streamed");
const stts: number[] = [];
const streamed: Answer[] = [];
const whole: Answer[] = [];
for (let round = 0; round < ROUNDS; round++) {
  stts.push(await recognition());
  streamed.push(await answer("streamed"));
  whole.push(await answer("whole"));
}
await server.close();

const ms = (answers: readonly Answer[], moment: keyof Answer): number =>
  median(answers.map((each) => each[moment]));
const result = {
  sttMs: median(stts),
  firstTokenMs: ms(streamed, "firstTokenMs"),
  firstClauseMs: ms(streamed, "firstClauseMs"),
  firstAudioMs: ms(streamed, "firstAudioMs"),
  answerMs: ms(streamed, "answerMs"),
  wholeAnswerFirstAudioMs: ms(whole, "firstAudioMs"),
  ratio: Math.round((10 * ms(whole, "firstAudioMs")) / ms(streamed, "firstAudioMs")) / 10,
  wordsPerSecond: WORDS_PER_SECOND,
  answerWords: ANSWER.split(" ").length,
  rounds: ROUNDS,
};
if (process.argv.includes("--json")) console.log(JSON.stringify(result));
else printWaterfall();

async function recognition(): Promise<number> {
  const begin = performance.now();
  await stt.transcribe(new AudioFrame(loadSpeech(QUESTION)));
  return performance.now() - begin;
}

async function answer(way: "streamed" | "whole"): Promise<Answer> {
  const asked = performance.now();
  const times = { firstTokenMs: NaN, answerMs: NaN };
  const written = writing(asked, times);
  const text = way === "streamed" ? written : await all(written);
  const frames = tts.stream(text)[Symbol.asyncIterator]();
  await frames.next();
  const firstAudioMs = performance.now() - asked;
  while ((await frames.next()).done !== true);
  return { ...times, firstClauseMs: firstSpeechRequest(server, asked) - asked, firstAudioMs };
}

async function* writing(
  asked: number,
  times: { firstTokenMs: number; answerMs: number },
): AsyncGenerator<string, void, undefined> {
  for await (const piece of chat.stream([{ role: "user", content: "What is the weather like?" }])) {
    times.answerMs = performance.now() - asked;
    if (Number.isNaN(times.firstTokenMs)) times.firstTokenMs = times.answerMs;
    yield piece;
  }
}

async function all(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

function firstSpeechRequest({ requests }: SpeechServer, since: number): number {
  const first = requests.find(({ route, startedAt }) => route === "speech" && startedAt >= since);
  return first?.startedAt ?? NaN;
}

function median(values: readonly number[]): number {
  return Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN);
}

function printWaterfall(): void {
  const { firstTokenMs, firstClauseMs, firstAudioMs, answerMs, wholeAnswerFirstAudioMs } = result;
  const bars: [string, from: number, to: number][] = [
    ["recognition", -result.sttMs, 0],
    ["first word", 0, firstTokenMs],
    ["first clause", firstTokenMs, firstClauseMs],
    ["first audio", firstClauseMs, firstAudioMs],
    ["answer written", 0, answerMs],
    ["first audio, whole answer first", 0, wholeAnswerFirstAudioMs],
  ];
  const begin = -result.sttMs;
  const width = 60 / (wholeAnswerFirstAudioMs - begin);
  console.log("Milliseconds from the moment at which the question is known.\n");
  for (const [name, from, to] of bars) {
    const left = Math.round((from - begin) * width);
    const length = Math.max(1, Math.round((to - from) * width));
    const bar = (" ".repeat(left) + "█".repeat(length)).padEnd(62);
    console.log(`${name.padEnd(32)}${bar}${String(to - from).padStart(6)} ms, at ${to}`);
  }
  console.log(
    `\nThe first sound comes after ${firstAudioMs} ms, instead of ${wholeAnswerFirstAudioMs}: ${result.ratio} times as early.`,
  );
}
