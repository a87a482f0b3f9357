/**
 * Stands between a recognizer and a session's turn-taking, and lets only those words through that a
 * stop word has opened the way for. Everything else was not said to us, and counts as no words.
 *
 * `ReplyOnStopWords` owns one per session, which calls it at each pause in the user's speech.
 */

import { TimeoutError } from "../errors.ts";
import type { AudioFrame } from "../media/audio-frame.ts";
import type { Clock } from "../media/clock.ts";
import type { SpeechToText, TranscribeCall, Transcript } from "../models/speech-to-text.ts";
import type { StopWordMatcher } from "./stop-words.ts";

/** Longest audio, in milliseconds, that is searched for a stop word at once: the last part of it. */
const MAX_SEARCH_MS = 30_000;
const NO_WORDS: Transcript = { text: "" };

/** What a {@link StopWordGate} works with. */
export interface StopWordGateOptions {
  readonly speechToText: SpeechToText;
  readonly matcher: StopWordMatcher;
  /** Milliseconds after which one recognition is given up. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Whether what is being said must not have an effect. */
  readonly isDeaf: () => boolean;
  /** Called once each time that a stop word opens the way. */
  readonly onStopWord: () => void;
}

/**
 * How far a session is on its way to an answer.
 *
 * - `asleep`: no stop word yet.
 * - `called`: a stop word, and nothing after it: what comes next is meant for us.
 * - `asked`: something to answer.
 */
export type StopWordState = "asleep" | "called" | "asked";

/** A recognizer that hears nothing until it hears a stop word. */
export class StopWordGate implements SpeechToText {
  readonly #options: StopWordGateOptions;
  #state: StopWordState = "asleep";
  // The pieces of the running turn before the stop word.
  #passedMs = 0;
  #last: { readonly text: string; readonly durationMs: number } | undefined;

  constructor(options: StopWordGateOptions) {
    this.#options = options;
  }

  /** How far the session is. */
  get state(): StopWordState {
    return this.#state;
  }

  /** Where in the running turn's audio the piece begins that has the stop word, in milliseconds. */
  get startMs(): number {
    return this.#passedMs;
  }

  /** A turn begins, and its audio with it. */
  beginTurn(): void {
    this.#passedMs = 0;
    this.#last = undefined;
  }

  /** Lets everything through, as after a stop word. */
  open(): void {
    this.#state = "asked";
  }

  /** The answer has begun: the next one needs a stop word again. */
  close(): void {
    this.#state = "asleep";
    this.#last = undefined;
  }

  /** Recognises the next piece of what is said; returns no words unless they are meant for us. */
  async transcribe(audio: AudioFrame, { signal }: TranscribeCall): Promise<Transcript> {
    if (this.#options.isDeaf()) {
      this.#pass(audio.durationMs, undefined);
      return NO_WORDS;
    }
    const isAsleep = this.#state === "asleep";
    const heard = isAsleep ? audio.slice(audio.durationMs - MAX_SEARCH_MS) : audio;
    let transcript: Transcript;
    try {
      transcript = await this.#recognise(heard, signal);
    } catch (error) {
      if (this.#state === "asleep") this.#pass(audio.durationMs, undefined);
      throw error;
    }
    if (this.#state === "asleep") return this.#search(transcript.text.trim(), audio.durationMs);
    if (transcript.text.trim() !== "") this.#state = "asked";
    return transcript;
  }

  #search(text: string, durationMs: number): Transcript {
    const { matcher, onStopWord } = this.#options;
    const last = this.#last;
    let match = matcher.find(text);
    if (!match && last && text !== "") {
      // A pause within "hey … computer" must not hide it.
      match = matcher.find(`${last.text} ${text}`);
      if (match) this.#passedMs -= last.durationMs;
    }
    if (!match) {
      this.#pass(durationMs, text);
      return NO_WORDS;
    }
    this.#last = undefined;
    this.#state = match.after === "" ? "called" : "asked";
    onStopWord();
    // The phrase itself, where nothing follows: it must stop a reply that is playing.
    return { text: match.after === "" ? match.phrase : match.after };
  }

  #pass(durationMs: number, text: string | undefined): void {
    this.#passedMs += durationMs;
    this.#last = text === undefined ? undefined : { text, durationMs };
  }

  // A recognizer that ignores its signal is not waited for either.
  #recognise(audio: AudioFrame, signal: AbortSignal): Promise<Transcript> {
    const { speechToText, clock, timeoutMs } = this.#options;
    const controller = new AbortController();
    return new Promise<Transcript>((resolve, reject) => {
      const giveUp = (reason: Error): void => {
        controller.abort(reason);
        reject(reason);
      };
      const onAbort = (): void => giveUp(signal.reason as Error);
      const timer = clock.setTimeout(() => giveUp(tooSlow(timeoutMs)), timeoutMs);
      const settle = (): void => {
        timer.cancel();
        signal.removeEventListener("abort", onAbort);
      };
      controller.signal.addEventListener("abort", settle, { once: true });
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) {
        onAbort();
        return;
      }
      // Within a promise, for one that throws instead of rejecting.
      Promise.resolve()
        .then(() => speechToText.transcribe(audio, { signal: controller.signal }))
        .finally(settle)
        .then(resolve, reject);
    });
  }
}

function tooSlow(timeoutMs: number): TimeoutError {
  return new TimeoutError(
    `The recognizer had no answer after ${timeoutMs} ms; what was said then is not searched for stop words. Use a faster one, or raise recognitionTimeoutMs.`,
  );
}
