import { describe, expect, it } from "vitest";
import { CodecError, InvalidOptionError, InvalidStateError } from "../errors.ts";
import type { AudioFormat } from "../media/encoded-chunk.ts";
import { fitTone, tone } from "../testing/synthetic-audio.ts";
import { createDecoder, createEncoder } from "./create-codec.ts";

const OPUS: AudioFormat = { codec: "opus", sampleRate: 48_000, channels: 2 };
const MULAW: AudioFormat = { codec: "mulaw", sampleRate: 8000, channels: 1 };
const ALAW: AudioFormat = { codec: "alaw", sampleRate: 8000, channels: 1 };
const PCM16: AudioFormat = { codec: "pcm16", sampleRate: 24_000, channels: 1 };

const CASES = [OPUS, MULAW, ALAW, PCM16].flatMap((format) =>
  [8000, 16_000, 24_000, 44_100, 48_000].flatMap((sampleRate) =>
    ([1, 2] as const).map((channels) => ({ codec: format.codec, format, sampleRate, channels })),
  ),
);

describe("createEncoder and createDecoder", () => {
  it.each(CASES)(
    "carry a tone over $codec at $sampleRate Hz and $channels channels",
    ({ format, sampleRate, channels }) => {
      const encoder = createEncoder(format, sampleRate, channels);
      const decoder = createDecoder(format, sampleRate, channels);
      expect(encoder).toMatchObject({ sampleRate, channels, frameSamples: sampleRate / 50 });
      expect(decoder).toMatchObject({ sampleRate, channels });
      const mono = tone(440, sampleRate, sampleRate);
      const samples = Int16Array.from(
        { length: mono.length * channels },
        (_, i) => mono[Math.floor(i / channels)]! * 32767,
      );
      const size = encoder.frameSamples * channels;
      const output: number[] = [];
      for (let at = 0; at + size <= samples.length; at += size) {
        output.push(...decoder.decode(encoder.encode(samples.subarray(at, at + size))));
      }
      expect(output).toHaveLength(samples.length);
      for (let channel = 0; channel < channels; channel++) {
        const one = Int16Array.from(output.filter((_, i) => i % channels === channel));
        const settled = one.subarray(one.length / 2);
        const { amplitude, signalToNoiseDb } = fitTone(settled, 440, sampleRate);
        expect(signalToNoiseDb).toBeGreaterThan(format.codec === "pcm16" ? 75 : 20);
        expect(amplitude / 32767).toBeCloseTo(0.5, 1);
      }
      encoder.free();
      decoder.free();
    },
  );

  it("conceal as much as is missing at the rate that was asked for", () => {
    for (const format of [OPUS, MULAW, ALAW, PCM16]) {
      for (const sampleRate of [16_000, 44_100, 48_000]) {
        const decoder = createDecoder(format, sampleRate, 2);
        let count = 0;
        for (let i = 0; i < 10; i++) count += decoder.conceal(sampleRate / 50).length;
        expect(count).toBe((2 * sampleRate) / 5);
        decoder.free();
      }
    }
  });

  it("encode Opus at the rate that there is, without resampling", () => {
    const encoder = createEncoder(OPUS, 24_000, 1, { frameMs: 40 });
    expect(encoder.frameSamples).toBe(960);
    encoder.free();
  });

  it("use the frame length for every codec", () => {
    expect(createEncoder(MULAW, 16_000, 1, { frameMs: 40 }).frameSamples).toBe(640);
    expect(createEncoder(ALAW, 16_000, 1, { frameMs: 40 }).frameSamples).toBe(640);
    expect(createEncoder(PCM16, 24_000, 1, { frameMs: 10 }).frameSamples).toBe(240);
  });

  it("refuse frames that are no whole number of samples", () => {
    expect(() => createEncoder(MULAW, 11_025, 1)).toThrow("multiple of 50 Hz");
    expect(() => createEncoder(OPUS, 0, 1)).toThrow(InvalidOptionError);
    expect(() => createDecoder(OPUS, 48_000, 5 as 1)).toThrow("Invalid channels: 5");
  });

  it("refuse frames of another length also where they convert", () => {
    const encoder = createEncoder(MULAW, 48_000, 2);
    expect(() => encoder.encode(new Int16Array(960))).toThrow("a frame has 1920");
    expect(() => encoder.encode(new Int16Array(960))).toThrow(CodecError);
  });

  it("forget the past on a reset also where they convert", () => {
    const encoder = createEncoder(MULAW, 48_000, 1);
    const loud = Int16Array.from(tone(440, 48_000, 960), (x) => x * 32767);
    const first = encoder.encode(loud);
    encoder.encode(loud);
    encoder.setPacketLoss(10);
    encoder.reset();
    expect(encoder.encode(loud)).toEqual(first);
  });

  it("throw when used after free also where they convert", () => {
    const encoder = createEncoder(MULAW, 48_000, 1);
    const decoder = createDecoder(MULAW, 48_000, 1);
    encoder.free();
    decoder.free();
    expect(() => encoder.encode(new Int16Array(960))).toThrow(InvalidStateError);
    expect(() => decoder.decode(new Uint8Array(160))).toThrow(InvalidStateError);
  });
});
