/** Speech by any server with OpenAI's `/audio/speech`, played as it comes over the socket. */

import { ModelError } from "../../errors.ts";
import type { AudioFrame } from "../../media/audio-frame.ts";
import { checkSampleRate } from "../../media/audio-samples.ts";
import { createTextToSpeech } from "../create-text-to-speech.ts";
import { describeText } from "../model-input.ts";
import type { TextToSpeechModel } from "../text-to-speech.ts";
import { connectOpenAi } from "./openai-client.ts";
import type { OpenAiServerOptions } from "./openai-client.ts";
import { OpenAiRequest } from "./openai-request.ts";
import { SpeechBody } from "./speech-body.ts";

/** Options of {@link createOpenAiTts}. */
export interface OpenAiTtsOptions extends OpenAiServerOptions {
  /**
   * The model's name at the server.
   *
   * @defaultValue "tts-1"
   */
  readonly model?: string | undefined;
  /**
   * Who speaks, by the name that the server gives them.
   *
   * @defaultValue "alloy"
   */
  readonly voice?: string | undefined;
  /**
   * The text's language as a BCP 47 tag, for finding its sentences; servers are not told.
   *
   * @defaultValue unknown
   */
  readonly language?: string | undefined;
  /**
   * How to speak, in words, where the model takes instructions.
   *
   * @defaultValue none
   */
  readonly instructions?: string | undefined;
  /**
   * How fast, where 1 is the voice's own pace. Not every server knows it.
   *
   * @defaultValue left to the server
   */
  readonly speed?: number | undefined;
  /**
   * What the server is asked to send. Both are played as they come; a WAV file says its own rate.
   *
   * @defaultValue "pcm"
   */
  readonly format?: "pcm" | "wav" | undefined;
  /**
   * Rate of `pcm` in Hz. A wrong one makes voices deep and slow, or high and fast.
   *
   * @defaultValue 24,000, which is OpenAI's
   */
  readonly sampleRate?: number | undefined;
  /**
   * Time in milliseconds within which each next piece of audio must be there.
   *
   * @defaultValue 10,000
   */
  readonly timeoutMs?: number | undefined;
}

/**
 * Makes a voice of an OpenAI-compatible server, which needs the package `openai`.
 *
 * @example
 * ```ts
 * import { createOpenAiTts } from "fastrtc/openai";
 *
 * const tts = createOpenAiTts({ baseURL: "http://127.0.0.1:8880/v1", model: "kokoro", voice: "af_sky" });
 * yield* tts.stream(reply);
 * ```
 * @throws `InvalidStateError` when the package is not installed.
 * @throws `InvalidOptionError` without a key or a server, and for a rate that cannot be.
 */
export function createOpenAiTts(options: OpenAiTtsOptions = {}): TextToSpeechModel {
  const { model: name = "tts-1", voice = "alloy", format = "pcm", timeoutMs = 10_000 } = options;
  const { maxRetries = 0, instructions, speed } = options;
  const sampleRate = checkSampleRate(options.sampleRate ?? 24_000);
  const connect = connectOpenAi(options);
  const model = `openai ${name} ${voice}`;

  async function* synthesize(
    clause: string,
    call: { readonly signal: AbortSignal },
  ): AsyncGenerator<AudioFrame, void, undefined> {
    const client = await connect();
    const input = describeText(clause);
    const subject = { model, input, baseURL: client.baseURL };
    const request = new OpenAiRequest(subject, timeoutMs, call.signal);
    const { signal } = request;
    try {
      const body = {
        model: name,
        voice,
        input: clause,
        response_format: format,
        ...(instructions === undefined ? {} : { instructions }),
        ...(speed === undefined ? {} : { speed }),
      };
      const response = await client.audio.speech.create(body as never, {
        signal,
        timeout: 2 * timeoutMs,
        maxRetries,
      });
      checkType(response, model, input);
      const speech = new SpeechBody({ format, sampleRate });
      for await (const bytes of bytesOf(response)) {
        request.heard();
        const frame = speech.push(bytes);
        if (!frame) continue;
        request.rest();
        yield frame;
        request.heard();
      }
      const last = speech.end();
      if (last) yield last;
    } catch (error) {
      throw request.failure(unreadable(error, model, input));
    } finally {
      request.close();
    }
  }

  return createTextToSpeech({ model, language: options.language, synthesize });
}

async function* bytesOf(response: Response): AsyncGenerator<Uint8Array, void, undefined> {
  if (!response.body) return;
  yield* response.body as AsyncIterable<Uint8Array>;
}

// A server that does not know the format sends another, or a page that says so.
function checkType(response: Response, model: string, input: string): void {
  const type = response.headers.get("content-type") ?? "";
  if (!/json|text\/|mpeg|mp3|ogg|opus|aac|flac/i.test(type)) return;
  throw new ModelError(
    model,
    `The server answered ${input} with ${type}, which is neither raw PCM nor a WAV file. Set format to what it can send, "pcm" or "wav".`,
  );
}

function unreadable(error: unknown, model: string, input: string): unknown {
  if (!(error instanceof Error) || (error as { code?: unknown }).code !== "CODEC") return error;
  return new ModelError(
    model,
    `The server answered ${input} with audio that cannot be read: ${error.message} Set format to what it sends, "pcm" or "wav".`,
    { cause: error },
  );
}
