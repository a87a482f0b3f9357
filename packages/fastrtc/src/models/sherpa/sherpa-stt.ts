/** Speech recognition by a model on this machine, through `sherpa-onnx-node`. */

import { basename } from "node:path";
import { setImmediate as nextTask } from "node:timers/promises";

import { ModelError } from "../../errors.ts";
import { AudioFrame } from "../../media/audio-frame.ts";
import { abandon, abortable } from "../abortable.ts";
import { signalOf } from "../default-signal.ts";
import { describeAudio } from "../model-input.ts";
import type {
  PartialTranscript,
  SpeechToTextModel,
  Transcript,
  TranscriptWord,
} from "../speech-to-text.ts";
import { OneAtATime } from "./one-at-a-time.ts";
import { checkSherpa, loadSherpa } from "./sherpa-module.ts";
import type {
  SherpaOfflineRecognizer,
  SherpaOnlineRecognizer,
  SherpaResult,
  SherpaStream,
} from "./sherpa-module.ts";
import { readSttConfig } from "./sherpa-stt-config.ts";
import type { SherpaSttOptions } from "./sherpa-stt-options.ts";

/** Recognitions that may wait for the one that runs. */
const MAX_WAITING = 32;
/** After the end of speech, for a model that listens along to see that it has ended. */
const TAIL_MS = 600;
const TAIL_RATE = 16_000;

/**
 * Makes a recognizer of a model's folder, which needs the package `sherpa-onnx-node`.
 *
 * The model is loaded with the first recognition, and serves all sessions, one utterance at a time,
 * outside of the event loop. A streaming model recognises on it, in steps of a few milliseconds.
 *
 * @example
 * ```ts
 * import { createSherpaStt } from "fastrtc/sherpa";
 *
 * const stt = createSherpaStt({ modelPath: "models/sherpa-onnx-moonshine-tiny-en-int8" });
 * ```
 * @throws `InvalidOptionError` naming the file that is missing.
 * @throws `InvalidStateError` when the package is not installed.
 */
export function createSherpaStt(options: SherpaSttOptions): SpeechToTextModel {
  const { type, config } = readSttConfig(options);
  checkSherpa();
  const model = `sherpa ${basename(String(options.modelPath))}`;
  return type === "streaming-transducer"
    ? listenAlong(model, config)
    : listenAfterwards(model, config);
}

function listenAfterwards(model: string, config: object): SpeechToTextModel {
  const queue = new OneAtATime(model, MAX_WAITING);
  const load = once<SherpaOfflineRecognizer>(async () =>
    (await loadSherpa()).OfflineRecognizer.createAsync(config),
  );
  return {
    model,
    async transcribe(audio, call) {
      const signal = signalOf(call);
      signal?.throwIfAborted();
      if (audio.sampleCount === 0) return { text: "" };
      const work = async (): Promise<Transcript> => {
        const recognizer = await load();
        const stream = recognizer.createStream();
        accept(stream, audio);
        return toTranscript(await recognizer.decodeAsync(stream));
      };
      // One that runs goes on; only its result has nobody left to take it.
      return abortable(queue.run(work, signal), signal).catch((error: unknown) => {
        throw failure(error, model, describeAudio(audio), signal);
      });
    },
  };
}

function listenAlong(model: string, config: object): SpeechToTextModel {
  const load = once<SherpaOnlineRecognizer>(
    async () => new (await loadSherpa()).OnlineRecognizer(config),
  );

  async function* stream(
    audio: AsyncIterable<AudioFrame>,
    call?: { readonly signal?: AbortSignal },
  ): AsyncGenerator<PartialTranscript, void, undefined> {
    const signal = signalOf(call);
    const frames = audio[Symbol.asyncIterator]();
    let heard = "";
    let isDone = false;
    try {
      const recognizer = await abortable(load(), signal);
      const utterance = recognizer.createStream();
      for (;;) {
        const result = await abortable(frames.next(), signal);
        isDone = result.done === true;
        accept(utterance, result.done ? AudioFrame.silence(TAIL_MS, TAIL_RATE) : result.value);
        if (isDone) utterance.inputFinished?.();
        while (recognizer.isReady(utterance)) {
          recognizer.decode(utterance);
          // It decodes where it is called: others get their turn after each step.
          await nextTask();
          signal?.throwIfAborted();
        }
        const transcript = toTranscript(recognizer.getResult(utterance));
        const isFinal = isDone || recognizer.isEndpoint(utterance);
        if (transcript.text !== "" && (isFinal || transcript.text !== heard)) {
          heard = transcript.text;
          yield { ...transcript, isFinal };
        }
        if (isDone) return;
        if (isFinal) {
          recognizer.reset(utterance);
          heard = "";
        }
      }
    } catch (error) {
      throw failure(error, model, "audio as it came", signal);
    } finally {
      if (!isDone) abandon(frames);
    }
  }

  return {
    model,
    stream,
    async transcribe(audio, call) {
      const parts: Transcript[] = [];
      if (audio.sampleCount > 0) {
        for await (const part of stream(only(audio), call)) if (part.isFinal) parts.push(part);
      }
      return { text: parts.map(({ text }) => text).join(" ") };
    },
  };
}

function accept(stream: SherpaStream, audio: AudioFrame): void {
  const mono = audio.toMono();
  stream.acceptWaveform({ samples: mono.toFloat32(), sampleRate: mono.sampleRate });
}

function failure(
  error: unknown,
  model: string,
  input: string,
  signal: AbortSignal | undefined,
): unknown {
  if (signal?.aborted || !(error instanceof Error) || "code" in error) return error;
  return new ModelError(model, `It failed on ${input}: ${error.message}`, { cause: error });
}

// A load that failed is tried again by whoever comes next.
function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
}

function toTranscript({ text, tokens, timestamps }: SherpaResult): Transcript {
  const words = toWords(tokens ?? [], timestamps ?? []);
  return { text: text.trim(), ...(words.length > 0 ? { words } : {}) };
}

/** Joins tokens to words: a token that begins with a space, or with its sign, begins a word. */
export function toWords(
  tokens: readonly string[],
  timestamps: readonly number[],
): TranscriptWord[] {
  const words: { text: string; startMs: number; endMs: number }[] = [];
  if (tokens.length !== timestamps.length || !tokens.some((token) => /^[\s▁]/.test(token)))
    return [];
  for (const [index, token] of tokens.entries()) {
    const startMs = (timestamps[index] ?? 0) * 1000;
    const last = words.at(-1);
    if (last) last.endMs = startMs;
    if (last && !/^[\s▁]/.test(token)) last.text += token;
    else words.push({ text: token.replace(/^[\s▁]+/, ""), startMs, endMs: startMs });
  }
  return words;
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* only(audio: AudioFrame): AsyncGenerator<AudioFrame, void, undefined> {
  yield audio;
}
