import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CodecError } from "../errors.ts";
import { decodeWav, encodeWav } from "./wav.ts";

interface WavParts {
  code?: number;
  channels?: number;
  sampleRate?: number;
  bits?: number;
  extensible?: boolean;
  before?: number[];
  dataLength?: number;
  riffLength?: number;
}

function u16(value: number): number[] {
  return [value & 255, (value >> 8) & 255];
}

function u32(value: number): number[] {
  return [...u16(value & 0xffff), ...u16(value >>> 16)];
}

function tag(text: string): number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0));
}

function wav(data: number[], parts: WavParts = {}): Uint8Array {
  const { code = 1, channels = 1, sampleRate = 16_000, bits = 16, extensible = false } = parts;
  const block = (channels * bits) / 8;
  const format = [
    ...u16(extensible ? 0xfffe : code),
    ...u16(channels),
    ...u32(sampleRate),
    ...u32(sampleRate * block),
    ...u16(block),
    ...u16(bits),
    ...(extensible
      ? [...u16(22), ...u16(bits), ...u32(3), ...u16(code), ...tag("0123456789abcd")]
      : []),
  ];
  const body = [
    ...tag("WAVE"),
    ...(parts.before ?? []),
    ...tag("fmt "),
    ...u32(format.length),
    ...format,
    ...tag("data"),
    ...u32(parts.dataLength ?? data.length),
    ...data,
  ];
  return Uint8Array.from([...tag("RIFF"), ...u32(parts.riffLength ?? body.length), ...body]);
}

function floatBytes(...values: number[]): number[] {
  return [...new Uint8Array(Float32Array.from(values).buffer)];
}

describe("decodeWav", () => {
  it("reads 16 bits", () => {
    expect(decodeWav(wav([1, 0, 0xff, 0xff]))).toEqual({
      samples: Int16Array.of(1, -1),
      sampleRate: 16_000,
      channels: 1,
    });
  });

  it("reads 8 bits, which have no sign", () => {
    expect(decodeWav(wav([0, 128, 255], { bits: 8 })).samples).toEqual(
      Int16Array.of(-32768, 0, 127 * 256),
    );
  });

  it("reads the upper 16 of 24 and 32 bits", () => {
    expect(decodeWav(wav([9, 1, 0, 9, 0, 0x80], { bits: 24 })).samples).toEqual(
      Int16Array.of(1, -32768),
    );
    expect(decodeWav(wav([9, 9, 0xfe, 0xff], { bits: 32 })).samples).toEqual(Int16Array.of(-2));
  });

  it("reads floats, and clips them", () => {
    const data = floatBytes(-1, 0, 1, 3, NaN);
    expect(decodeWav(wav(data, { code: 3, bits: 32 })).samples).toEqual(
      Int16Array.of(-32767, 0, 32767, 32767, 0),
    );
  });

  it("finds the true format behind WAVE_FORMAT_EXTENSIBLE", () => {
    const data = floatBytes(1, -1);
    const parts = { code: 3, bits: 32, channels: 2, extensible: true };
    expect(decodeWav(wav(data, parts))).toMatchObject({
      channels: 2,
      samples: Int16Array.of(32767, -32767),
    });
  });

  it("skips chunks it does not know, also of odd length", () => {
    const before = [...tag("LIST"), ...u32(3), 1, 2, 3, 0];
    expect(decodeWav(wav([1, 0], { before })).samples).toEqual(Int16Array.of(1));
  });

  it.each([0xffff_ffff, 0x7fff_f000, 100])(
    "reads to the end where data claim %i bytes",
    (length) => {
      expect(decodeWav(wav([1, 0, 2, 0], { dataLength: length })).samples).toEqual(
        Int16Array.of(1, 2),
      );
    },
  );

  it("reads to the end where a header was written before its data", () => {
    const parts = { dataLength: 0, riffLength: 36 };
    expect(decodeWav(wav([1, 0, 2, 0], parts)).samples).toEqual(Int16Array.of(1, 2));
  });

  it("reads nothing from an empty file that other chunks follow", () => {
    const list = [...tag("LIST"), ...u32(2), 7, 7];
    expect(decodeWav(wav(list, { dataLength: 0 })).samples).toHaveLength(0);
  });

  it("drops a last sample that is cut in two", () => {
    expect(decodeWav(wav([1, 0, 2, 0, 3, 0], { channels: 2 })).samples).toEqual(
      Int16Array.of(1, 2),
    );
  });

  it("reads bytes that lie within a larger buffer", () => {
    const file = wav([1, 0]);
    const larger = new Uint8Array(file.length + 3);
    larger.set(file, 3);
    expect(decodeWav(larger.subarray(3)).samples).toEqual(Int16Array.of(1));
  });

  it.each([
    ["no bytes", new Uint8Array(0), "Not a WAV file"],
    ["another file", Uint8Array.from(tag("OggS            ")), "Not a WAV file"],
    ["mu-law", wav([1], { code: 7, bits: 8 }), "format 7 with 8 bits"],
    ["12 bits", wav([1], { bits: 12 }), "format 1 with 12 bits"],
    ["six channels", wav([], { channels: 6 }), "6 channels"],
    ["rate 0", wav([], { sampleRate: 0 }), "0 Hz"],
    ["no data", wav([]).subarray(0, 36), "no data chunk"],
    ["a cut format", wav([]).subarray(0, 30), "format chunk is cut short"],
  ])("refuses %s and says so", (_, bytes, message) => {
    expect(() => decodeWav(bytes)).toThrow(message);
    expect(() => decodeWav(bytes)).toThrow(CodecError);
  });

  it("reads or refuses any bytes, and never fails otherwise", () => {
    const start = wav([1, 0, 2, 0]);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(start.length - 1), fc.nat(255))), (changes) => {
        const bytes = start.slice();
        for (const [at, value] of changes) bytes[at] = value;
        try {
          decodeWav(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe("encodeWav", () => {
  it("writes the canonical header of 44 bytes", () => {
    const bytes = encodeWav({ samples: Int16Array.of(1, -1), sampleRate: 16_000, channels: 1 });
    expect(bytes).toEqual(wav([1, 0, 255, 255]));
    expect(bytes).toHaveLength(48);
  });

  it("writes what decodeWav reads", () => {
    const samples = fc.array(fc.integer({ min: -32768, max: 32767 }), { maxLength: 50 });
    fc.assert(
      fc.property(samples, fc.constantFrom(1, 2), (values, channels) => {
        const audio = {
          samples: Int16Array.from([...values, ...values]),
          sampleRate: 22_050,
          channels,
        };
        expect(decodeWav(encodeWav(audio as Parameters<typeof encodeWav>[0]))).toEqual(audio);
      }),
      { seed: 2 },
    );
  });
});
