/**
 * The noun that handlers take and give: a piece of decoded sound.
 *
 * Decoders' PCM comes in, as does whatever a handler yields ({@link AudioFrame.from} is its door,
 * and says what is wrong with nonsense); handlers, the turn detector and encoders read it.
 */

import { InvalidOptionError } from "../errors.ts";
import { audioToFloat32, audioToInt16, checkChannels, checkSampleRate } from "./audio-samples.ts";
import type { AudioSamples } from "./audio-samples.ts";
import { resample } from "./resampler.ts";
import { decodeWav, encodeWav } from "./wav.ts";

/** What an {@link AudioFrame} is made of. */
export interface AudioFrameInit {
  /** 16-bit samples, interleaved. The frame keeps this array: do not write to it afterwards. */
  readonly samples: Int16Array;
  /** Rate in Hz, 4,000 to 384,000. */
  readonly sampleRate: number;
  /**
   * 1 for mono, 2 for stereo.
   *
   * @defaultValue 1
   */
  readonly channels?: 1 | 2;
  /**
   * Position in its stream, in milliseconds.
   *
   * @defaultValue 0
   */
  readonly timestampMs?: number;
  /**
   * The words that are spoken from this frame on, until a frame with other words: what was heard of a
   * reply is then told in words too.
   *
   * @defaultValue none; the empty string means none too
   */
  readonly text?: string;
}

/** Everything that is taken for audio; pairs and triples are FastRTC's own form. */
export type AudioInput =
  | AudioFrame
  | readonly [sampleRate: number, samples: AudioSamples]
  | readonly [sampleRate: number, samples: AudioSamples, layout: "mono" | "stereo"];

/** What holds where an {@link AudioInput} does not say. */
export interface AudioInputDefaults {
  /**
   * Channels of a pair.
   *
   * @defaultValue 1
   */
  readonly channels?: 1 | 2;
  /**
   * Position of a pair or triple in its stream, in milliseconds.
   *
   * @defaultValue 0
   */
  readonly timestampMs?: number;
}

const WANTED =
  'Give an AudioFrame, or [sampleRate, samples] with an Int16Array or a Float32Array, optionally followed by "mono" or "stereo".';

/**
 * A piece of sound: 16-bit samples, their rate and their place in a stream. It never changes; what
 * would change it returns another frame.
 *
 * @example
 * ```ts
 * const frame = AudioFrame.fromWav(await readFile("hello.wav"));
 * const { sampleRate, samples } = frame.toMono().resample(16_000);
 * ```
 */
export class AudioFrame {
  /** 16-bit samples, interleaved. Only to be read: frames may share them. */
  readonly samples: Int16Array;
  /** Rate in Hz. */
  readonly sampleRate: number;
  /** 1 for mono, 2 for stereo. */
  readonly channels: 1 | 2;
  /** Position in its stream, in milliseconds. */
  readonly timestampMs: number;
  /** The words that are spoken from this frame on, where its maker told. */
  readonly text: string | undefined;

  /** @throws {@link InvalidOptionError} naming the value that cannot be. */
  constructor(init: AudioFrameInit) {
    const { samples, timestampMs = 0 } = init;
    if (!((samples as unknown) instanceof Int16Array)) {
      throw new InvalidOptionError(
        "samples",
        samples,
        "Give an Int16Array; for others use from().",
      );
    }
    this.sampleRate = checkSampleRate(init.sampleRate);
    this.channels = checkChannels(init.channels ?? 1);
    if (samples.length % this.channels !== 0) {
      throw new InvalidOptionError(
        "samples.length",
        samples.length,
        "Stereo needs an even number of samples, left and right in turn.",
      );
    }
    if (!Number.isFinite(timestampMs)) {
      throw new InvalidOptionError("timestampMs", timestampMs, "Give a number of milliseconds.");
    }
    this.samples = samples;
    this.timestampMs = timestampMs;
    this.text = init.text === "" ? undefined : init.text;
  }

  /**
   * Takes anything that is audio. A frame is returned as it is; floats become 16-bit integers.
   *
   * @throws {@link InvalidOptionError} saying what was given and what is wanted.
   */
  static from(input: AudioInput, defaults: AudioInputDefaults = {}): AudioFrame {
    if (input instanceof AudioFrame) return input;
    const given: unknown = input;
    if (isFrameLike(given)) return new AudioFrame(given);
    if (!Array.isArray(given)) throw new InvalidOptionError("audio", given, WANTED);
    const [sampleRate, samples, layout] = given as readonly unknown[];
    if (given.length < 2 || given.length > 3) throw new InvalidOptionError("audio", given, WANTED);
    if (layout !== undefined && layout !== "mono" && layout !== "stereo") {
      throw new InvalidOptionError("layout", layout, 'Give "mono" or "stereo".');
    }
    const channels = layout === undefined ? defaults.channels : layout === "stereo" ? 2 : 1;
    return new AudioFrame({
      // Within a pair, so that a plain array of samples is not taken for one.
      samples: audioToInt16([0, samples as AudioSamples]),
      sampleRate: checkSampleRate(sampleRate),
      channels: channels ?? 1,
      timestampMs: defaults.timestampMs ?? 0,
    });
  }

  /**
   * Makes a frame of floats between -1 and 1; what lies beyond is clipped.
   *
   * @throws {@link InvalidOptionError} for any other type, or a rate that cannot be.
   */
  static fromFloat32(samples: Float32Array, sampleRate: number, channels: 1 | 2 = 1): AudioFrame {
    return new AudioFrame({ samples: audioToInt16(samples), sampleRate, channels });
  }

  /**
   * Reads a WAV file.
   *
   * @throws {@link CodecError} when it is not a WAV file that we can read.
   */
  static fromWav(bytes: Uint8Array): AudioFrame {
    return new AudioFrame(decodeWav(bytes));
  }

  /**
   * Makes a frame of raw 16-bit little-endian PCM, as speech services send it. The bytes are
   * copied.
   *
   * @throws {@link InvalidOptionError} when the bytes end within a sample.
   */
  static fromBytes(bytes: Uint8Array, sampleRate: number, channels: 1 | 2 = 1): AudioFrame {
    if (!((bytes as unknown) instanceof Uint8Array)) {
      throw new InvalidOptionError("bytes", bytes, "Give a Uint8Array or a Buffer.");
    }
    if (bytes.length % 2 !== 0) {
      throw new InvalidOptionError(
        "bytes.length",
        bytes.length,
        "A 16-bit sample takes two bytes; keep the odd one for the chunk that follows.",
      );
    }
    const samples = new Int16Array(bytes.length / 2);
    new Uint8Array(samples.buffer).set(bytes);
    return new AudioFrame({ samples, sampleRate, channels });
  }

  /**
   * Joins frames of one rate and one layout, end to end; the first gives the timestamp.
   *
   * @throws {@link InvalidOptionError} when there is none, or when they differ.
   */
  static concat(frames: readonly AudioFrame[]): AudioFrame {
    const [first] = frames;
    if (!first) throw new InvalidOptionError("frames", frames, "Give at least one frame.");
    let length = 0;
    for (const frame of frames) {
      if (frame.sampleRate !== first.sampleRate || frame.channels !== first.channels) {
        throw new InvalidOptionError(
          "frames",
          `${describeFormat(first)} and ${describeFormat(frame)}`,
          "Bring them to one rate and one layout first, with resample(), toMono() or toStereo().",
        );
      }
      length += frame.samples.length;
    }
    const samples = new Int16Array(length);
    let at = 0;
    for (const frame of frames) {
      samples.set(frame.samples, at);
      at += frame.samples.length;
    }
    return first.#with({ samples });
  }

  /**
   * Makes a silent frame.
   *
   * @throws {@link InvalidOptionError} for a negative duration, or a rate that cannot be.
   */
  static silence(durationMs: number, sampleRate: number, channels: 1 | 2 = 1): AudioFrame {
    if (!(durationMs >= 0 && durationMs < 3_600_000)) {
      throw new InvalidOptionError("durationMs", durationMs, "Give 0 up to one hour.");
    }
    const count = Math.round((durationMs * checkSampleRate(sampleRate)) / 1000);
    return new AudioFrame({ samples: new Int16Array(count * channels), sampleRate, channels });
  }

  /** Samples in each channel. */
  get sampleCount(): number {
    return this.samples.length / this.channels;
  }

  /** Length in milliseconds. */
  get durationMs(): number {
    return (this.sampleCount * 1000) / this.sampleRate;
  }

  /**
   * Yields the sample rate, then the samples, so that `const [sampleRate, samples] = frame` reads
   * as in FastRTC. TypeScript cannot tell the two apart; `const { sampleRate, samples } = frame` it
   * can.
   */
  *[Symbol.iterator](): Generator<number | Int16Array, void, undefined> {
    yield this.sampleRate;
    yield this.samples;
  }

  /** Returns the samples as floats, -1 up to 1, interleaved. */
  toFloat32(): Float32Array {
    return audioToFloat32(this.samples);
  }

  /** Returns a 16-bit WAV file. */
  toWav(): Uint8Array {
    return encodeWav(this);
  }

  /** Returns a copy of the samples as raw 16-bit little-endian PCM. */
  toBytes(): Uint8Array {
    const { buffer, byteOffset, byteLength } = this.samples;
    return new Uint8Array(buffer, byteOffset, byteLength).slice();
  }

  /** Returns the mean of both channels. */
  toMono(): AudioFrame {
    return this.channels === 1
      ? this
      : this.#with({ samples: stereoToMono(this.samples), channels: 1 });
  }

  /** Returns the sound on two channels. */
  toStereo(): AudioFrame {
    return this.channels === 2
      ? this
      : this.#with({ samples: monoToStereo(this.samples), channels: 2 });
  }

  /**
   * Returns the sound at another rate, beginning at the same instant. For a stream of frames use a
   * `StreamingResampler`: frames resampled one by one click at their seams.
   *
   * @param sampleRate - Rate in Hz.
   * @throws {@link InvalidOptionError} for a rate that cannot be.
   */
  resample(sampleRate: number): AudioFrame {
    if (sampleRate === this.sampleRate) return this;
    const samples = resample(this.samples, this.sampleRate, sampleRate, this.channels);
    return this.#with({ samples, sampleRate });
  }

  /**
   * Returns a part, sharing its samples.
   *
   * @param startMs - Where it begins, in milliseconds from this frame's begin.
   * @param endMs - Where it ends; this frame's end when left out or later than that.
   */
  slice(startMs: number, endMs: number = this.durationMs): AudioFrame {
    const start = this.#sampleAt(startMs);
    const end = Math.max(start, this.#sampleAt(endMs));
    return this.#with({
      samples: this.samples.subarray(start * this.channels, end * this.channels),
      timestampMs: this.timestampMs + (start * 1000) / this.sampleRate,
      // A part that begins later does not begin with these words again.
      ...(start > 0 ? { text: "" } : {}),
    });
  }

  /**
   * Returns the same sound at another place in its stream, sharing its samples.
   *
   * @param timestampMs - The place, in milliseconds.
   */
  withTimestamp(timestampMs: number): AudioFrame {
    return this.#with({ timestampMs });
  }

  /**
   * Returns the same sound with the words that are spoken from here on, sharing its samples.
   *
   * @param text - The words.
   */
  withText(text: string): AudioFrame {
    return this.#with({ text });
  }

  #sampleAt(positionMs: number): number {
    const index = Math.round((positionMs * this.sampleRate) / 1000);
    return Math.min(this.sampleCount, Math.max(0, index || 0));
  }

  #with(changes: Partial<AudioFrameInit>): AudioFrame {
    const { samples, sampleRate, channels, timestampMs, text } = this;
    const words = text === undefined ? {} : { text };
    return new AudioFrame({ samples, sampleRate, channels, timestampMs, ...words, ...changes });
  }
}

/** Returns the mean of left and right, as a new array. */
export function stereoToMono(samples: Int16Array): Int16Array {
  const mono = new Int16Array(samples.length >> 1);
  for (let i = 0; i < mono.length; i++) {
    mono[i] = ((samples[2 * i] ?? 0) + (samples[2 * i + 1] ?? 0)) >> 1;
  }
  return mono;
}

/** Returns the samples on both channels, as a new array. */
export function monoToStereo(samples: Int16Array): Int16Array {
  const stereo = new Int16Array(samples.length * 2);
  for (let i = 0; i < samples.length; i++) {
    const value = samples[i] ?? 0;
    stereo[2 * i] = value;
    stereo[2 * i + 1] = value;
  }
  return stereo;
}

// A frame of another copy of this package is no instance of this one's class.
function isFrameLike(value: unknown): value is AudioFrameInit {
  return typeof value === "object" && value !== null && "samples" in value && "sampleRate" in value;
}

function describeFormat({ sampleRate, channels }: AudioFrame): string {
  return `${sampleRate} Hz ${channels === 1 ? "mono" : "stereo"}`;
}
