/**
 * Makes the codec for a transport's format, at the rate and layout that the session wants.
 *
 * The session calls this once for each direction. Where the codec itself cannot work at that rate
 * or layout, the result converts.
 */

import { checkChannels, checkSampleRate } from "../media/audio-samples.ts";
import type { AudioFormat } from "../media/encoded-chunk.ts";
import { createAlawDecoder, createAlawEncoder } from "./alaw.ts";
import type { AudioDecoder, AudioEncoder } from "./codec.ts";
import { ConvertingDecoder, ConvertingEncoder } from "./converting-codec.ts";
import { createMulawDecoder, createMulawEncoder } from "./mulaw.ts";
import { createOpusDecoder } from "./opus-decoder.ts";
import { createOpusEncoder, type OpusEncoderOptions } from "./opus-encoder.ts";
import { isOpusSampleRate, type OpusSampleRate } from "./opus-module.ts";
import { createPcm16Decoder, createPcm16Encoder } from "./pcm16.ts";

/** How to encode; all but `frameMs` concerns Opus alone. */
export type AudioEncoderOptions = Omit<OpusEncoderOptions, "sampleRate" | "channels">;

/**
 * Makes a decoder.
 *
 * @param format - What the transport receives.
 * @param sampleRate - Rate in Hz of the PCM that is wanted.
 * @param channels - Channels of the PCM that is wanted.
 * @throws {@link InvalidOptionError} for a rate or layout that cannot be.
 */
export function createDecoder(
  format: AudioFormat,
  sampleRate: number,
  channels: 1 | 2,
): AudioDecoder {
  checkSampleRate(sampleRate);
  checkChannels(channels);
  const decoder = decoderOf(format, sampleRate, channels);
  return decoder.sampleRate === sampleRate && decoder.channels === channels
    ? decoder
    : new ConvertingDecoder(decoder, sampleRate, channels);
}

/**
 * Makes an encoder.
 *
 * @param format - What the transport sends.
 * @param sampleRate - Rate in Hz of the PCM that there is.
 * @param channels - Channels of the PCM that there is.
 * @throws {@link InvalidOptionError} naming the option that cannot be.
 */
export function createEncoder(
  format: AudioFormat,
  sampleRate: number,
  channels: 1 | 2,
  options: AudioEncoderOptions = {},
): AudioEncoder {
  checkSampleRate(sampleRate);
  checkChannels(channels);
  const encoder = encoderOf(format, sampleRate, channels, options);
  return encoder.sampleRate === sampleRate && encoder.channels === channels
    ? encoder
    : new ConvertingEncoder(encoder, sampleRate, channels);
}

function decoderOf(format: AudioFormat, sampleRate: number, channels: 1 | 2): AudioDecoder {
  switch (format.codec) {
    case "opus":
      return createOpusDecoder({ sampleRate: opusRateFor(sampleRate), channels });
    case "mulaw":
      return createMulawDecoder(format);
    case "alaw":
      return createAlawDecoder(format);
    case "pcm16":
      return createPcm16Decoder(format);
  }
}

function encoderOf(
  format: AudioFormat,
  sampleRate: number,
  channels: 1 | 2,
  options: AudioEncoderOptions,
): AudioEncoder {
  const { frameMs = 20 } = options;
  switch (format.codec) {
    case "opus":
      // RTP always announces two channels of 48 kHz; packets may hold less and say so:
      // https://www.rfc-editor.org/rfc/rfc7587#section-7
      return createOpusEncoder({ ...options, sampleRate: opusRateFor(sampleRate), channels });
    case "mulaw":
      return createMulawEncoder({ ...format, frameMs });
    case "alaw":
      return createAlawEncoder({ ...format, frameMs });
    case "pcm16":
      return createPcm16Encoder({ ...format, frameMs });
  }
}

// The same rate, or the lowest above it, or the highest there is.
function opusRateFor(sampleRate: number): OpusSampleRate {
  if (isOpusSampleRate(sampleRate)) return sampleRate;
  return ([8000, 12_000, 16_000, 24_000] as const).find((rate) => rate > sampleRate) ?? 48_000;
}
