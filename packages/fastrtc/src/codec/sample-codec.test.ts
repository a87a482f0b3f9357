import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CodecError, InvalidOptionError, InvalidStateError } from "../errors.ts";
import { rootMeanSquare, tone } from "../testing/synthetic-audio.ts";
import { createAlawDecoder, createAlawEncoder } from "./alaw.ts";
import { createMulawDecoder, createMulawEncoder } from "./mulaw.ts";
import { createPcm16Decoder, createPcm16Encoder } from "./pcm16.ts";

function mulawOf(samples: Int16Array): Uint8Array {
  const frameMs = samples.length / 8;
  return createMulawEncoder({ sampleRate: 8000, frameMs }).encode(samples);
}

describe("mu-law", () => {
  it("decodes the codes that G.711 lists", () => {
    const decoder = createMulawDecoder({ sampleRate: 8000 });
    // Table 2a/G.711, columns 6 and 8, in steps of a 14-bit number: times four in 16 bits.
    const listed = [
      [0x80, 8031],
      [0x8f, 4191],
      [0x9f, 2079],
      [0xaf, 1023],
      [0xbf, 495],
      [0xcf, 231],
      [0xdf, 99],
      [0xef, 33],
      [0xfe, 2],
      [0xff, 0],
    ] as const;
    for (const [code, value] of listed) {
      expect(decoder.decode(Uint8Array.of(code))[0]).toBe(4 * value);
      expect(decoder.decode(Uint8Array.of(code & 0x7f))[0]).toBe(value === 0 ? 0 : -4 * value);
    }
  });

  it("encodes each of its own values to itself", () => {
    const codes = Uint8Array.from({ length: 256 }, (_, code) => code);
    const values = createMulawDecoder({ sampleRate: 8000 }).decode(codes).slice();
    // Negative zero, 0x7f, is the one value with two codes.
    expect(mulawOf(values)).toEqual(codes.map((code) => (code === 0x7f ? 0xff : code)));
  });

  it("encodes every 16-bit sample by the decision values that G.711 lists", () => {
    // Table 2a/G.711: one interval of 1, fifteen of 2, then sixteen each of 4 up to 256.
    const codeOf: number[] = [];
    let code = 0xff;
    for (const [count, width] of [
      [1, 1],
      [15, 2],
      [16, 4],
      [16, 8],
      [16, 16],
      [16, 32],
      [16, 64],
      [16, 128],
      [16, 256],
    ] as const) {
      for (let i = 0; i < count; i++, code--) codeOf.push(...new Array<number>(width).fill(code));
    }
    expect(codeOf).toHaveLength(8159);
    const codes = new Uint8Array(65_536);
    const samples = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768);
    for (let at = 0; at < samples.length; at += 8000) {
      codes.set(mulawOf(samples.subarray(at, at + 8000)), at);
    }
    // 14 of the 16 bits count, those of negative numbers in one's complement: ITU-T G.191.
    const expected = Uint8Array.from(samples, (sample) => {
      const magnitude = Math.min((sample < 0 ? ~sample : sample) >> 2, 8158);
      return codeOf[magnitude]! & (sample < 0 ? 0x7f : 0xff);
    });
    expect(Buffer.from(codes).equals(Buffer.from(expected))).toBe(true);
  });
});

describe("A-law", () => {
  it("decodes the codes that G.711 lists", () => {
    const decoder = createAlawDecoder({ sampleRate: 8000 });
    // Table 1a/G.711, columns 6 and 8, in steps of a 13-bit number: times eight in 16 bits.
    const listed = [
      [0xff, 4032],
      [0xf0, 2112],
      [0xe0, 1056],
      [0xd0, 528],
      [0xc0, 264],
      [0xb0, 132],
      [0xa0, 66],
      [0x9f, 63],
      [0x90, 33],
      [0x8f, 31],
      [0x80, 1],
    ] as const;
    for (const [code, value] of listed) {
      // Note 1 of the table: the even bits are inverted before transmission.
      expect(decoder.decode(Uint8Array.of(code ^ 0x55))[0]).toBe(8 * value);
      expect(decoder.decode(Uint8Array.of((code & 0x7f) ^ 0x55))[0]).toBe(-8 * value);
    }
  });

  it("encodes each of its own values to itself", () => {
    const codes = Uint8Array.from({ length: 256 }, (_, code) => code);
    const values = createAlawDecoder({ sampleRate: 8000 }).decode(codes).slice();
    expect(createAlawEncoder({ sampleRate: 8000, frameMs: 32 }).encode(values)).toEqual(codes);
  });

  it("encodes every 16-bit sample by the decision values that G.711 lists", () => {
    // Table 1a/G.711: thirty-two intervals of 2, then sixteen each of 4 up to 128.
    const codeOf: number[] = [];
    let code = 0x80;
    for (const [count, width] of [
      [32, 2],
      [16, 4],
      [16, 8],
      [16, 16],
      [16, 32],
      [16, 64],
      [16, 128],
    ] as const) {
      for (let i = 0; i < count; i++, code++) codeOf.push(...new Array<number>(width).fill(code));
    }
    expect(codeOf).toHaveLength(4096);
    const encoder = createAlawEncoder({ sampleRate: 65_536, frameMs: 1000 });
    const samples = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768);
    // 13 of the 16 bits count, those of negative numbers in one's complement: ITU-T G.191.
    const expected = Uint8Array.from(samples, (sample) => {
      const listed = codeOf[(sample < 0 ? ~sample : sample) >> 3]!;
      return (listed & (sample < 0 ? 0x7f : 0xff)) ^ 0x55;
    });
    expect(Buffer.from(encoder.encode(samples)).equals(Buffer.from(expected))).toBe(true);
  });
});

describe("pcm16", () => {
  it("carries every sample unchanged", () => {
    const samples = fc.array(fc.integer({ min: -32768, max: 32767 }), {
      minLength: 160,
      maxLength: 160,
    });
    const encoder = createPcm16Encoder({ sampleRate: 8000 });
    const decoder = createPcm16Decoder({ sampleRate: 8000 });
    fc.assert(
      fc.property(samples, (values) => {
        expect([...decoder.decode(encoder.encode(Int16Array.from(values)))]).toEqual(values);
      }),
      { seed: 6 },
    );
  });

  it("is little-endian, at odd addresses too", () => {
    const decoder = createPcm16Decoder({ sampleRate: 8000 });
    expect(decoder.decode(Uint8Array.of(9, 0x34, 0x12, 0x00, 0x80).subarray(1))).toEqual(
      Int16Array.of(0x1234, -32768),
    );
  });
});

describe.each([
  ["pcm16", createPcm16Decoder, createPcm16Encoder],
  ["mulaw", createMulawDecoder, createMulawEncoder],
  ["alaw", createAlawDecoder, createAlawEncoder],
] as const)("%s", (name, createDecoder, createEncoder) => {
  function afterTone(): ReturnType<typeof createDecoder> {
    const encoder = createEncoder({ sampleRate: 8000 });
    const decoder = createDecoder({ sampleRate: 8000 });
    const samples = Int16Array.from(tone(200, 8000, 400), (x) => x * 32767);
    for (let at = 0; at + 160 <= 400; at += 160) {
      decoder.decode(encoder.encode(samples.subarray(at, at + 160)));
    }
    return decoder;
  }

  it("goes on with the sound in a gap and fades to silence within 60 ms", () => {
    const decoder = afterTone();
    const levels = Array.from({ length: 5 }, () => rootMeanSquare(decoder.conceal(160)));
    expect(levels[0]).toBeGreaterThan(8000);
    expect(levels[1]).toBeLessThan(levels[0]!);
    expect(levels[2]).toBeLessThan(levels[1]!);
    expect(levels.slice(3)).toEqual([0, 0]);
  });

  it("does not click at a gap's begin, within it, or at its end", () => {
    const encoder = createEncoder({ sampleRate: 8000 });
    const decoder = createDecoder({ sampleRate: 8000 });
    const samples = Int16Array.from(tone(200, 8000, 1600), (x) => x * 32767);
    const output: number[] = [];
    for (let i = 0; i < 10; i++) {
      const packet = encoder.encode(samples.subarray(i * 160, (i + 1) * 160));
      output.push(
        ...(i === 3 || i === 6 || i === 7 ? decoder.conceal(160) : decoder.decode(packet)),
      );
    }
    const steepest = (0.5 * 32767 * 2 * Math.PI * 200) / 8000;
    for (let i = 1; i < output.length; i++) {
      expect(Math.abs(output[i]! - output[i - 1]!)).toBeLessThan(steepest * 1.9);
    }
  });

  it("conceals silence before the first sound", () => {
    const decoder = createDecoder({ sampleRate: 8000, channels: 2 });
    expect(decoder.conceal(160)).toEqual(new Int16Array(320));
  });

  it("starts a new fade after good sound", () => {
    const decoder = afterTone();
    decoder.conceal(800);
    const encoder = createEncoder({ sampleRate: 8000 });
    decoder.decode(encoder.encode(Int16Array.from(tone(200, 8000, 160), (x) => x * 32767)));
    expect(rootMeanSquare(decoder.conceal(160))).toBeGreaterThan(8000);
  });

  it("refuses gaps of no length or of more than a second", () => {
    const decoder = createDecoder({ sampleRate: 8000 });
    for (const duration of [0, -1, NaN, 8001]) {
      expect(() => decoder.conceal(duration)).toThrow(CodecError);
    }
    expect(decoder.conceal(8000)).toHaveLength(8000);
  });

  it("decodes whole samples of any number, refuses others, and stays usable", () => {
    const decoder = createDecoder({ sampleRate: 8000, channels: 2 });
    expect(() => decoder.decode(new Uint8Array(7))).toThrow(`${name} decode: 7 bytes`);
    expect(() => decoder.decode(new Uint8Array(7))).toThrow(CodecError);
    expect(decoder.decode(new Uint8Array(0))).toHaveLength(0);
    expect(decoder.decode(new Uint8Array(8)).length).toBeGreaterThan(0);
  });

  it("encodes frames of one length alone", () => {
    const encoder = createEncoder({ sampleRate: 16_000, channels: 2, frameMs: 10 });
    expect(encoder.frameSamples).toBe(160);
    expect(() => encoder.encode(new Int16Array(160))).toThrow("a frame has 320");
    expect(encoder.encode(new Int16Array(320)).length).toBe(name === "pcm16" ? 640 : 320);
  });

  it("refuses frames that are no whole number of samples", () => {
    expect(() => createEncoder({ sampleRate: 22_050, frameMs: 2.5 })).toThrow(InvalidOptionError);
    expect(() => createEncoder({ sampleRate: 8000, frameMs: 0 })).toThrow("Invalid frameMs: 0");
  });

  it("may be freed twice, and throws when used after that", () => {
    const decoder = createDecoder({ sampleRate: 8000 });
    const encoder = createEncoder({ sampleRate: 8000 });
    for (let i = 0; i < 2; i++) {
      decoder.free();
      encoder.free();
    }
    expect(() => decoder.decode(new Uint8Array(2))).toThrow(InvalidStateError);
    expect(() => decoder.conceal(1)).toThrow(InvalidStateError);
    expect(() => encoder.encode(new Int16Array(160))).toThrow(InvalidStateError);
  });
});
