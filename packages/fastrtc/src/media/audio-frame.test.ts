import { describe, expect, it } from "vitest";
import { InvalidOptionError } from "../errors.ts";
import { fitTone, tone } from "../testing/synthetic-audio.ts";
import { AudioFrame, type AudioInput } from "./audio-frame.ts";

const from = (input: unknown): AudioFrame => AudioFrame.from(input as AudioInput);

describe("AudioFrame.from", () => {
  it("returns a frame as it is", () => {
    const frame = AudioFrame.silence(20, 16_000);
    expect(AudioFrame.from(frame)).toBe(frame);
  });

  it("takes FastRTC's pair as mono", () => {
    const frame = AudioFrame.from([24_000, Int16Array.of(1, 2, 3)]);
    expect(frame).toMatchObject({ sampleRate: 24_000, channels: 1, sampleCount: 3 });
  });

  it("takes a pair's channels and timestamp from the defaults", () => {
    const pair = [24_000, Int16Array.of(1, 2)] as const;
    const frame = AudioFrame.from(pair, { channels: 2, timestampMs: 40 });
    expect(frame).toMatchObject({ channels: 2, sampleCount: 1, timestampMs: 40 });
  });

  it("takes a triple's layout before the defaults", () => {
    const frame = AudioFrame.from([24_000, Int16Array.of(1, 2), "mono"], { channels: 2 });
    expect(frame.channels).toBe(1);
    expect(AudioFrame.from([24_000, Int16Array.of(1, 2), "stereo"]).channels).toBe(2);
  });

  it("takes a frame of another copy of the package", () => {
    const foreign = { samples: Int16Array.of(5), sampleRate: 8000, channels: 1, timestampMs: 7 };
    expect(from(foreign)).toMatchObject({ sampleRate: 8000, timestampMs: 7 });
    expect(from(foreign)).toBeInstanceOf(AudioFrame);
  });

  it.each([
    ["a string", "hello", 'Invalid audio: "hello". Give an AudioFrame'],
    ["undefined", undefined, "Invalid audio: undefined. Give an AudioFrame"],
    ["a bare Int16Array", new Int16Array(4), "Invalid audio: Int16Array. Give an AudioFrame"],
    ["an empty array", [], "Invalid audio: array of 0"],
    ["a pair with too much", [8000, new Int16Array(2), "mono", 1], "Invalid audio: array of 4"],
    ["a plain array of samples", [8000, [1, 2, 3]], "Invalid audio: array of 3. Unsupported"],
    ["Float64Array", [8000, new Float64Array(2)], "Invalid audio: Float64Array. Unsupported"],
    ["bytes", [8000, new Uint8Array(2)], "Invalid audio: Uint8Array. Unsupported"],
    ["a swapped pair", [new Int16Array(2), 8000], "Invalid audio: 8000. Unsupported"],
    ["rate 0", [0, new Int16Array(2)], "Invalid sampleRate: 0. Give a whole number of Hz"],
    ["rate NaN", [NaN, new Int16Array(2)], "Invalid sampleRate: NaN"],
    ["a rate in kHz", [24, new Int16Array(2)], "Invalid sampleRate: 24"],
    ["a fractional rate", [22_050.5, new Int16Array(2)], "Invalid sampleRate: 22050.5"],
    ["a rate as text", ["24000", new Int16Array(2)], 'Invalid sampleRate: "24000"'],
    ["another layout", [8000, new Int16Array(2), "5.1"], 'Invalid layout: "5.1"'],
    ["half a stereo sample", [8000, new Int16Array(3), "stereo"], "Invalid samples.length: 3"],
  ])("says what is wrong with %s", (_, input, message) => {
    expect(() => from(input)).toThrow(message);
    expect(() => from(input)).toThrow(InvalidOptionError);
  });
});

describe("AudioFrame", () => {
  it("unpacks like FastRTC's tuple", () => {
    const [rate, samples] = AudioFrame.from([16_000, Int16Array.of(3, 4)]);
    expect(rate).toBe(16_000);
    expect(samples).toEqual(Int16Array.of(3, 4));
  });

  it("counts samples of each channel", () => {
    const frame = new AudioFrame({ samples: new Int16Array(960), sampleRate: 48_000, channels: 2 });
    expect(frame).toMatchObject({ sampleCount: 480, durationMs: 10, timestampMs: 0 });
  });

  it("survives the way over floats, within one step", () => {
    const samples = Int16Array.of(-32768, -12345, -1, 0, 1, 12345, 32767);
    const frame = AudioFrame.fromFloat32(
      new AudioFrame({ samples, sampleRate: 8000 }).toFloat32(),
      8000,
    );
    frame.samples.forEach((value, i) => {
      expect(Math.abs(value - samples[i]!)).toBeLessThanOrEqual(1);
    });
  });

  it("survives the way over a WAV file unchanged", () => {
    const frame = new AudioFrame({
      samples: Int16Array.of(1, -2, 300, -32768),
      sampleRate: 44_100,
      channels: 2,
    });
    expect(AudioFrame.fromWav(frame.toWav())).toEqual(frame);
  });

  it("reads and writes little-endian bytes, at odd addresses too", () => {
    const bytes = Uint8Array.of(0xff, 0x01, 0x00, 0x00, 0x80).subarray(1);
    const frame = AudioFrame.fromBytes(bytes, 8000);
    expect(frame.samples).toEqual(Int16Array.of(1, -32768));
    expect(frame.toBytes()).toEqual(new Uint8Array(bytes));
  });

  it("copies bytes both ways", () => {
    const bytes = Uint8Array.of(1, 0);
    const frame = AudioFrame.fromBytes(bytes, 8000);
    bytes[0] = 9;
    frame.toBytes()[0] = 7;
    expect(frame.samples[0]).toBe(1);
  });

  it("asks to keep an odd byte for the next chunk", () => {
    expect(() => AudioFrame.fromBytes(new Uint8Array(3), 8000)).toThrow(
      "Invalid bytes.length: 3. A 16-bit sample takes two bytes; keep the odd one",
    );
  });

  it("joins frames end to end at the first one's place", () => {
    const first = AudioFrame.from([8000, Int16Array.of(1, 2)], { timestampMs: 100 });
    const joined = AudioFrame.concat([first, AudioFrame.from([8000, Int16Array.of(3)])]);
    expect(joined).toMatchObject({ timestampMs: 100, samples: Int16Array.of(1, 2, 3) });
  });

  it("does not join frames of different rates or layouts, nor none", () => {
    const mono = AudioFrame.silence(10, 8000);
    expect(() => AudioFrame.concat([mono, AudioFrame.silence(10, 16_000)])).toThrow("resample()");
    expect(() => AudioFrame.concat([mono, mono.toStereo()])).toThrow(
      "8000 Hz mono and 8000 Hz stereo",
    );
    expect(() => AudioFrame.concat([])).toThrow("at least one");
  });

  it("is silent for as long as asked", () => {
    const frame = AudioFrame.silence(25, 24_000, 2);
    expect(frame).toMatchObject({ durationMs: 25, sampleCount: 600 });
    expect(frame.samples.every((value) => value === 0)).toBe(true);
    expect(() => AudioFrame.silence(-1, 24_000)).toThrow("Invalid durationMs: -1");
  });

  it("takes the mean for mono, without overflow", () => {
    const stereo = AudioFrame.from([
      8000,
      Int16Array.of(32767, 32767, -32768, -32768, 10, 20),
      "stereo",
    ]);
    expect(stereo.toMono().samples).toEqual(Int16Array.of(32767, -32768, 15));
  });

  it("puts mono on both channels", () => {
    const stereo = AudioFrame.from([8000, Int16Array.of(1, -2)]).toStereo();
    expect(stereo).toMatchObject({ channels: 2, samples: Int16Array.of(1, 1, -2, -2) });
  });

  it("slices whole sample frames and keeps their place", () => {
    const samples = Int16Array.from({ length: 32 }, (_, i) => i);
    const frame = new AudioFrame({ samples, sampleRate: 8000, channels: 2, timestampMs: 50 });
    const part = frame.slice(0.5, 1);
    expect(part).toMatchObject({ timestampMs: 50.5, durationMs: 0.5 });
    expect([...part.samples]).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
    expect(frame.slice(1.5, 99).sampleCount).toBe(4);
    expect(frame.slice(-5, 0.5).sampleCount).toBe(4);
    expect(frame.slice(2, 1).sampleCount).toBe(0);
  });

  it("resamples to exactly the same duration, beginning at the same instant", () => {
    const frame = AudioFrame.fromFloat32(tone(440, 24_000, 2400), 24_000).withTimestamp(80);
    const faster = frame.resample(48_000);
    expect(faster).toMatchObject({ sampleRate: 48_000, sampleCount: 4800, timestampMs: 80 });
    const expected = tone(440, 48_000, 4800);
    for (let i = 200; i < 4600; i++) {
      expect(Math.abs(faster.samples[i]! / 32767 - expected[i]!)).toBeLessThan(0.001);
    }
  });

  it("resamples stereo without mixing its channels", () => {
    const left = AudioFrame.fromFloat32(tone(500, 48_000, 9600), 48_000).samples;
    const samples = Int16Array.from({ length: 19_200 }, (_, i) => (i % 2 ? 0 : left[i / 2]!));
    const { samples: resampled } = new AudioFrame({
      samples,
      sampleRate: 48_000,
      channels: 2,
    }).resample(16_000);
    const leftOut = resampled.filter((_, i) => i % 2 === 0).subarray(200, 3000);
    expect(fitTone(leftOut, 500, 16_000).signalToNoiseDb).toBeGreaterThan(80);
    expect(resampled.filter((_, i) => i % 2 === 1).every((value) => value === 0)).toBe(true);
  });
});
