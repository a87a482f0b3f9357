/**
 * The contract of speech synthesis: words in, audio out that knows which words it speaks.
 *
 * Reply functions call it; every model in this folder fulfils it, and yours may.
 */

import type { AudioFrame } from "../media/audio-frame.ts";

/** How one synthesis ends early. */
export interface SpeechCall {
  /**
   * Stops the synthesis: requests close, what is not yet spoken is dropped.
   *
   * @defaultValue within a reply the reply's own signal, which aborts when the user interrupts; else
   * none
   */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Turns words into speech. One voice may serve all sessions of a process.
 *
 * The frames that begin a clause carry it as `text`, with the space that follows it, so that the
 * session can tell what of a reply was heard.
 */
export interface TextToSpeech {
  /**
   * Speaks a text whole, in one request, and resolves with all of its audio.
   *
   * Rejects with the signal's reason once it has aborted, and with any other error when synthesis
   * fails.
   */
  tts(text: string, call?: SpeechCall): Promise<AudioFrame>;

  /**
   * Speaks a text clause by clause, so that the first sound comes early; the text may still be
   * written while it is spoken. Text without a word in it gives no audio.
   *
   * The iterator throws the signal's reason once it has aborted, and closes the text's iterator.
   *
   * @param text - All of it, or its pieces as a language model writes them.
   */
  stream(text: string | AsyncIterable<string>, call?: SpeechCall): AsyncIterable<AudioFrame>;

  /**
   * Speaks one clause as it is, in frames as they are made, where the model can do more than
   * {@link TextToSpeech.tts}.
   */
  synthesize?(clause: string, call?: SpeechCall): AsyncIterable<AudioFrame>;
}

/** A voice of ours. */
export interface TextToSpeechModel extends TextToSpeech {
  /** Which model it is, as its errors say; such as `openai tts-1`. */
  readonly model: string;
}
