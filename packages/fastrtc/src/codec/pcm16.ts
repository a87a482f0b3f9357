import type { AudioDecoder, AudioEncoder } from "./codec.ts";
import {
  SampleDecoder,
  SampleEncoder,
  type SampleCodecOptions,
  type SampleCoding,
} from "./sample-codec.ts";

// 16-bit little-endian. Shifts and not views: packets begin at odd addresses too.
const PCM16: SampleCoding = {
  name: "pcm16",
  bytesPerSample: 2,
  decode(data, samples) {
    for (let i = 0; i < samples.length; i++) {
      samples[i] = (data[2 * i] ?? 0) | ((data[2 * i + 1] ?? 0) << 8);
    }
  },
  encode(samples, data) {
    for (let i = 0; i < samples.length; i++) {
      const sample = samples[i] ?? 0;
      data[2 * i] = sample;
      data[2 * i + 1] = sample >> 8;
    }
  },
};

/**
 * Makes a decoder of raw 16-bit little-endian PCM.
 *
 * @throws {@link InvalidOptionError} for a rate or layout that cannot be.
 */
export function createPcm16Decoder(options: SampleCodecOptions): AudioDecoder {
  return new SampleDecoder(PCM16, options);
}

/**
 * Makes an encoder of raw 16-bit little-endian PCM.
 *
 * @throws {@link InvalidOptionError} for a rate, layout or frame length that cannot be.
 */
export function createPcm16Encoder(options: SampleCodecOptions): AudioEncoder {
  return new SampleEncoder(PCM16, options);
}
