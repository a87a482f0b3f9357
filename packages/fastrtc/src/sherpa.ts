/**
 * Speech recognition and voices of models on this machine. Needs the package `sherpa-onnx-node` and a
 * model's files.
 *
 * @packageDocumentation
 */

export { createSherpaStt } from "./models/sherpa/sherpa-stt.ts";
export type { SherpaSttOptions, SherpaSttType } from "./models/sherpa/sherpa-stt-options.ts";
export { createSherpaTts } from "./models/sherpa/sherpa-tts.ts";
export type { SherpaTtsOptions, SherpaTtsType } from "./models/sherpa/sherpa-tts-options.ts";
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
