/**
 * Recognises English speech with Debian's pocketsphinx: audio in, the words it heard out. A small old
 * recognizer, which hears about two words in three right, offline.
 */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { AudioFrame } from "fastrtc";
import type { Transcript, TranscriptWord } from "fastrtc";

const MODEL = "/usr/share/pocketsphinx/model/en-us";
const SAMPLE_RATE = 16_000;
const MS_PER_FRAME = 10;

const run = promisify(execFile);

/**
 * Recognises an utterance.
 *
 * @throws Error when pocketsphinx is not installed, saying how to; and the signal's reason.
 */
export async function recognize(audio: AudioFrame, signal?: AbortSignal): Promise<Transcript> {
  const directory = await mkdtemp(join(tmpdir(), "fastrtc-pocketsphinx-"));
  try {
    // With a little silence around it: the recognizer needs some to begin and to end in.
    const silence = AudioFrame.silence(200, SAMPLE_RATE);
    const speech = AudioFrame.concat([silence, audio.toMono().resample(SAMPLE_RATE), silence]);
    await writeFile(join(directory, "speech.raw"), speech.toBytes());
    await writeFile(join(directory, "list"), "speech\n");
    const words = join(directory, "words");
    // The batch program, because the one that listens along takes its idea of the channel from the
    // utterances before, of which there are none.
    const options = {
      adcin: "yes",
      cepdir: directory,
      cepext: ".raw",
      adchdr: "0",
      ctl: join(directory, "list"),
      hypseg: words,
      hmm: join(MODEL, "en-us"),
      lm: join(MODEL, "en-us.lm.bin"),
      dict: join(MODEL, "cmudict-en-us.dict"),
      logfn: "/dev/null",
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`-${name}`, value]);
    await run("pocketsphinx_batch", args, signal ? { signal } : {});
    return toTranscript(await readFile(words, "utf8"));
  } catch (error) {
    signal?.throwIfAborted();
    if ((error as { code?: unknown }).code !== "ENOENT") throw error;
    throw new Error(
      "pocketsphinx is not installed: apt-get install pocketsphinx pocketsphinx-en-us",
      { cause: error },
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

// One line: "speech S 0 T -123 A -123 L -1", then start, two scores and the word, of each word, and at
// last the number of frames.
function toTranscript(line: string): Transcript {
  const fields = line.trim().split(/\s+/).slice(9);
  const words: TranscriptWord[] = [];
  for (let at = 0; at + 3 < fields.length; at += 4) {
    const text = (fields[at + 3] ?? "").replace(/\(\d+\)$/, "");
    if (/^(<.*>|\[.*\])$/.test(text)) continue;
    const startMs = Number(fields[at]) * MS_PER_FRAME;
    words.push({ text, startMs, endMs: Number(fields[at + 4]) * MS_PER_FRAME });
  }
  return { text: words.map(({ text }) => text).join(" "), words };
}

/** Returns the share of the wanted words that were not heard, or heard wrongly; 0 is perfect. */
export function wordErrorRate(wanted: string, heard: string): number {
  const words = (text: string): string[] =>
    text
      .toLowerCase()
      .replaceAll(/[^a-z0-9' ]+/g, " ")
      .split(" ")
      .filter(Boolean);
  const [from, to] = [words(wanted), words(heard)];
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, word] of from.entries()) {
    const row = [i + 1];
    for (const [j, other] of to.entries()) {
      const replaced = previous[j]! + (word === other ? 0 : 1);
      row.push(Math.min(replaced, previous[j + 1]! + 1, row[j]! + 1));
    }
    previous = row;
  }
  return previous[to.length]! / Math.max(1, from.length);
}
