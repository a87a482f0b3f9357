/** Somebody who speaks to an application, whatever the way in. */

import type { AudioFrame } from "fastrtc";

/** What came out of a caller's loudspeaker in some 10 or 20 ms. */
export interface PlayedPiece {
  /** When, in milliseconds of the caller's clock. */
  readonly atMs: number;
  readonly durationMs: number;
  /** Root mean square, 0 to 1. */
  readonly level: number;
}

/** One caller in one session. */
export interface Caller {
  /**
   * Speaks in real time, into a microphone that is silent at other times.
   *
   * @returns when the first sound was spoken, in milliseconds of the caller's clock; resolves when all
   * has been said.
   */
  say(sound: AudioFrame): Promise<number>;
  /** What was played since a moment. Pauses may be left out. */
  played(sinceMs: number): Promise<readonly PlayedPiece[]>;
  /** The sound of {@link Caller.played}. */
  heard(sinceMs: number): Promise<AudioFrame>;
  /** How often it was told to drop what it had not played; undefined where no wire can tell that. */
  flushes(): Promise<number | undefined>;
  hangUp(): Promise<void>;
}

/** Louder than any codec's noise, softer than speech. */
const LOUD = 0.01;
const STEP_MS = 20;

/** Returns how much of what was played is sound, in milliseconds. */
function soundMs(pieces: readonly PlayedPiece[]): number {
  return pieces.reduce((sum, { level, durationMs }) => sum + (level > LOUD ? durationMs : 0), 0);
}

/**
 * Waits until so much sound was played since a moment.
 *
 * @throws Error when that takes more than 20 s.
 */
export async function untilHeard(caller: Caller, sinceMs: number, wantedMs: number): Promise<void> {
  const begin = performance.now();
  while (soundMs(await caller.played(sinceMs)) < wantedMs) {
    if (performance.now() - begin > 20_000) {
      const heardMs = soundMs(await caller.played(sinceMs));
      throw new Error(`${heardMs} ms were heard within 20 s, not ${wantedMs}.`);
    }
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}

/**
 * Finds the end of what is played: the last sound before a pause.
 *
 * @param pauseMs - How long a pause must be to be one.
 * @returns its moment, or undefined when there is no such pause yet.
 */
export function endOfSound(
  pieces: readonly PlayedPiece[],
  sinceMs: number,
  untilMs: number,
  pauseMs: number,
): number | undefined {
  let lastMs = sinceMs;
  for (const { atMs, level } of pieces) {
    if (level <= LOUD) continue;
    if (atMs - lastMs > pauseMs) return lastMs;
    lastMs = atMs;
  }
  return untilMs - lastMs > pauseMs ? lastMs : undefined;
}
