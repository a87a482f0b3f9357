import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidOptionError } from "../errors.ts";
import { fitTone, rootMeanSquare, speechLike, tone } from "../testing/synthetic-audio.ts";
import { resample, StreamingResampler } from "./resampler.ts";

const RATES = [8000, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
const PAIRS = RATES.flatMap((input) =>
  RATES.filter((output) => output !== input).map((output) => [input, output] as const),
);

const recordings = new Map<number, Int16Array>();

function speech(sampleRate: number): Int16Array {
  const recording = recordings.get(sampleRate) ?? speechLike(sampleRate, 2500);
  recordings.set(sampleRate, recording);
  return recording;
}

/** Runs floats through in chunks of 20 ms and leaves out where the filter fills. */
function settled(input: Float32Array, inputRate: number, outputRate: number): Float32Array {
  const resampler = new StreamingResampler(inputRate, outputRate);
  const size = inputRate / 50;
  const output: number[] = [];
  for (let at = 0; at + size <= input.length; at += size) {
    output.push(...resampler.processToFloat32(input.subarray(at, at + size)));
  }
  return Float32Array.from(output.slice(outputRate / 50));
}

describe("StreamingResampler", () => {
  it.each(PAIRS)("keeps a tone clean from %i to %i Hz", (input, output) => {
    const result = settled(tone(1000, input, input / 2), input, output);
    const { amplitude, signalToNoiseDb } = fitTone(result, 1000, output);
    expect(signalToNoiseDb).toBeGreaterThan(100);
    expect(amplitude).toBeCloseTo(0.5, 4);
  });

  it.each(PAIRS)(
    "is flat up to 0.85 of the lower Nyquist frequency from %i to %i Hz",
    (input, output) => {
      const nyquist = Math.min(input, output) / 2;
      for (const [share, toleranceDb] of [
        [0.1, 0.01],
        [0.5, 0.01],
        [0.75, 0.01],
        [0.85, 0.6],
      ] as const) {
        const frequency = nyquist * share;
        const result = settled(tone(frequency, input, input / 4), input, output);
        const { amplitude } = fitTone(result, frequency, output);
        expect(Math.abs(20 * Math.log10(amplitude / 0.5))).toBeLessThan(toleranceDb);
      }
    },
  );

  it.each(PAIRS.filter(([input, output]) => output < input))(
    "lets no alias through from %i to %i Hz",
    (input, output) => {
      for (const share of [1.15, 1.3, 1.7, 2.2, 3.1, 5.5]) {
        const frequency = (output / 2) * share;
        if (frequency >= input / 2) continue;
        const alias = settled(tone(frequency, input, input / 4), input, output);
        expect(20 * Math.log10(rootMeanSquare(alias) / (0.5 * Math.SQRT1_2))).toBeLessThan(-94);
      }
    },
  );

  it.each(PAIRS.filter(([input, output]) => output > input))(
    "adds no image from %i to %i Hz",
    (input, output) => {
      const frequency = (input / 2) * 0.85;
      const result = settled(tone(frequency, input, input / 2), input, output);
      expect(fitTone(result, frequency, output).signalToNoiseDb).toBeGreaterThan(94);
    },
  );

  it("delays 48 to 16 kHz by one millisecond", () => {
    expect(new StreamingResampler(48_000, 16_000).delayMs).toBe(1);
  });

  it("delays by what it says", () => {
    for (const [input, output] of PAIRS) {
      const resampler = new StreamingResampler(input, output);
      const impulse = new Float32Array(input / 50);
      impulse[0] = 1;
      const response = resampler.processToFloat32(impulse);
      // The centre of mass of the impulse response, its sum being one sample of the output rate.
      const sum = response.reduce((total, value) => total + value, 0);
      const center = response.reduce((total, value, i) => total + value * i, 0) / sum;
      expect((center * 1000) / output).toBeCloseTo(resampler.delayMs, 1);
    }
  });

  it("passes a constant unchanged in every phase", () => {
    for (const [input, output] of PAIRS) {
      const result = settled(new Float32Array(input / 10).fill(0.5), input, output);
      for (const value of result) expect(Math.abs(value - 0.5)).toBeLessThan(1e-6);
    }
  });

  it("gives the same sound and the exact count however the stream is cut", () => {
    const chunks = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        chunks,
        fc.constantFrom(...PAIRS),
        fc.constantFrom<(1 | 2)[]>(1, 2),
        (sizes, [input, output], channels) => {
          const count = sizes.reduce((sum, size) => sum + size, 0);
          const stream = speech(input).subarray(0, count * channels);
          const whole = new StreamingResampler(input, output, channels).process(stream);
          const resampler = new StreamingResampler(input, output, channels);
          const pieces: number[] = [];
          let at = 0;
          for (const size of sizes) {
            pieces.push(...resampler.process(stream.subarray(at, at + size * channels)));
            at += size * channels;
          }
          expect(pieces).toEqual([...whole]);
          expect(whole.length).toBe(Math.ceil((count * output) / input) * channels);
        },
      ),
      { seed: 3, numRuns: 150 },
    );
  });

  it("keeps the exact count over half a minute", () => {
    const resampler = new StreamingResampler(44_100, 16_000);
    const chunk = new Int16Array(44_100);
    let count = 0;
    for (let second = 0; second < 30; second++) count += resampler.process(chunk).length;
    expect(count).toBe(30 * 16_000);
  });

  it("reuses its output", () => {
    const resampler = new StreamingResampler(48_000, 16_000);
    const chunk = speechLike(48_000, 20);
    const first = resampler.process(chunk);
    expect(resampler.process(chunk)).toBe(first);
    const floats = resampler.processToFloat32(chunk);
    expect(resampler.processToFloat32(chunk)).toBe(floats);
  });

  it("clips where the filter overshoots, and does not wrap around", () => {
    const square = Int16Array.from({ length: 4800 }, (_, i) => (i % 200 < 100 ? 32767 : -32768));
    const result = new StreamingResampler(48_000, 44_100).process(square);
    expect(Math.max(...result)).toBe(32767);
    // Between the edges the sign is that of the square wave, which wrapping would turn around.
    const delay = 16;
    for (let period = 5; period < 40; period++) {
      const middle = Math.round(((period * 100 + 50 + delay) * 44_100) / 48_000);
      expect(Math.sign(result[middle]!)).toBe(period % 2 ? -1 : 1);
    }
  });

  it("passes samples through where rates are equal", () => {
    const samples = Int16Array.of(1, -2, 16_384);
    const resampler = new StreamingResampler(48_000, 48_000);
    expect(resampler.delayMs).toBe(0);
    expect(resampler.process(samples)).toEqual(samples);
    expect(resampler.processToFloat32(samples)).toEqual(
      Float32Array.from(samples, (x) => x / 32768),
    );
    expect(resampler.flush()).toHaveLength(0);
  });

  it("gives the held-back end when it is flushed, and begins anew", () => {
    const input = speechLike(48_000, 200);
    const resampler = new StreamingResampler(48_000, 16_000);
    const first = [...resampler.process(input)];
    const tail = [...resampler.flush()];
    expect(tail).toHaveLength(16);
    const padded = new Int16Array(input.length + 48);
    padded.set(input);
    expect([...first, ...tail]).toEqual([
      ...new StreamingResampler(48_000, 16_000).process(padded),
    ]);
    expect([...resampler.process(input)]).toEqual(first);
  });

  it("is as new after a reset", () => {
    const input = speechLike(44_100, 100);
    const resampler = new StreamingResampler(44_100, 16_000);
    const first = [...resampler.process(input)];
    resampler.process(input.subarray(0, 777));
    resampler.reset();
    expect([...resampler.process(input)]).toEqual(first);
  });

  it("refuses rates without a small ratio, and nonsense", () => {
    expect(() => new StreamingResampler(47_999, 48_000)).toThrow("multiples of 25 Hz");
    expect(() => new StreamingResampler(0, 48_000)).toThrow(InvalidOptionError);
    expect(() => new StreamingResampler(48_000, NaN)).toThrow("Invalid outputRate: NaN");
    expect(() => new StreamingResampler(48_000, 16_000, 3 as 1)).toThrow("Invalid channels: 3");
  });
});

describe("resample", () => {
  it("lines up with the recording and has its length", () => {
    for (const [input, output] of PAIRS) {
      const samples = Int16Array.from(tone(300, input, input / 10), (x) => Math.round(x * 32767));
      const result = resample(samples, input, output, 1);
      expect(result.length).toBe(Math.ceil((samples.length * output) / input));
      const expected = tone(300, output, result.length);
      for (let i = result.length / 4; i < result.length / 2; i++) {
        const at = Math.floor(i);
        expect(Math.abs(result[at]! / 32767 - expected[at]!)).toBeLessThan(0.001);
      }
    }
  });

  it("returns a copy where nothing changes", () => {
    const samples = Int16Array.of(1, 2);
    const result = resample(samples, 8000, 8000, 1);
    expect(result).toEqual(samples);
    expect(result).not.toBe(samples);
  });
});
