/**
 * What one speaker says: turns made of recordings, with pauses in mid-turn, and as much silence between
 * turns as any of the compared algorithms needs to answer. The truth of where speech is is known.
 */

import { SAMPLE_RATE } from "./recordings.ts";
import type { Recording, Recordings } from "./recordings.ts";
import { SeededRandom } from "./seeded-random.ts";

const SAMPLES_PER_MS = SAMPLE_RATE / 1000;
const TURNS_PER_SESSION = 30;
const ONE_WORD_SHARE = 0.2;
// Population A: log-normal pauses, speakers whose medians differ.
const MEAN_PAUSES = 1.2;
const MEDIAN_PAUSE_MS = 400;
const BETWEEN_SPEAKERS = 0.35;
const WITHIN_SPEAKER = 0.65;
const MAX_PAUSE_MS = 10_000;
/** The longest wait of any algorithm here (2 s), the reply's latency and the reply. */
const AFTER_TURN_MS = 4000;
const BEFORE_TURN_MS = 500;

/** A silence between two pieces of one turn, in milliseconds of the session's time. */
export interface Pause {
  readonly startMs: number;
  readonly endMs: number;
}

/** One turn as it was made. */
export interface ScriptedTurn {
  /** The first sample of its first word. */
  readonly startMs: number;
  /** The end of the first piece: no algorithm can have decided before. */
  readonly firstWordEndMs: number;
  /** The last sample of its last word. */
  readonly endMs: number;
  readonly pauses: readonly Pause[];
  readonly isOneWord: boolean;
  readonly names: readonly string[];
}

/** One speaker's audio. */
export interface ScriptedSession {
  readonly samples: Float32Array;
  readonly turns: readonly ScriptedTurn[];
  /** Decibels relative to full scale; undefined where it is silent. */
  readonly noiseDb: number | undefined;
}

/**
 * Makes a session.
 *
 * @param seed - Another one is another speaker, who says other things.
 * @param noiseDb - Of the noise, relative to full scale.
 */
export function scriptSession(
  recordings: Recordings,
  seed: number,
  noiseDb: number | undefined,
): ScriptedSession {
  const random = new SeededRandom(seed);
  const medianMs = MEDIAN_PAUSE_MS * Math.exp(random.normal(0, BETWEEN_SPEAKERS));
  const turns: ScriptedTurn[] = [];
  const placed: { readonly at: number; readonly recording: Recording }[] = [];
  let at = 0;
  const wait = (ms: number): void => void (at += Math.round(ms * SAMPLES_PER_MS));
  for (let i = 0; i < TURNS_PER_SESSION; i++) {
    wait(BEFORE_TURN_MS + 1000 * random.next());
    const isOneWord = random.next() < ONE_WORD_SHARE;
    const pieceCount = isOneWord ? 1 : 1 + random.poisson(MEAN_PAUSES);
    const start = at;
    const pauses: Pause[] = [];
    const names: string[] = [];
    let firstEnd = at;
    for (let piece = 0; piece < pieceCount; piece++) {
      if (piece > 0) {
        const pauseMs = Math.min(
          MAX_PAUSE_MS,
          medianMs * Math.exp(random.normal(0, WITHIN_SPEAKER)),
        );
        const startMs = at / SAMPLES_PER_MS;
        wait(pauseMs);
        pauses.push({ startMs, endMs: at / SAMPLES_PER_MS });
      }
      const recording = random.pick(isOneWord ? recordings.words : recordings.phrases);
      names.push(recording.name);
      placed.push({ at, recording });
      at += recording.samples.length;
      if (piece === 0) firstEnd = at;
    }
    turns.push({
      startMs: start / SAMPLES_PER_MS,
      firstWordEndMs: firstEnd / SAMPLES_PER_MS,
      endMs: at / SAMPLES_PER_MS,
      pauses,
      isOneWord,
      names,
    });
    wait(AFTER_TURN_MS);
  }
  const samples = noiseDb === undefined ? new Float32Array(at) : makeNoise(at, noiseDb, random);
  for (const { at: start, recording } of placed) {
    recording.samples.forEach((sample, i) => {
      samples[start + i] = (samples[start + i] ?? 0) + sample / 32_768;
    });
  }
  return { samples, turns, noiseDb };
}

/** Noise that falls by about 3 dB an octave, as that of rooms does. */
function makeNoise(length: number, levelDb: number, random: SeededRandom): Float32Array {
  const noise = new Float32Array(length);
  // Three one-pole filters an octave or two apart: Paul Kellet's economy approximation of pink noise.
  let [slow, middle, fast] = [0, 0, 0];
  let power = 0;
  for (let i = 0; i < length; i++) {
    const white = 2 * random.next() - 1;
    slow = 0.99765 * slow + white * 0.099046;
    middle = 0.963 * middle + white * 0.2965164;
    fast = 0.57 * fast + white * 1.0526913;
    const value = slow + middle + fast + white * 0.1848;
    noise[i] = value;
    power += value * value;
  }
  const scale = 10 ** (levelDb / 20) / Math.sqrt(power / length);
  return noise.map((value) => value * scale);
}
