/**
 * Recorded sentences for tests: in goes the machine's collection of speech, out come those that are
 * short and have no pause at which a turn would end. Whatever the collection, the choice is the same
 * each time.
 */

import { AudioFrame } from "fastrtc";
import { listSpeech, loadSpeech } from "fastrtc/testing";

/** WebRTC's own rate, in Hz. */
const SAMPLE_RATE = 48_000;
const MIN_LENGTH_MS = 1600;
const MAX_LENGTH_MS = 2600;
/** The silence that ends a turn is 600 ms; this leaves room for what transport and codecs do. */
const MAX_PAUSE_MS = 250;
const STEP_MS = 20;
/** Below this share of the loudest step it is a pause. */
const QUIET = 0.03;

/**
 * Returns different sentences, at 48 kHz.
 *
 * @param count - How many.
 * @throws Error when the collection has fewer.
 */
export function spokenSentences(count: number): AudioFrame[] {
  const sentences: AudioFrame[] = [];
  for (const name of listSpeech()) {
    if (sentences.length === count) break;
    const { samples, sampleRate } = loadSpeech(name);
    const frame = trimmed(new AudioFrame({ samples, sampleRate }));
    if (frame.durationMs < MIN_LENGTH_MS || frame.durationMs > MAX_LENGTH_MS) continue;
    if (longestPauseMs(frame) > MAX_PAUSE_MS) continue;
    sentences.push(frame.resample(SAMPLE_RATE));
  }
  if (sentences.length === count) return sentences;
  throw new Error(`Only ${sentences.length} recordings are short sentences; ${count} are needed.`);
}

/** Puts silence around a sound. */
export function withSilence(frame: AudioFrame, beforeMs: number, afterMs: number): AudioFrame {
  const { sampleRate } = frame;
  return AudioFrame.concat([
    AudioFrame.silence(beforeMs, sampleRate),
    frame,
    AudioFrame.silence(afterMs, sampleRate),
  ]);
}

/** Takes away the silence around a sound. */
function trimmed(frame: AudioFrame): AudioFrame {
  const loud = loudSteps(frame);
  const first = loud.indexOf(true);
  return frame.slice(first * STEP_MS, (loud.lastIndexOf(true) + 1) * STEP_MS);
}

function longestPauseMs(frame: AudioFrame): number {
  let longest = 0;
  let pause = 0;
  for (const isLoud of loudSteps(frame)) {
    pause = isLoud ? 0 : pause + STEP_MS;
    longest = Math.max(longest, pause);
  }
  return longest;
}

function loudSteps(frame: AudioFrame): boolean[] {
  const step = (frame.sampleRate * STEP_MS) / 1000;
  const levels: number[] = [];
  for (let at = 0; at + step <= frame.sampleCount; at += step) {
    const energy = frame.samples
      .subarray(at, at + step)
      .reduce((sum, value) => sum + value ** 2, 0);
    levels.push(Math.sqrt(energy / step));
  }
  const loudest = Math.max(...levels);
  return levels.map((level) => level > QUIET * loudest);
}
