/**
 * Changes the sample rate of PCM, as it streams or as a whole recording.
 *
 * In goes PCM of one rate in chunks of any size, out comes the same sound at another. Called where
 * a codec's rate is not the handler's, and by the turn detector, which reads 16 kHz.
 */

import { checkChannels, checkSampleRate } from "./audio-samples.ts";
import { polyphaseFilter, type PolyphaseFilter } from "./polyphase-filter.ts";

/** Settings of a {@link StreamingResampler}. */
export interface StreamingResamplerOptions {
  /**
   * Whether to leave out the filter's delay at the start, so that the output lines up with the
   * input. For recordings; a live stream would only get its first chunk shorter.
   *
   * @defaultValue false
   */
  readonly alignStart?: boolean;
}

/**
 * Resamples one stream.
 *
 * N input samples give exactly N · outputRate / inputRate output samples, rounded up, however they
 * are cut into chunks. Once chunks stop growing, nothing is allocated.
 */
export class StreamingResampler {
  /** Rate in Hz of what goes in. */
  readonly inputRate: number;
  /** Rate in Hz of what comes out. */
  readonly outputRate: number;
  /** Channels of both, interleaved. */
  readonly channels: 1 | 2;
  /** How much later the output is than the input, in milliseconds. */
  readonly delayMs: number;
  // Undefined where both rates are the same and samples only pass through.
  readonly #filter: PolyphaseFilter | undefined;
  readonly #delaySamples: number;
  readonly #startPosition: number;
  // One array a channel: the past that the filter still needs, then the chunk.
  readonly #inputs: Float32Array[];
  // When the next output sample is due, in phases from the chunk's first input sample.
  #position: number;
  #floats = new Float32Array(0);
  #floatView: Float32Array = this.#floats;
  #integers = new Int16Array(0);
  #integerView: Int16Array = this.#integers;

  /**
   * @param inputRate - Rate in Hz of what goes in.
   * @param outputRate - Rate in Hz of what comes out.
   * @param channels - 1 or 2, interleaved.
   * @throws {@link InvalidOptionError} for rates that cannot be.
   */
  constructor(
    inputRate: number,
    outputRate: number,
    channels: 1 | 2 = 1,
    options: StreamingResamplerOptions = {},
  ) {
    this.inputRate = checkSampleRate(inputRate, "inputRate");
    this.outputRate = checkSampleRate(outputRate, "outputRate");
    this.channels = checkChannels(channels);
    const alignStart = options.alignStart ?? false;
    this.#filter = inputRate === outputRate ? undefined : polyphaseFilter(inputRate, outputRate);
    this.#delaySamples = this.#filter ? this.#filter.taps / 2 : 0;
    this.#startPosition = alignStart && this.#filter ? this.#delaySamples * this.#filter.up : 0;
    this.#position = this.#startPosition;
    this.delayMs = alignStart ? 0 : (this.#delaySamples * 1000) / inputRate;
    const past = this.#filter ? this.#filter.taps - 1 : 0;
    this.#inputs = Array.from({ length: channels }, () => new Float32Array(past));
  }

  /**
   * Resamples the next chunk. The result is a view that the next call overwrites.
   *
   * @param samples - Whole sample frames, interleaved.
   */
  process(samples: Int16Array): Int16Array {
    if (!this.#filter) return samples;
    return this.#toIntegers(this.#run(samples, samples.length));
  }

  /**
   * Resamples the next chunk to floats between -1 and 1, without rounding to 16 bits on the way.
   * The result is a view that the next call overwrites.
   *
   * @param samples - Whole sample frames, interleaved; floats between -1 and 1.
   */
  processToFloat32(samples: Int16Array | Float32Array): Float32Array {
    if (this.#filter) return this.#run(samples, samples.length);
    return samples instanceof Float32Array ? samples : this.#passThrough(samples);
  }

  /**
   * Ends the stream: returns the sound that the delay holds back, as a view that the next call
   * overwrites. The resampler is then as new.
   */
  flush(): Int16Array {
    return this.#toIntegers(this.flushToFloat32());
  }

  /** Ends the stream like {@link StreamingResampler.flush}, in floats. */
  flushToFloat32(): Float32Array {
    const tail = this.#run(undefined, this.#delaySamples * this.channels);
    this.reset();
    return tail;
  }

  /** Forgets the stream so far. */
  reset(): void {
    for (const input of this.#inputs) input.fill(0);
    this.#position = this.#startPosition;
  }

  #run(samples: Int16Array | Float32Array | undefined, length: number): Float32Array {
    const { channels } = this;
    const filter = this.#filter;
    if (!filter) return this.#outputFloats(0);
    const inputCount = Math.floor(length / channels);
    const end = inputCount * filter.up;
    const outputCount = Math.max(0, Math.ceil((end - this.#position) / filter.down));
    const output = this.#outputFloats(outputCount * channels);
    const past = filter.taps - 1;
    for (let channel = 0; channel < channels; channel++) {
      const input = this.#inputOf(channel, past + inputCount);
      load(samples, channel, channels, input, past, inputCount);
      apply(filter, input, this.#position, output, channel, channels, outputCount);
      input.copyWithin(0, inputCount, inputCount + past);
    }
    this.#position += outputCount * filter.down - end;
    return output;
  }

  #inputOf(channel: number, length: number): Float32Array {
    const input = this.#inputs[channel];
    if (input && input.length >= length) return input;
    const grown = new Float32Array(length);
    if (input) grown.set(input);
    this.#inputs[channel] = grown;
    return grown;
  }

  #outputFloats(length: number): Float32Array {
    if (this.#floats.length < length) this.#floats = new Float32Array(length);
    if (this.#floatView.length !== length || this.#floatView.buffer !== this.#floats.buffer) {
      this.#floatView = this.#floats.subarray(0, length);
    }
    return this.#floatView;
  }

  #toIntegers(floats: Float32Array): Int16Array {
    const { length } = floats;
    if (this.#integers.length < length) this.#integers = new Int16Array(length);
    if (this.#integerView.length !== length || this.#integerView.buffer !== this.#integers.buffer) {
      this.#integerView = this.#integers.subarray(0, length);
    }
    const integers = this.#integerView;
    for (let i = 0; i < length; i++) {
      const value = (floats[i] ?? 0) * 32768;
      // Storing cuts the fraction off, hence the half.
      if (value >= 0) integers[i] = value > 32767 ? 32767 : value + 0.5;
      else integers[i] = value < -32768 ? -32768 : value - 0.5;
    }
    return integers;
  }

  #passThrough(samples: Int16Array): Float32Array {
    const output = this.#outputFloats(samples.length);
    for (let i = 0; i < samples.length; i++) output[i] = (samples[i] ?? 0) / 32768;
    return output;
  }
}

/**
 * Resamples a whole recording. The result begins where the recording begins.
 *
 * @param samples - Whole sample frames, interleaved.
 * @returns The caller's own array.
 */
export function resample(
  samples: Int16Array,
  inputRate: number,
  outputRate: number,
  channels: 1 | 2,
): Int16Array {
  const resampler = new StreamingResampler(inputRate, outputRate, channels, { alignStart: true });
  if (inputRate === outputRate) return samples.slice();
  const body = resampler.process(samples).slice();
  const tail = resampler.flush();
  const whole = new Int16Array(body.length + tail.length);
  whole.set(body);
  whole.set(tail, body.length);
  return whole;
}

function load(
  samples: Int16Array | Float32Array | undefined,
  channel: number,
  channels: number,
  input: Float32Array,
  start: number,
  count: number,
): void {
  if (!samples) {
    input.fill(0, start, start + count);
    return;
  }
  const scale = samples instanceof Int16Array ? 1 / 32768 : 1;
  for (let i = 0, from = channel; i < count; i++, from += channels) {
    input[start + i] = (samples[from] ?? 0) * scale;
  }
}

/**
 * Computes every output sample of one channel.
 *
 * Output samples `up` apart use the same row of coefficients, so rows are the outer loop, and four
 * such samples are computed at once: the loads of the coefficients are shared, and four sums in
 * flight hide the adder's latency. Measured at 48 to 16 kHz: 16 us for 20 ms, against 42 us for one
 * sample after the other.
 */
function apply(
  filter: PolyphaseFilter,
  input: Float32Array,
  position: number,
  output: Float32Array,
  offset: number,
  stride: number,
  count: number,
): void {
  const { up, down, taps, coefficients } = filter;
  const step = up * stride;
  const length = count * stride;
  for (let k = 0; k < up && k < count; k++) {
    const phase = (position + k * down) % up;
    const row = phase * taps;
    let start = (position + k * down - phase) / up;
    let at = k * stride + offset;
    for (; at + 3 * step < length; at += 4 * step, start += 4 * down) {
      let sum0 = 0;
      let sum1 = 0;
      let sum2 = 0;
      let sum3 = 0;
      for (let tap = 0, i0 = start; tap < taps; tap += 2, i0 += 2) {
        const a = coefficients[row + tap] ?? 0;
        const b = coefficients[row + tap + 1] ?? 0;
        const i1 = i0 + down;
        const i2 = i1 + down;
        const i3 = i2 + down;
        sum0 += (input[i0] ?? 0) * a + (input[i0 + 1] ?? 0) * b;
        sum1 += (input[i1] ?? 0) * a + (input[i1 + 1] ?? 0) * b;
        sum2 += (input[i2] ?? 0) * a + (input[i2 + 1] ?? 0) * b;
        sum3 += (input[i3] ?? 0) * a + (input[i3 + 1] ?? 0) * b;
      }
      output[at] = sum0;
      output[at + step] = sum1;
      output[at + 2 * step] = sum2;
      output[at + 3 * step] = sum3;
    }
    // The same order of additions as above: the result must not depend on how a stream is cut.
    for (; at < length; at += step, start += down) {
      let sum = 0;
      for (let tap = 0, i = start; tap < taps; tap += 2, i += 2) {
        const a = coefficients[row + tap] ?? 0;
        const b = coefficients[row + tap + 1] ?? 0;
        sum += (input[i] ?? 0) * a + (input[i + 1] ?? 0) * b;
      }
      output[at] = sum;
    }
  }
}
