import { InvalidOptionError, ModelError } from "../errors.ts";
import { AudioFrame } from "../media/audio-frame.ts";
import { abandon, abortable } from "./abortable.ts";
import { signalOf } from "./default-signal.ts";
import { describeText, isSpeakable } from "./model-input.ts";
import { speak } from "./speak.ts";
import type { SpeakOptions } from "./speak.ts";
import type { SpeechCall, TextToSpeechModel } from "./text-to-speech.ts";

/** What a voice is made of. */
export interface TextToSpeechInit extends Pick<
  SpeakOptions,
  "language" | "lookAhead" | "settleMs" | "clock"
> {
  /** Which model it is, as errors say; such as `kokoro af_sky`. */
  readonly model: string;
  /**
   * Speaks one clause: all of it at once, or frame by frame as it is made.
   *
   * @param clause - Has at least one letter or digit, and no space at its ends.
   * @param call - Its signal aborts when nobody listens any more. Pass it to `fetch`.
   */
  synthesize(
    clause: string,
    call: { readonly signal: AbortSignal },
  ): Promise<AudioFrame> | AsyncIterable<AudioFrame>;
}

/**
 * Makes a voice of a function that speaks one clause.
 *
 * @example
 * ```ts
 * const tts = createTextToSpeech({
 *   model: "my voice",
 *   async synthesize(clause, { signal }) {
 *     const response = await fetch(`${url}?text=${encodeURIComponent(clause)}`, { signal });
 *     return AudioFrame.fromWav(new Uint8Array(await response.arrayBuffer()));
 *   },
 * });
 * ```
 */
export function createTextToSpeech(init: TextToSpeechInit): TextToSpeechModel {
  const { model } = init;

  async function* synthesize(
    clause: string,
    call?: SpeechCall,
  ): AsyncGenerator<AudioFrame, void, undefined> {
    const signal = signalOf(call) ?? new AbortController().signal;
    signal.throwIfAborted();
    const made = init.synthesize(clause, { signal });
    let samples = 0;
    if (made instanceof Promise) {
      const frame = await abortable(made, signal);
      samples = frame.sampleCount;
      yield frame;
    } else {
      const frames = made[Symbol.asyncIterator]();
      let isDone = false;
      try {
        for (;;) {
          const result = await abortable(frames.next(), signal);
          if (result.done) break;
          samples += result.value.sampleCount;
          yield result.value;
        }
        isDone = true;
      } finally {
        if (!isDone) abandon(frames);
      }
    }
    if (samples > 0) return;
    throw new ModelError(
      model,
      `It made no audio of ${describeText(clause)}. Check that the model speaks the text's language.`,
    );
  }

  const tts: TextToSpeechModel = {
    model,
    synthesize,
    async tts(text, call) {
      if (!isSpeakable(text)) {
        throw new InvalidOptionError("text", text, "Give a text with a word in it.");
      }
      const frames: AudioFrame[] = [];
      for await (const frame of synthesize(text.trim(), call)) frames.push(frame);
      return AudioFrame.concat(frames).withText(text);
    },
    stream: (text, call) =>
      speak(tts, text, {
        language: init.language,
        lookAhead: init.lookAhead,
        settleMs: init.settleMs,
        clock: init.clock,
        signal: call?.signal,
      }),
  };
  return tts;
}
