/**
 * Which models there are is said by the environment; without any, all of it runs offline.
 *
 * OPENAI_BASE_URL and OPENAI_API_KEY name a server with OpenAI's protocol; STT_BASE_URL, CHAT_BASE_URL
 * and TTS_BASE_URL others for one of the three steps. See README.md.
 */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { getSttModel, getTtsModel, type SpeechToTextModel, type TextToSpeechModel } from "fastrtc";
import { createOpenAiChat, type ChatMessage, type ChatModel } from "fastrtc/openai";
import { standInChat, standInStt } from "./stand-ins.ts";

/** What the language model is told first. */
export const instructions: ChatMessage = {
  role: "system",
  content: "You speak with the user. Answer in one or two short sentences, without any markup.",
};

// A variable that is set to nothing says nothing.
function env(name: string): string | undefined {
  const value = process.env[name];
  return value === "" ? undefined : value;
}

const hasServer = Boolean(env("OPENAI_BASE_URL") ?? env("OPENAI_API_KEY"));
const timeoutMs = Number(env("MODEL_TIMEOUT_MS") ?? 20_000);

/** Recognises what the user says. */
export const stt: SpeechToTextModel = await createStt();
/** Answers it. */
export const chat: ChatModel = createChat();
/** Speaks the answer. */
export const tts: TextToSpeechModel = await createTts();

async function createStt(): Promise<SpeechToTextModel> {
  const baseURL = env("STT_BASE_URL");
  if (baseURL !== undefined || hasServer) {
    return await getSttModel("openai", { baseURL, model: env("STT_MODEL"), timeoutMs });
  }
  // Where `npx fastrtc models pull moonshine` leaves it.
  const models = env("FASTRTC_MODELS") ?? path.join(homedir(), ".cache/fastrtc/models");
  const modelPath = path.join(models, "sherpa-onnx-moonshine-tiny-en-int8");
  return existsSync(modelPath) ? await getSttModel("sherpa", { modelPath }) : standInStt;
}

function createChat(): ChatModel {
  const baseURL = env("CHAT_BASE_URL");
  if (baseURL === undefined && !hasServer) return standInChat;
  return createOpenAiChat({ baseURL, model: env("CHAT_MODEL") ?? "gpt-4o-mini", timeoutMs });
}

async function createTts(): Promise<TextToSpeechModel> {
  const baseURL = env("TTS_BASE_URL");
  const model = env("TTS_MODEL");
  if (model === "local" || (baseURL === undefined && !hasServer)) return await getTtsModel("flite");
  return await getTtsModel("openai", { baseURL, model, voice: env("TTS_VOICE"), timeoutMs });
}
