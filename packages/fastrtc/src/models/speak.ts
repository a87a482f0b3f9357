/**
 * Speaks a text while it is being written: the words of a language model in, audio out.
 *
 * Each clause is made while the one before it plays. An interruption stops the text, the requests
 * and the audio at once.
 */

import type { AudioFrame } from "../media/audio-frame.ts";
import { systemClock } from "../media/clock.ts";
import type { Clock, Timer } from "../media/clock.ts";
import { abandon } from "./abortable.ts";
import { ClauseSpeech } from "./clause-speech.ts";
import { signalOf } from "./default-signal.ts";
import { isSpeakable } from "./model-input.ts";
import { SentenceSplitter } from "./sentence-splitter.ts";
import type { SpeechCall, TextToSpeech } from "./text-to-speech.ts";

/** How {@link speak} reads and how far ahead it works. */
export interface SpeakOptions extends SpeechCall {
  /**
   * The text's language as a BCP 47 tag, such as `de`; see {@link SentenceSplitterOptions}.
   *
   * @defaultValue unknown
   */
  readonly language?: string | undefined;
  /**
   * Clauses that may be made beyond the one that is being given out; each begins when the one before
   * it has begun to sound, so that none delays the first.
   *
   * Higher values bear with slower voices, and make more that an interruption throws away; 0 makes
   * each clause when the one before it has been given out.
   *
   * @defaultValue 1
   */
  readonly lookAhead?: number | undefined;
  /**
   * Time in milliseconds without a new word after which a sentence that looks complete is spoken.
   *
   * Lower values say "Let me look that up." sooner before a tool call; too low ones take a pause after
   * "No." for the end.
   *
   * @defaultValue 300
   */
  readonly settleMs?: number | undefined;
  /**
   * Where `settleMs` is measured; for tests.
   *
   * @defaultValue {@link systemClock}
   */
  readonly clock?: Clock | undefined;
}

/** Parts of the text that may wait to be made; beyond them the text is left unread for a while. */
const MAX_WAITING_PARTS = 16;

/**
 * Speaks a text, or the pieces of one that is still being written, with any voice.
 *
 * The iterator throws the signal's reason once it has aborted, and what the voice or the text threw
 * after the audio that came before; whatever ends it closes the text's iterator.
 *
 * @example
 * ```ts
 * async function* answer(audio: AudioFrame) {
 *   const { text } = await stt.transcribe(audio);
 *   yield* speak(tts, askModel(text)); // askModel: an async generator of strings
 * }
 * ```
 */
export function speak(
  tts: TextToSpeech,
  text: string | AsyncIterable<string>,
  options: SpeakOptions = {},
): AsyncIterableIterator<AudioFrame> {
  return new Speech(tts, typeof text === "string" ? only(text) : text, options);
}

class Speech implements AsyncIterableIterator<AudioFrame> {
  readonly #tts: TextToSpeech;
  readonly #pieces: AsyncIterator<string>;
  readonly #splitter: SentenceSplitter;
  readonly #signal: AbortSignal | undefined;
  readonly #lookAhead: number;
  readonly #settleMs: number;
  readonly #clock: Clock;
  readonly #work = new AbortController();
  readonly #waiting: string[] = [];
  readonly #clauses: ClauseSpeech[] = [];
  readonly #changes = new Set<() => void>();
  readonly #onAbort = (): void => this.#end({ error: this.#signal?.reason });
  #settling: Timer | undefined;
  #unspoken = "";
  #hasStarted = false;
  #isTextEnded = false;
  #textFailure: { readonly error: unknown } | undefined;
  #isEnded = false;
  #failure: { readonly error: unknown } | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(tts: TextToSpeech, text: AsyncIterable<string>, options: SpeakOptions) {
    this.#tts = tts;
    this.#splitter = new SentenceSplitter({ language: options.language });
    this.#lookAhead = options.lookAhead ?? 1;
    this.#settleMs = options.settleMs ?? 300;
    this.#clock = options.clock ?? systemClock;
    this.#signal = signalOf(options);
    this.#pieces = text[Symbol.asyncIterator]();
    if (this.#signal?.aborted) this.#onAbort();
    else this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<AudioFrame, undefined>> {
    // Nothing is asked of model or text before the first frame is.
    if (!this.#hasStarted) void this.#readText();
    this.#hasStarted = true;
    const frame = this.#last.then(() => this.#take());
    this.#last = frame.catch(() => undefined);
    return frame;
  }

  return(): Promise<IteratorResult<AudioFrame, undefined>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  async #take(): Promise<IteratorResult<AudioFrame, undefined>> {
    try {
      while (!this.#isEnded) {
        const [clause] = this.#clauses;
        const frame = clause?.take();
        if (frame) return { done: false, value: frame };
        if (clause?.isTaken) {
          this.#unspoken += clause.unspoken;
          this.#clauses.shift();
          this.#startNext();
        } else if (!clause && this.#waiting.length === 0 && this.#isTextEnded) {
          this.#end(this.#textFailure);
        } else {
          await new Promise<void>((resolve) => this.#changes.add(resolve));
        }
      }
    } catch (error) {
      this.#end({ error });
    }
    // Told once; an iterator that has ended stays ended.
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
    return { done: true, value: undefined };
  }

  async #readText(): Promise<void> {
    try {
      for (;;) {
        const result = await this.#pieces.next();
        this.#settling?.cancel();
        if (this.#isEnded) return;
        if (result.done) break;
        this.#add(this.#splitter.push(result.value));
        if (this.#splitter.pendingLength > 0) this.#settleLater();
        while (this.#waiting.length >= MAX_WAITING_PARTS) {
          await new Promise<void>((resolve) => this.#changes.add(resolve));
        }
      }
      this.#add(this.#splitter.flush());
    } catch (error) {
      this.#settling?.cancel();
      this.#textFailure = { error };
    }
    this.#isTextEnded = true;
    this.#changed();
  }

  #settleLater(): void {
    this.#settling = this.#clock.setTimeout(() => {
      this.#add(this.#splitter.settle());
    }, this.#settleMs);
  }

  #add(parts: readonly string[]): void {
    this.#waiting.push(...parts);
    this.#changed();
  }

  #changed(): void {
    this.#startNext();
    const waiting = [...this.#changes];
    this.#changes.clear();
    for (const wake of waiting) wake();
  }

  #startNext(): void {
    while (!this.#isEnded && this.#clauses.length <= this.#lookAhead) {
      if (this.#clauses.at(-1)?.hasBegun === false) return;
      const part = this.#waiting.shift();
      if (part === undefined) return;
      const text = this.#unspoken + part;
      if (!isSpeakable(part)) {
        this.#unspoken = text;
        continue;
      }
      this.#unspoken = "";
      this.#clauses.push(
        new ClauseSpeech(text, this.#synthesize(part.trim()), () => this.#changed()),
      );
    }
  }

  #synthesize(clause: string): AsyncIterable<AudioFrame> {
    const call = { signal: this.#work.signal };
    const tts = this.#tts;
    return tts.synthesize?.(clause, call) ?? once(() => tts.tts(clause, call));
  }

  #end(failure?: { readonly error: unknown }): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#failure = failure;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#settling?.cancel();
    this.#work.abort(failure?.error);
    for (const clause of this.#clauses.splice(0)) clause.close();
    this.#waiting.length = 0;
    if (!this.#isTextEnded) abandon(this.#pieces);
    this.#changed();
  }
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* only(text: string): AsyncGenerator<string, void, undefined> {
  yield text;
}

async function* once(make: () => Promise<AudioFrame>): AsyncGenerator<AudioFrame, void, undefined> {
  yield await make();
}
