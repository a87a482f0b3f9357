/** WAV files in memory: bytes in, 16-bit PCM out, and back. */

import { CodecError } from "../errors.ts";
import { checkChannels, checkSampleRate } from "./audio-samples.ts";

/** Sound without a place in time. */
export interface PcmAudio {
  /** 16-bit samples, interleaved. */
  readonly samples: Int16Array;
  /** Rate in Hz. */
  readonly sampleRate: number;
  /** 1 for mono, 2 for stereo. */
  readonly channels: 1 | 2;
}

interface WavFormat {
  readonly isFloat: boolean;
  readonly bits: number;
  readonly channels: 1 | 2;
  readonly sampleRate: number;
}

const HEADER_BYTES = 44;
const FORMAT_PCM = 1;
const FORMAT_FLOAT = 3;
const FORMAT_EXTENSIBLE = 0xfffe;

/**
 * Reads a WAV file: integers of 8, 16, 24 or 32 bits, or 32-bit floats; mono or stereo.
 *
 * A `data` chunk without a true length, as programs write that stream to a pipe, and one that is
 * cut short, are read to the end of the bytes.
 *
 * @throws {@link CodecError} when it is not a WAV file, or one of another kind.
 */
export function decodeWav(bytes: Uint8Array): PcmAudio {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || tagAt(view, 0) !== "RIFF" || tagAt(view, 8) !== "WAVE") {
    throw new CodecError("Not a WAV file: it does not begin with RIFF and WAVE.");
  }
  let format: WavFormat | undefined;
  let offset = 12;
  while (offset + 8 <= bytes.length) {
    const tag = tagAt(view, offset);
    const length = view.getUint32(offset + 4, true);
    const start = offset + 8;
    if (tag === "fmt ") format = readFormat(view, start, length);
    if (tag === "data") {
      if (!format) throw new CodecError("Broken WAV file: its data come before its format.");
      const rest = bytes.length - start;
      const isOpenEnded = length > rest || (length === 0 && !isRiffLengthTrue(view));
      const samples = readSamples(view, start, isOpenEnded ? rest : length, format);
      return { samples, sampleRate: format.sampleRate, channels: format.channels };
    }
    // Chunks begin at even offsets.
    offset = start + length + (length & 1);
  }
  throw new CodecError("Broken WAV file: it has no data chunk.");
}

/**
 * Writes a 16-bit WAV file.
 *
 * @throws {@link InvalidOptionError} for a rate or a number of channels that cannot be.
 */
export function encodeWav(audio: PcmAudio): Uint8Array {
  const { samples } = audio;
  const sampleRate = checkSampleRate(audio.sampleRate);
  const channels = checkChannels(audio.channels);
  const dataBytes = samples.length * 2;
  const bytes = new Uint8Array(HEADER_BYTES + dataBytes);
  const view = new DataView(bytes.buffer);
  writeTag(view, 0, "RIFF");
  view.setUint32(4, HEADER_BYTES - 8 + dataBytes, true);
  writeTag(view, 8, "WAVE");
  writeTag(view, 12, "fmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, FORMAT_PCM, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * channels * 2, true);
  view.setUint16(32, channels * 2, true);
  view.setUint16(34, 16, true);
  writeTag(view, 36, "data");
  view.setUint32(40, dataBytes, true);
  for (let i = 0; i < samples.length; i++) {
    view.setInt16(HEADER_BYTES + 2 * i, samples[i] ?? 0, true);
  }
  return bytes;
}

function readFormat(view: DataView, start: number, length: number): WavFormat {
  if (length < 16 || start + length > view.byteLength) {
    throw new CodecError("Broken WAV file: its format chunk is cut short.");
  }
  let code = view.getUint16(start, true);
  // WAVE_FORMAT_EXTENSIBLE keeps the code in the first two bytes of its GUID.
  if (code === FORMAT_EXTENSIBLE && length >= 26) code = view.getUint16(start + 24, true);
  const channels = view.getUint16(start + 2, true);
  const sampleRate = view.getUint32(start + 4, true);
  const bits = view.getUint16(start + 14, true);
  const isFloat = code === FORMAT_FLOAT;
  const isKnown = isFloat ? bits === 32 : code === FORMAT_PCM && [8, 16, 24, 32].includes(bits);
  if (!isKnown) {
    throw new CodecError(
      `Cannot read a WAV file of format ${code} with ${bits} bits. Use PCM of 8, 16, 24 or 32 bits, or 32-bit floats.`,
    );
  }
  if (channels !== 1 && channels !== 2) {
    throw new CodecError(`Cannot read a WAV file of ${channels} channels. Use 1 or 2.`);
  }
  if (sampleRate < 4000 || sampleRate > 384_000) {
    throw new CodecError(`Cannot read a WAV file of ${sampleRate} Hz. Use 4000 to 384000.`);
  }
  return { isFloat, bits, channels, sampleRate };
}

function readSamples(view: DataView, start: number, length: number, format: WavFormat): Int16Array {
  const width = format.bits / 8;
  const count = Math.floor(length / (width * format.channels)) * format.channels;
  const samples = new Int16Array(count);
  for (let i = 0, at = start; i < count; i++, at += width) {
    samples[i] = readSample(view, at, width, format.isFloat);
  }
  return samples;
}

function readSample(view: DataView, at: number, width: number, isFloat: boolean): number {
  if (isFloat) {
    const value = view.getFloat32(at, true) * 32767;
    return Math.round(Math.min(32767, Math.max(-32767, value)));
  }
  switch (width) {
    case 1:
      // Eight bits are the only width without a sign.
      return (view.getUint8(at) - 128) * 256;
    case 2:
      return view.getInt16(at, true);
    // Wider integers keep their upper 16 bits.
    default:
      return view.getInt16(at + width - 2, true);
  }
}

// Tells an empty file, whose length is true, from a header that was written before its data.
function isRiffLengthTrue(view: DataView): boolean {
  return Math.abs(view.getUint32(4, true) - (view.byteLength - 8)) <= 1;
}

function tagAt(view: DataView, offset: number): string {
  return String.fromCharCode(
    view.getUint8(offset),
    view.getUint8(offset + 1),
    view.getUint8(offset + 2),
    view.getUint8(offset + 3),
  );
}

function writeTag(view: DataView, offset: number, tag: string): void {
  for (let i = 0; i < 4; i++) view.setUint8(offset + i, tag.charCodeAt(i));
}
