/**
 * Speech recognition, voices and language models of OpenAI-compatible servers. Needs the package `openai`.
 *
 * @packageDocumentation
 */

export { createOpenAiStt } from "./models/openai/openai-stt.ts";
export type { OpenAiSttOptions } from "./models/openai/openai-stt.ts";
export { createOpenAiTts } from "./models/openai/openai-tts.ts";
export type { OpenAiTtsOptions } from "./models/openai/openai-tts.ts";
export { createOpenAiChat } from "./models/openai/openai-chat.ts";
export type { ChatMessage, ChatModel, OpenAiChatOptions } from "./models/openai/openai-chat.ts";
export { chatText } from "./models/openai/chat-text.ts";
export type { ChatChunk, ChatStream } from "./models/openai/chat-text.ts";
export type {
  OpenAiClient,
  OpenAiRequestOptions,
  OpenAiServerOptions,
} from "./models/openai/openai-client.ts";
export type {
  PartialTranscript,
  SpeechToText,
  SpeechToTextModel,
  TranscribeCall,
  Transcript,
  TranscriptWord,
} from "./models/speech-to-text.ts";
export type { SpeechCall, TextToSpeech, TextToSpeechModel } from "./models/text-to-speech.ts";
export { AudioFrame } from "./media/audio-frame.ts";
