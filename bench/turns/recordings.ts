/**
 * The machine's recordings of speech as pieces to build turns from: trimmed to their sound, at 16 kHz,
 * without any pause of their own that could be taken for one in mid-turn.
 */

import { AudioFrame } from "../../packages/fastrtc/src/media/audio-frame.ts";
import { listSpeech, loadSpeech } from "../../packages/fastrtc/src/testing/speech.ts";

/** Hz of everything in this bench. */
export const SAMPLE_RATE = 16_000;

const STEP_MS = 10;
/** Below the loudest step by this much it is silence: also the end of a fading word is above. */
const QUIET_DB = 35;
const MAX_OWN_PAUSE_MS = 150;
const MAX_PHRASE_MS = 3500;

/** A piece of speech whose first and last samples are its first and last sound. */
export interface Recording {
  readonly name: string;
  readonly samples: Int16Array;
}

/** All pieces, sorted by name. */
export interface Recordings {
  /** One word each: "yes", "seven", "goodbye". */
  readonly words: readonly Recording[];
  /** Several words each. */
  readonly phrases: readonly Recording[];
}

/** Reads the machine's recordings. */
export function readRecordings(): Recordings {
  const words: Recording[] = [];
  const phrases: Recording[] = [];
  for (const name of listSpeech()) {
    const { samples, sampleRate, transcript } = loadSpeech(name);
    const count = transcript?.match(/[\p{L}\p{N}'-]+/gu)?.length ?? 0;
    // "<beep ascending>"
    if (count === 0 || transcript?.startsWith("<")) continue;
    const frame = trim(new AudioFrame({ samples, sampleRate }));
    if (!frame || frame.durationMs > MAX_PHRASE_MS) continue;
    const recording = { name, samples: frame.resample(SAMPLE_RATE).samples };
    (count === 1 ? words : phrases).push(recording);
  }
  return { words, phrases };
}

// Undefined where there is nothing, or a pause.
function trim(frame: AudioFrame): AudioFrame | undefined {
  const levels = measureLevels(frame);
  const loudest = Math.max(...levels);
  const isLoud = levels.map((level) => level > loudest - QUIET_DB);
  const first = isLoud.indexOf(true);
  const last = isLoud.lastIndexOf(true);
  let pauseMs = 0;
  for (let i = first; i <= last; i++) {
    pauseMs = isLoud[i] ? 0 : pauseMs + STEP_MS;
    if (pauseMs > MAX_OWN_PAUSE_MS) return undefined;
  }
  return first < 0 ? undefined : frame.slice(first * STEP_MS, (last + 1) * STEP_MS);
}

function measureLevels(frame: AudioFrame): number[] {
  const step = (frame.sampleRate * STEP_MS) / 1000;
  const levels: number[] = [];
  for (let at = 0; at + step <= frame.sampleCount; at += step) {
    const power = frame.samples.subarray(at, at + step).reduce((sum, x) => sum + x * x, 0) / step;
    levels.push(10 * Math.log10(power + 1));
  }
  return levels;
}
