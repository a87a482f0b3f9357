import { invalidValue } from "./realtime-refusal.ts";
import { isObject } from "./client-event.ts";

/** How audio is encoded on the wire. */
export type RealtimeAudioFormat =
  | { readonly type: "audio/pcm"; readonly rate: 24_000 }
  | { readonly type: "audio/pcmu" | "audio/pcma" };

/** What is spoken where nothing else is agreed, and what a session of ours works with inside. */
export const PCM_FORMAT: RealtimeAudioFormat = Object.freeze({ type: "audio/pcm", rate: 24_000 });

/** Bytes of one sample. */
export function bytesPerSample(format: RealtimeAudioFormat): 1 | 2 {
  return format.type === "audio/pcm" ? 2 : 1;
}

/**
 * Reads a format from `session.update`.
 *
 * @throws {@link RealtimeRefusal} for one that nobody speaks.
 */
export function parseAudioFormat(value: unknown, path: string): RealtimeAudioFormat {
  const { type, rate } = isObject(value) ? value : {};
  if (type === "audio/pcmu" || type === "audio/pcma") return { type };
  if (type === "audio/pcm" && (rate === undefined || rate === 24_000)) return PCM_FORMAT;
  throw invalidValue(path, "give audio/pcm with rate 24000, audio/pcmu or audio/pcma.");
}

/** Turns what the client sends into 16-bit PCM of 24 kHz, and back. */
export interface AudioConverter {
  /** Decodes whole samples; the result is valid until the next call. */
  decode(data: Uint8Array): Uint8Array;
  /** Encodes 20 ms. */
  encode(pcm: Uint8Array): Uint8Array;
  /** Gives back what it holds. */
  free(): void;
}

/** Makes the converter of a format; undefined where there is nothing to convert. */
export type AudioConverterFactory = (format: RealtimeAudioFormat) => AudioConverter | undefined;

/**
 * Reads base64, strictly: what is no base64 would be silently cut short by Node, and be noise.
 *
 * @throws {@link RealtimeRefusal} when it is none, or ends within a sample.
 */
export function decodeAudio(base64: string, format: RealtimeAudioFormat): Uint8Array {
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    throw invalidValue("audio", "give base64.");
  }
  const bytes = Buffer.from(base64, "base64");
  if (bytes.length % bytesPerSample(format) !== 0) {
    throw invalidValue("audio", "give whole samples.");
  }
  return bytes;
}
