/**
 * Models by name, as in FastRTC: each is loaded when it is asked for, so that an application needs
 * only the packages of those that it uses.
 */

import { InvalidOptionError } from "../errors.ts";
import type { FliteTtsOptions } from "./flite/flite-tts.ts";
import type { OpenAiSttOptions } from "./openai/openai-stt.ts";
import type { OpenAiTtsOptions } from "./openai/openai-tts.ts";
import type { SherpaSttOptions } from "./sherpa/sherpa-stt-options.ts";
import type { SherpaTtsOptions } from "./sherpa/sherpa-tts-options.ts";
import type { SpeechToTextModel } from "./speech-to-text.ts";
import type { TextToSpeechModel } from "./text-to-speech.ts";

/** What recognizers there are, and what each is told. */
export interface SttModels {
  readonly openai: OpenAiSttOptions;
  readonly sherpa: SherpaSttOptions;
}

/** What voices there are, and what each is told. */
export interface TtsModels {
  readonly openai: OpenAiTtsOptions;
  readonly sherpa: SherpaTtsOptions;
  readonly flite: FliteTtsOptions;
}

const STT: {
  readonly [Name in keyof SttModels]: (options: SttModels[Name]) => Promise<SpeechToTextModel>;
} = {
  openai: async (options) => (await import("./openai/openai-stt.ts")).createOpenAiStt(options),
  sherpa: async (options) => (await import("./sherpa/sherpa-stt.ts")).createSherpaStt(options),
};

const TTS: {
  readonly [Name in keyof TtsModels]: (options: TtsModels[Name]) => Promise<TextToSpeechModel>;
} = {
  openai: async (options) => (await import("./openai/openai-tts.ts")).createOpenAiTts(options),
  sherpa: async (options) => (await import("./sherpa/sherpa-tts.ts")).createSherpaTts(options),
  flite: async (options) => (await import("./flite/flite-tts.ts")).createFliteTts(options),
};

/** Options may be left out where all of them may. */
type OptionsOf<Models, Name extends keyof Models> = object extends Models[Name]
  ? [options?: Models[Name]]
  : [options: Models[Name]];

/**
 * Loads a recognizer.
 *
 * @param name - `openai` (any OpenAI-compatible server) or `sherpa` (a model on this machine).
 * @example
 * ```ts
 * const stt = await getSttModel("openai", { baseURL: "http://127.0.0.1:8000/v1", model: "whisper-1" });
 * ```
 * @throws `InvalidOptionError` for another name, and for options that cannot be.
 * @throws `InvalidStateError` when the package that the model needs is not installed.
 */
export async function getSttModel<Name extends keyof SttModels>(
  name: Name,
  ...[options]: OptionsOf<SttModels, Name>
): Promise<SpeechToTextModel> {
  return find(STT, name)((options ?? {}) as SttModels[Name]);
}

/**
 * Loads a voice.
 *
 * @param name - `flite` (built in, English), `openai` (any OpenAI-compatible server) or `sherpa` (a
 * model on this machine).
 * @example
 * ```ts
 * const tts = await getTtsModel("flite");
 * ```
 * @throws `InvalidOptionError` for another name, and for options that cannot be.
 * @throws `InvalidStateError` when the package that the model needs is not installed.
 */
export async function getTtsModel<Name extends keyof TtsModels>(
  name: Name,
  ...[options]: OptionsOf<TtsModels, Name>
): Promise<TextToSpeechModel> {
  return find(TTS, name)((options ?? {}) as TtsModels[Name]);
}

function find<Models extends object, Name extends keyof Models>(
  models: Models,
  name: Name,
): Models[Name] {
  if (Object.hasOwn(models, name)) return models[name];
  throw new InvalidOptionError("name", name, `Give one of ${Object.keys(models).join(", ")}.`);
}
