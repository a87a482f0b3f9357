import type { AudioDecoder, AudioEncoder } from "./codec.ts";
import { SampleDecoder, SampleEncoder, type SampleCodecOptions } from "./sample-codec.ts";
import { tableCoding } from "./table-coding.ts";

// G.711 mu-law, https://www.itu.int/rec/T-REC-G.711. A code is a sign, an exponent of three bits and
// a mantissa of four, all but the sign inverted; it stands for a number of 14 bits plus a bias.
const BIAS = 33;
const LARGEST = 0x1fff;

const MULAW = tableCoding("mulaw", expand, compress);

/**
 * Makes a decoder of G.711 mu-law.
 *
 * @throws {@link InvalidOptionError} for a rate or layout that cannot be.
 */
export function createMulawDecoder(options: SampleCodecOptions): AudioDecoder {
  return new SampleDecoder(MULAW, options);
}

/**
 * Makes an encoder of G.711 mu-law.
 *
 * @throws {@link InvalidOptionError} for a rate, layout or frame length that cannot be.
 */
export function createMulawEncoder(options: SampleCodecOptions): AudioEncoder {
  return new SampleEncoder(MULAW, options);
}

function expand(code: number): number {
  const exponent = (~code >> 4) & 7;
  const mantissa = ~code & 15;
  const magnitude = 4 * (((2 * mantissa + BIAS) << exponent) - BIAS);
  return code & 0x80 ? magnitude : -magnitude;
}

function compress(sample: number): number {
  // One's complement, as in ITU-T G.191: -1 falls together with 0.
  const magnitude = Math.min(((sample < 0 ? ~sample : sample) >> 2) + BIAS, LARGEST);
  const exponent = 26 - Math.clz32(magnitude);
  const mantissa = (magnitude >> (exponent + 1)) & 15;
  return (sample < 0 ? 0 : 0x80) | (~((exponent << 4) | mantissa) & 0x7f);
}
