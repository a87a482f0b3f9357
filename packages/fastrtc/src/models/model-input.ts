/** How errors name what a model was given: enough to find it, without the whole of it. */

import type { AudioFrame } from "../media/audio-frame.ts";

const SHOWN_CHARACTERS = 40;

/** Returns a text's begin and length, such as `"Hello there…" (120 characters)`. */
export function describeText(text: string): string {
  const characters = Array.from(text.slice(0, 2 * SHOWN_CHARACTERS + 2));
  const isShort = characters.length <= SHOWN_CHARACTERS;
  const begin = characters.slice(0, SHOWN_CHARACTERS).join("");
  const length = `${text.length} ${text.length === 1 ? "character" : "characters"}`;
  return `${JSON.stringify(isShort ? begin : `${begin}…`)} (${length})`;
}

/** Returns an audio's length and format, such as `1.25 s of audio at 16000 Hz`. */
export function describeAudio({ durationMs, sampleRate }: AudioFrame): string {
  return `${(durationMs / 1000).toFixed(2)} s of audio at ${sampleRate} Hz`;
}

/** Tells whether there is anything in a text to say. */
export function isSpeakable(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text);
}
