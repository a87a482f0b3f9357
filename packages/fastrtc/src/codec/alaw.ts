import type { AudioDecoder, AudioEncoder } from "./codec.ts";
import { SampleDecoder, SampleEncoder, type SampleCodecOptions } from "./sample-codec.ts";
import { tableCoding } from "./table-coding.ts";

// G.711 A-law, https://www.itu.int/rec/T-REC-G.711: what Europe's telephone network carries. A code
// is a sign, an exponent of three bits and a mantissa of four, every other bit inverted; it stands
// for a number of 13 bits.
const INVERTED = 0x55;

const ALAW = tableCoding("alaw", expand, compress);

/**
 * Makes a decoder of G.711 A-law.
 *
 * @throws {@link InvalidOptionError} for a rate or layout that cannot be.
 */
export function createAlawDecoder(options: SampleCodecOptions): AudioDecoder {
  return new SampleDecoder(ALAW, options);
}

/**
 * Makes an encoder of G.711 A-law.
 *
 * @throws {@link InvalidOptionError} for a rate, layout or frame length that cannot be.
 */
export function createAlawEncoder(options: SampleCodecOptions): AudioEncoder {
  return new SampleEncoder(ALAW, options);
}

function expand(code: number): number {
  const bits = code ^ INVERTED;
  const exponent = (bits >> 4) & 7;
  // The middle of the interval. The lowest two segments have the same step.
  const value = 2 * (bits & 15) + 1 + (exponent > 0 ? 32 : 0);
  const magnitude = 8 * (value << Math.max(0, exponent - 1));
  return bits & 0x80 ? magnitude : -magnitude;
}

function compress(sample: number): number {
  // One's complement, as in ITU-T G.191: -1 falls together with 0.
  const magnitude = (sample < 0 ? ~sample : sample) >> 4;
  const exponent = Math.max(0, 28 - Math.clz32(magnitude));
  const mantissa = (magnitude >> Math.max(0, exponent - 1)) & 15;
  return ((sample < 0 ? 0 : 0x80) | (exponent << 4) | mantissa) ^ INVERTED;
}
