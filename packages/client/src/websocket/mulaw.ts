/**
 * G.711 mu-law, which is what FastRTC's servers speak on a WebSocket.
 *
 * https://www.itu.int/rec/T-REC-G.711
 */

const BIAS = 0x84;
const CLIP = 32_635;

/** Encodes 16-bit samples, a byte each. */
export function encodeMulaw(samples: Int16Array): Uint8Array {
  return Uint8Array.from(samples, (sample) => {
    const sign = sample < 0 ? 0x80 : 0;
    const magnitude = Math.min(CLIP, Math.abs(sample)) + BIAS;
    // The position of the highest bit, of 7 to 14, is the exponent.
    const exponent = 24 - Math.clz32(magnitude);
    const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    return ~(sign | (exponent << 4) | mantissa) & 0xff;
  });
}

/** Decodes to 16-bit samples. */
export function decodeMulaw(bytes: Uint8Array): Int16Array<ArrayBuffer> {
  return Int16Array.from(bytes, (byte) => {
    const code = ~byte & 0xff;
    const magnitude = ((((code & 0x0f) << 3) + BIAS) << ((code >> 4) & 0x07)) - BIAS;
    return (code & 0x80) === 0 ? magnitude : -magnitude;
  });
}
