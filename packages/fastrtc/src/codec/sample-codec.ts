import { CodecError, InvalidOptionError, InvalidStateError } from "../errors.ts";
import { checkChannels, checkSampleRate } from "../media/audio-samples.ts";
import type { AudioDecoder, AudioEncoder } from "./codec.ts";
import { RepeatConcealment } from "./repeat-concealment.ts";

/** A way to code each sample by itself. */
export interface SampleCoding {
  /** What errors call it. */
  readonly name: string;
  /** Bytes of one sample. */
  readonly bytesPerSample: 1 | 2;
  /** Decodes whole samples; `samples` has exactly the room. */
  decode(data: Uint8Array, samples: Int16Array): void;
  /** Encodes samples; `data` has exactly the room. */
  encode(samples: Int16Array, data: Uint8Array): void;
}

/** What a codec of {@link SampleCoding} works on. */
export interface SampleCodecOptions {
  /** Rate in Hz. */
  readonly sampleRate: number;
  /**
   * 1 or 2, interleaved.
   *
   * @defaultValue 1
   */
  readonly channels?: 1 | 2;
  /**
   * For an encoder, the length of a frame in milliseconds.
   *
   * @defaultValue 20
   */
  readonly frameMs?: number;
}

/** Decodes a {@link SampleCoding}, and hides losses by repetition. */
export class SampleDecoder implements AudioDecoder {
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  readonly #coding: SampleCoding;
  readonly #concealment: RepeatConcealment;
  #output = new Int16Array(0);
  #view: Int16Array = this.#output;
  #isFreed = false;

  /** @throws {@link InvalidOptionError} for a rate or layout that cannot be. */
  constructor(coding: SampleCoding, options: SampleCodecOptions) {
    this.#coding = coding;
    this.sampleRate = checkSampleRate(options.sampleRate);
    this.channels = checkChannels(options.channels ?? 1);
    this.#concealment = new RepeatConcealment(this.sampleRate, this.channels);
  }

  decode(data: Uint8Array): Int16Array {
    this.#checkUsable();
    const { name, bytesPerSample } = this.#coding;
    const frameBytes = bytesPerSample * this.channels;
    if (data.length % frameBytes !== 0) {
      throw new CodecError(
        `${name} decode: ${data.length} bytes are no whole number of samples of ${frameBytes} bytes.`,
      );
    }
    const samples = this.#outputOf(data.length / bytesPerSample);
    this.#coding.decode(data, samples);
    this.#concealment.accept(samples);
    return samples;
  }

  conceal(durationSamples: number): Int16Array {
    this.#checkUsable();
    if (!(durationSamples > 0 && durationSamples <= this.sampleRate)) {
      throw new CodecError(
        `Cannot conceal ${durationSamples} samples at ${this.sampleRate} Hz: give up to one second; a longer gap is a pause.`,
      );
    }
    const samples = this.#outputOf(Math.ceil(durationSamples) * this.channels);
    this.#concealment.conceal(samples);
    return samples;
  }

  free(): void {
    this.#isFreed = true;
  }

  #outputOf(length: number): Int16Array {
    if (this.#output.length < length) this.#output = new Int16Array(length);
    if (this.#view.length !== length || this.#view.buffer !== this.#output.buffer) {
      this.#view = this.#output.subarray(0, length);
    }
    return this.#view;
  }

  #checkUsable(): void {
    if (this.#isFreed)
      throw new InvalidStateError(`This ${this.#coding.name} decoder has been freed.`);
  }
}

/** Encodes a {@link SampleCoding}. */
export class SampleEncoder implements AudioEncoder {
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  readonly frameSamples: number;
  readonly #coding: SampleCoding;
  #isFreed = false;

  /** @throws {@link InvalidOptionError} for a rate, layout or frame length that cannot be. */
  constructor(coding: SampleCoding, options: SampleCodecOptions) {
    const { frameMs = 20 } = options;
    this.#coding = coding;
    this.sampleRate = checkSampleRate(options.sampleRate);
    this.channels = checkChannels(options.channels ?? 1);
    this.frameSamples = (this.sampleRate * frameMs) / 1000;
    if (!Number.isInteger(this.frameSamples) || !(frameMs > 0 && frameMs <= 1000)) {
      throw new InvalidOptionError(
        "frameMs",
        frameMs,
        `Give a length up to 1000 ms that is a whole number of samples at ${this.sampleRate} Hz.`,
      );
    }
  }

  encode(samples: Int16Array): Uint8Array {
    if (this.#isFreed)
      throw new InvalidStateError(`This ${this.#coding.name} encoder has been freed.`);
    const wanted = this.frameSamples * this.channels;
    if (samples.length !== wanted) {
      throw new CodecError(`Cannot encode ${samples.length} samples: a frame has ${wanted}.`);
    }
    const data = new Uint8Array(samples.length * this.#coding.bytesPerSample);
    this.#coding.encode(samples, data);
    return data;
  }

  setPacketLoss(): void {
    // Nothing here can be made more robust.
  }

  reset(): void {
    // Nothing is remembered from frame to frame.
  }

  free(): void {
    this.#isFreed = true;
  }
}
