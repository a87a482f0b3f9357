/** The contract of speech recognition: audio in, words out. */

import type { AudioFrame } from "../media/audio-frame.ts";

/** One word of a {@link Transcript}, and where in the audio it was said. */
export interface TranscriptWord {
  /** The word as it was recognised. */
  readonly text: string;
  /** Where it begins, in milliseconds from the audio's begin. */
  readonly startMs: number;
  /** Where it ends, in milliseconds from the audio's begin. */
  readonly endMs: number;
}

/** What was said in a piece of audio. */
export interface Transcript {
  /** The words, as one would write them; empty where nothing was said. */
  readonly text: string;
  /** The words one by one, where the recognizer knows when each was said. */
  readonly words?: readonly TranscriptWord[];
}

/** How one recognition ends early. */
export interface TranscribeCall {
  /** Aborts when nobody waits for the words any more. Pass it to `fetch`. */
  readonly signal: AbortSignal;
}

/**
 * Turns speech into words. One recognizer may serve all sessions of a process.
 *
 * @example
 * ```ts
 * const speechToText: SpeechToText = {
 *   async transcribe(audio, { signal }) {
 *     const body = new FormData();
 *     body.set("file", new Blob([new Uint8Array(audio.toWav())]), "speech.wav");
 *     body.set("model", "whisper-1");
 *     const response = await fetch(url, { method: "POST", headers, body, signal });
 *     return (await response.json()) as { text: string };
 *   },
 * };
 * ```
 */
export interface SpeechToText {
  /**
   * Recognises what is said in a piece of audio; the piece may begin or end within a word.
   *
   * Rejects with `signal.reason` once the signal has aborted, and with any other error when
   * recognition fails.
   *
   * @param audio - Any rate, mono or stereo: convert it with `resample()` and `toMono()`.
   */
  transcribe(audio: AudioFrame, call: TranscribeCall): Promise<Transcript>;
}
