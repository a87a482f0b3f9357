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

/** What was said so far in audio that is still coming. */
export interface PartialTranscript extends Transcript {
  /**
   * Whether these words stay as they are. Until then each result takes the place of the one before;
   * after a final one, the next result begins a new stretch of speech.
   */
  readonly isFinal: boolean;
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

  /**
   * Recognises audio while it comes, where the model can.
   *
   * Ends when the audio has ended and its last words are final; leaving the loop, and the signal,
   * close the audio's iterator too.
   *
   * @param audio - Frames of one rate and one layout, one after the other.
   */
  stream?(audio: AsyncIterable<AudioFrame>, call: TranscribeCall): AsyncIterable<PartialTranscript>;
}

/** A recognizer of ours: the call may be left out, and then ends with the reply that runs. */
export interface SpeechToTextModel extends SpeechToText {
  /** Which model it is, as its errors say; such as `openai whisper-1`. */
  readonly model: string;
  transcribe(audio: AudioFrame, call?: Partial<TranscribeCall>): Promise<Transcript>;
  stream?(
    audio: AsyncIterable<AudioFrame>,
    call?: Partial<TranscribeCall>,
  ): AsyncIterable<PartialTranscript>;
}
