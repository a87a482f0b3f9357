/** The voice of simulated callers: sounds that detectors take for speech, without any recording. */

import { InvalidOptionError } from "../errors.ts";
import { AudioFrame } from "../media/audio-frame.ts";
import type { AudioInput } from "../media/audio-frame.ts";
import { speechLike } from "./synthetic-audio.ts";
import type { SpeechFixture } from "./speech.ts";

/**
 * What a caller can say: a text, which becomes a voice-like sound as long as people need for it; the
 * bytes of a WAV file; a recording; any audio.
 */
export type Utterable = string | Uint8Array | SpeechFixture | AudioInput;

/** English at 150 words a minute, a space counted with each word. */
const MS_PER_CHARACTER = 65;
const MIN_MS = 300;
/** Hz: what detectors listen to. */
const VOICE_RATE = 16_000;
/**
 * Voices that Silero hears from their first 100 ms to within 100 ms of their end, without a gap; one in
 * four is of that kind.
 */
const VOICE_SEEDS = [3, 8, 9, 13, 19, 20, 31, 32, 35, 42, 43, 54, 60, 64, 68, 75] as const;
/** As long as they have been tried. */
const MAX_PART_MS = 12_000;
const COUGH_VOICE = 0;
/** Below the loudest part by this much a sound has not begun, or has ended. */
const QUIET_DB = 35;
const STEP_MS = 5;

/** A sound to be said. */
export interface Saying {
  /** Mono. */
  readonly audio: AudioFrame;
  /** How it is called in a timeline. */
  readonly label: string;
  /** When its first sound is, in milliseconds from its start. */
  readonly onsetMs: number;
  /** When its last sound has ended, in milliseconds from its start. */
  readonly endMs: number;
}

/**
 * Turns what a caller says into sound.
 *
 * @throws {@link InvalidOptionError} for what is none of {@link Utterable}.
 */
export function toSaying(utterable: Utterable, sampleRate: number): Saying {
  if (typeof utterable === "string") return speakText(utterable, sampleRate);
  if (utterable instanceof Uint8Array) {
    return measure(AudioFrame.fromWav(utterable), "a WAV file", sampleRate);
  }
  if (isFixture(utterable)) {
    return measure(new AudioFrame(utterable), utterable.transcript ?? utterable.name, sampleRate);
  }
  return measure(AudioFrame.from(utterable), "audio", sampleRate);
}

/**
 * Makes a short voiced sound, which is no word: Silero hears 220 to 290 ms of speech in one of 300 ms.
 *
 * @throws {@link InvalidOptionError} for a length that is not above 0.
 */
export function cough(durationMs: number, sampleRate: number): Saying {
  return voice(durationMs, COUGH_VOICE, "(cough)", sampleRate);
}

function speakText(text: string, sampleRate: number): Saying {
  if (text.trim() === "") throw new InvalidOptionError("text", text, "Give words to say.");
  const durationMs = Math.max(MIN_MS, text.length * MS_PER_CHARACTER);
  return voice(durationMs, hash(text), text, sampleRate);
}

function voice(durationMs: number, choice: number, label: string, sampleRate: number): Saying {
  if (!(durationMs > 0 && durationMs < 600_000)) {
    throw new InvalidOptionError("durationMs", durationMs, "Give milliseconds above 0.");
  }
  const parts: AudioFrame[] = [];
  for (let at = 0; at < durationMs; at += MAX_PART_MS) {
    const seed = VOICE_SEEDS[(choice + parts.length) % VOICE_SEEDS.length] ?? 1;
    const samples = speechLike(VOICE_RATE, Math.min(MAX_PART_MS, durationMs - at), seed, false);
    parts.push(new AudioFrame({ samples, sampleRate: VOICE_RATE }));
  }
  // Made at one rate, so that it is the same sound at whatever rate.
  const audio = AudioFrame.concat(parts).resample(sampleRate);
  return { audio, label, onsetMs: 0, endMs: audio.durationMs };
}

function isFixture(utterable: SpeechFixture | AudioInput): utterable is SpeechFixture {
  return typeof utterable === "object" && "name" in utterable;
}

// A recording has silence at its ends; what counts as its speech is the sound between.
function measure(frame: AudioFrame, label: string, sampleRate: number): Saying {
  const audio = frame.toMono().resample(sampleRate);
  const step = Math.max(1, Math.round((sampleRate * STEP_MS) / 1000));
  const levels: number[] = [];
  for (let at = 0; at < audio.samples.length; at += step) {
    levels.push(
      audio.samples.subarray(at, at + step).reduce((most, x) => Math.max(most, Math.abs(x)), 0),
    );
  }
  const floor = levels.reduce((most, level) => Math.max(most, level), 1) * 10 ** (-QUIET_DB / 20);
  const first = levels.findIndex((level) => level > floor);
  const last = levels.findLastIndex((level) => level > floor);
  if (first < 0) throw new InvalidOptionError("audio", label, "Give audio with a sound in it.");
  const stepMs = (1000 * step) / sampleRate;
  return {
    audio,
    label,
    onsetMs: first * stepMs,
    endMs: Math.min(audio.durationMs, (last + 1) * stepMs),
  };
}

function hash(text: string): number {
  let value = 7;
  for (const character of text) value = (value * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003;
  return value;
}
