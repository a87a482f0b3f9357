/** Speech recognition by any server with OpenAI's `/audio/transcriptions`. */

import { File } from "node:buffer";

import { ModelError } from "../../errors.ts";
import { AudioFrame } from "../../media/audio-frame.ts";
import { abortable } from "../abortable.ts";
import { signalOf } from "../default-signal.ts";
import { describeAudio } from "../model-input.ts";
import type { SpeechToTextModel, Transcript, TranscriptWord } from "../speech-to-text.ts";
import { connectOpenAi } from "./openai-client.ts";
import type { OpenAiServerOptions } from "./openai-client.ts";
import { OpenAiRequest } from "./openai-request.ts";

/** Options of {@link createOpenAiStt}. */
export interface OpenAiSttOptions extends OpenAiServerOptions {
  /**
   * The model's name at the server.
   *
   * @defaultValue "whisper-1"
   */
  readonly model?: string | undefined;
  /**
   * The language that is spoken, as `en` or `de`; a model that is not told has to guess, and errs with
   * short utterances.
   *
   * @defaultValue the model guesses
   */
  readonly language?: string | undefined;
  /**
   * Words that are likely to occur, such as names, where the model takes a prompt.
   *
   * @defaultValue none
   */
  readonly prompt?: string | undefined;
  /**
   * Whether to ask when each word was said. Whisper knows; many other models refuse the question.
   *
   * @defaultValue false
   */
  readonly words?: boolean | undefined;
  /**
   * Time in milliseconds within which the words must be there.
   *
   * @defaultValue 30,000
   */
  readonly timeoutMs?: number | undefined;
}

/** Hz: what recognizers work at; more is only more to send. */
const SAMPLE_RATE = 16_000;
/** OpenAI's server refuses less than a tenth of a second. */
const MIN_MS = 120;

interface Answer {
  readonly text: string;
  readonly words?: unknown;
}

/**
 * Makes a recognizer of an OpenAI-compatible server, which needs the package `openai`.
 *
 * @example
 * ```ts
 * import { createOpenAiStt } from "fastrtc/openai";
 *
 * const stt = createOpenAiStt({ baseURL: "http://127.0.0.1:8000/v1", model: "openai/whisper-small" });
 * const { text } = await stt.transcribe(audio);
 * ```
 * @throws `InvalidStateError` when the package is not installed.
 * @throws `InvalidOptionError` without a key or a server.
 */
export function createOpenAiStt(options: OpenAiSttOptions = {}): SpeechToTextModel {
  const { model: name = "whisper-1", timeoutMs = 30_000, maxRetries = 0 } = options;
  const connect = connectOpenAi(options);
  const model = `openai ${name}`;

  async function transcribe(
    audio: AudioFrame,
    call?: { readonly signal?: AbortSignal },
  ): Promise<Transcript> {
    const caller = signalOf(call);
    caller?.throwIfAborted();
    if (audio.sampleCount === 0) return { text: "" };
    const client = await connect();
    const input = describeAudio(audio);
    const request = new OpenAiRequest({ model, input, baseURL: client.baseURL }, timeoutMs, caller);
    const { signal } = request;
    try {
      const body = { file: toFile(audio), model: name, ...parametersOf(options) };
      const answer = client.audio.transcriptions.create(body as never, {
        signal,
        timeout: 2 * timeoutMs,
        maxRetries,
      });
      // A body that hangs does not hear the client's own timeout, which ends with the headers.
      return toTranscript(await abortable(Promise.resolve(answer), signal), model, input);
    } catch (error) {
      throw request.failure(error);
    } finally {
      request.close();
    }
  }

  return { model, transcribe };
}

function parametersOf({ language, prompt, words }: OpenAiSttOptions): Record<string, unknown> {
  return {
    ...(language === undefined ? {} : { language }),
    ...(prompt === undefined ? {} : { prompt }),
    ...(words
      ? { response_format: "verbose_json", timestamp_granularities: ["word"] }
      : { response_format: "json" }),
  };
}

function toFile(audio: AudioFrame): File {
  let frame = audio.toMono().resample(SAMPLE_RATE);
  if (frame.durationMs < MIN_MS) {
    const padding = AudioFrame.silence(MIN_MS - frame.durationMs, SAMPLE_RATE);
    frame = AudioFrame.concat([frame, padding]);
  }
  return new File([frame.toWav()], "speech.wav", { type: "audio/wav" });
}

function toTranscript(answer: unknown, model: string, input: string): Transcript {
  if (!isAnswer(answer)) {
    throw new ModelError(
      model,
      `The server answered ${input} with what is no transcription. Check that baseURL is that of an OpenAI-compatible server.`,
    );
  }
  const text = answer.text.trim();
  return Array.isArray(answer.words) ? { text, words: answer.words.flatMap(toWord) } : { text };
}

function isAnswer(answer: unknown): answer is Answer {
  return (
    typeof answer === "object" &&
    answer !== null &&
    typeof (answer as Partial<Answer>).text === "string"
  );
}

function toWord(given: unknown): TranscriptWord[] {
  const { word, start, end } = (given ?? {}) as Record<string, unknown>;
  if (typeof word !== "string" || typeof start !== "number" || typeof end !== "number") return [];
  return [{ text: word.trim(), startMs: start * 1000, endMs: end * 1000 }];
}
