/** Speech by a voice on this machine, through `sherpa-onnx-node`. */

import { basename } from "node:path";

import { InvalidOptionError, ModelError } from "../../errors.ts";
import { AudioFrame } from "../../media/audio-frame.ts";
import { createTextToSpeech } from "../create-text-to-speech.ts";
import { describeText } from "../model-input.ts";
import type { TextToSpeechModel } from "../text-to-speech.ts";
import { OneAtATime } from "./one-at-a-time.ts";
import { checkSherpa, loadSherpa } from "./sherpa-module.ts";
import type { SherpaVoice } from "./sherpa-module.ts";
import { readTtsConfig } from "./sherpa-tts-config.ts";
import type { SherpaTtsOptions } from "./sherpa-tts-options.ts";

/** Clauses that may wait for the one that is spoken. */
const MAX_WAITING = 64;

/**
 * Makes a voice of a model's folder, which needs the package `sherpa-onnx-node`.
 *
 * The model is loaded with the first clause, and serves all sessions, one clause at a time, outside of
 * the event loop.
 *
 * @example
 * ```ts
 * import { createSherpaTts } from "fastrtc/sherpa";
 *
 * const tts = createSherpaTts({ modelPath: "models/kokoro-en-v0_19", speaker: 4 });
 * ```
 * @throws `InvalidOptionError` naming the file that is missing.
 * @throws `InvalidStateError` when the package is not installed.
 */
export function createSherpaTts(options: SherpaTtsOptions): TextToSpeechModel {
  const { speaker = 0, speed = 1 } = options;
  if (!(speed > 0)) throw new InvalidOptionError("speed", speed, "Give a number above 0.");
  if (!Number.isSafeInteger(speaker) || speaker < 0) {
    throw new InvalidOptionError("speaker", speaker, "Give a whole number from 0.");
  }
  const config = readTtsConfig(options);
  checkSherpa();
  const model = `sherpa ${basename(String(options.modelPath))}`;
  const queue = new OneAtATime(model, MAX_WAITING);
  let loaded: Promise<SherpaVoice> | undefined;

  async function load(): Promise<SherpaVoice> {
    const voice = await (await loadSherpa()).OfflineTts.createAsync(config);
    if (voice.numSpeakers > 0 && speaker >= voice.numSpeakers) {
      const last = voice.numSpeakers - 1;
      throw new InvalidOptionError("speaker", speaker, `This model has speakers 0 to ${last}.`);
    }
    return voice;
  }

  async function speakClause(clause: string, signal: AbortSignal): Promise<AudioFrame> {
    loaded ??= load().catch((error: unknown) => {
      // The next clause may try again.
      loaded = undefined;
      throw error;
    });
    const voice = await loaded;
    const { samples, sampleRate } = await voice.generateAsync({
      text: clause,
      sid: speaker,
      speed,
      // Memory of the native side would have to be kept alive with the samples.
      enableExternalBuffer: false,
      onProgress: () => !signal.aborted,
    });
    return AudioFrame.fromFloat32(samples, sampleRate);
  }

  return createTextToSpeech({
    model,
    language: options.language,
    synthesize: (clause, { signal }) =>
      queue
        .run(() => speakClause(clause, signal), signal)
        .catch((error: unknown) => {
          if (signal.aborted || !(error instanceof Error) || "code" in error) throw error;
          throw new ModelError(model, `It failed on ${describeText(clause)}: ${error.message}`, {
            cause: error,
          });
        }),
  });
}
