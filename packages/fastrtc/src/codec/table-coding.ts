import type { SampleCoding } from "./sample-codec.ts";

/**
 * Makes a coding of one byte a sample that looks every sample up. The tables (64 kB) are made when
 * the first sample comes.
 *
 * @param expand - Gives the sample of a code, 0 to 255.
 * @param compress - Gives the code of a sample, -32768 to 32767.
 */
export function tableCoding(
  name: string,
  expand: (code: number) => number,
  compress: (sample: number) => number,
): SampleCoding {
  let samplesOf: Int16Array | undefined;
  let codesOf: Uint8Array | undefined;
  return {
    name,
    bytesPerSample: 1,
    decode(data, samples) {
      samplesOf ??= Int16Array.from({ length: 256 }, (_, code) => expand(code));
      for (let i = 0; i < samples.length; i++) samples[i] = samplesOf[data[i] ?? 0] ?? 0;
    },
    encode(samples, data) {
      codesOf ??= Uint8Array.from({ length: 65_536 }, (_, bits) => compress((bits << 16) >> 16));
      for (let i = 0; i < samples.length; i++) data[i] = codesOf[(samples[i] ?? 0) & 0xffff] ?? 0;
    },
  };
}
