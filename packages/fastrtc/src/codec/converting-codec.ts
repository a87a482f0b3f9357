import { CodecError, InvalidOptionError } from "../errors.ts";
import { monoToStereo, stereoToMono } from "../media/audio-frame.ts";
import { StreamingResampler } from "../media/resampler.ts";
import type { AudioDecoder, AudioEncoder } from "./codec.ts";

/** Gives a decoder's PCM at another rate or layout. */
export class ConvertingDecoder implements AudioDecoder {
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  readonly #decoder: AudioDecoder;
  readonly #converter: StreamConverter;

  /** @throws {@link InvalidOptionError} for rates that share no small ratio. */
  constructor(decoder: AudioDecoder, sampleRate: number, channels: 1 | 2) {
    this.#decoder = decoder;
    this.sampleRate = sampleRate;
    this.channels = channels;
    this.#converter = new StreamConverter(decoder, this);
  }

  decode(data: Uint8Array): Int16Array {
    return this.#converter.convert(this.#decoder.decode(data));
  }

  conceal(durationSamples: number, fecData?: Uint8Array): Int16Array {
    const duration = (durationSamples * this.#decoder.sampleRate) / this.sampleRate;
    return this.#converter.convert(this.#decoder.conceal(Math.round(duration), fecData));
  }

  free(): void {
    this.#decoder.free();
  }
}

/** Takes PCM at another rate or layout than the encoder it feeds. */
export class ConvertingEncoder implements AudioEncoder {
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  readonly frameSamples: number;
  readonly #encoder: AudioEncoder;
  readonly #converter: StreamConverter;

  /** @throws {@link InvalidOptionError} when a frame is no whole number of samples at that rate. */
  constructor(encoder: AudioEncoder, sampleRate: number, channels: 1 | 2) {
    this.#encoder = encoder;
    this.sampleRate = sampleRate;
    this.channels = channels;
    this.frameSamples = (encoder.frameSamples * sampleRate) / encoder.sampleRate;
    // Then each frame in gives exactly one frame out.
    if (!Number.isInteger(this.frameSamples)) {
      throw new InvalidOptionError(
        "sampleRate",
        sampleRate,
        "One frame is no whole number of samples at this rate; give a multiple of 50 Hz.",
      );
    }
    this.#converter = new StreamConverter(this, encoder);
  }

  encode(samples: Int16Array): Uint8Array {
    const wanted = this.frameSamples * this.channels;
    if (samples.length !== wanted) {
      throw new CodecError(`Cannot encode ${samples.length} samples: a frame has ${wanted}.`);
    }
    return this.#encoder.encode(this.#converter.convert(samples));
  }

  setPacketLoss(percent: number): void {
    this.#encoder.setPacketLoss(percent);
  }

  reset(): void {
    this.#converter.reset();
    this.#encoder.reset();
  }

  free(): void {
    this.#encoder.free();
  }
}

interface PcmLayout {
  readonly sampleRate: number;
  readonly channels: 1 | 2;
}

/** Converts a stream; resamples in mono where either side is. */
class StreamConverter {
  readonly #resampler: StreamingResampler;
  readonly #input: 1 | 2;
  readonly #output: 1 | 2;

  constructor(input: PcmLayout, output: PcmLayout) {
    this.#input = input.channels;
    this.#output = output.channels;
    const channels = input.channels === 2 && output.channels === 2 ? 2 : 1;
    this.#resampler = new StreamingResampler(input.sampleRate, output.sampleRate, channels);
  }

  convert(samples: Int16Array): Int16Array {
    const isMixing = this.#input === 2 && this.#output === 1;
    const resampled = this.#resampler.process(isMixing ? stereoToMono(samples) : samples);
    return this.#input === 1 && this.#output === 2 ? monoToStereo(resampled) : resampled;
  }

  reset(): void {
    this.#resampler.reset();
  }
}
