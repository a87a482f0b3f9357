import { createDecoder, createEncoder } from "../../../codec/create-codec.ts";
import type { AudioFormat } from "../../../media/encoded-chunk.ts";
import type {
  AudioConverter,
  RealtimeAudioFormat,
} from "../../../transport/realtime/audio-format.ts";

/** Rate of the PCM inside, in Hz. */
const SAMPLE_RATE = 24_000;

/** Makes what turns a client's telephone audio into PCM of 24 kHz, and back. */
export function createRealtimeConverter(format: RealtimeAudioFormat): AudioConverter | undefined {
  if (format.type === "audio/pcm") return undefined;
  const codec = format.type === "audio/pcmu" ? "mulaw" : "alaw";
  const wire: AudioFormat = { codec, sampleRate: 8000, channels: 1 };
  const decoder = createDecoder(wire, SAMPLE_RATE, 1);
  const encoder = createEncoder(wire, SAMPLE_RATE, 1);
  return {
    decode: (data) => bytesOf(decoder.decode(data)),
    encode: (pcm) => encoder.encode(samplesOf(pcm)),
    free: () => {
      decoder.free();
      encoder.free();
    },
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: Int16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function samplesOf(pcm: Uint8Array): Int16Array {
  // Only at an even offset can the same bytes be read as samples.
  const { buffer, byteOffset, byteLength } = pcm.byteOffset % 2 === 0 ? pcm : new Uint8Array(pcm);
  return new Int16Array(buffer, byteOffset, byteLength / 2);
}
