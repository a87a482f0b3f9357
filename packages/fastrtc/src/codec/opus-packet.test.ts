import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CodecError } from "../errors.ts";
import { createOpusDecoder } from "./opus-decoder.ts";
import { createOpusEncoder } from "./opus-encoder.ts";
import { opusPacketDurationSamples } from "./opus-packet.ts";

/** A packet whose first byte says `config`, mono, and `code`. */
function packet(config: number, code: number, ...rest: number[]): Uint8Array {
  return Uint8Array.of((config << 3) | code, ...rest);
}

function zeros(count: number): number[] {
  return new Array<number>(count).fill(0);
}

describe("opusPacketDurationSamples", () => {
  // https://www.rfc-editor.org/rfc/rfc6716#section-3.1, table 2
  it.each([
    ["SILK", 0, [480, 960, 1920, 2880]],
    ["SILK", 4, [480, 960, 1920, 2880]],
    ["SILK", 8, [480, 960, 1920, 2880]],
    ["hybrid", 12, [480, 960]],
    ["hybrid", 14, [480, 960]],
    ["CELT", 16, [120, 240, 480, 960]],
    ["CELT", 20, [120, 240, 480, 960]],
    ["CELT", 24, [120, 240, 480, 960]],
    ["CELT", 28, [120, 240, 480, 960]],
  ])("knows the frame sizes of %s from configuration %i on", (_, first, sizes) => {
    sizes.forEach((size, i) => {
      expect(opusPacketDurationSamples(packet(first + i, 0, 1))).toBe(size);
    });
  });

  it("counts at the rate it is asked for", () => {
    expect(opusPacketDurationSamples(packet(1, 0, 1), 8000)).toBe(160);
    expect(opusPacketDurationSamples(packet(16, 0, 1), 16_000)).toBe(40);
  });

  it("counts the frames of a packet", () => {
    expect(opusPacketDurationSamples(packet(1, 1, 0, 0))).toBe(1920);
    expect(opusPacketDurationSamples(packet(1, 2, 1, 0, 0))).toBe(1920);
    expect(opusPacketDurationSamples(packet(1, 3, 3, 0, 0, 0))).toBe(2880);
  });

  it("takes a lone first byte for silence of its duration", () => {
    expect(opusPacketDurationSamples(packet(9, 0))).toBe(960);
  });

  it.each([
    ["an empty packet (R1)", new Uint8Array(0)],
    ["a frame of more than 1,275 bytes (R2)", packet(1, 0, ...zeros(1276))],
    ["two equal frames of an odd number of bytes (R3)", packet(1, 1, 0)],
    ["two frames without a length (R4)", packet(1, 2)],
    ["two frames with half a length (R4)", packet(1, 2, 252)],
    ["a first frame longer than the packet (R4)", packet(1, 2, 9, 0)],
    ["many frames without a count (R5)", packet(1, 3)],
    ["no frames (R5)", packet(1, 3, 0)],
    ["more than 120 ms (R5)", packet(1, 3, 7, ...zeros(7))],
    ["equal frames that do not divide the bytes (R6)", packet(1, 3, 3, ...zeros(4))],
    ["more padding than there are bytes (R6)", packet(1, 3, 0x41, 9, 0)],
    ["padding without end (R6)", packet(1, 3, 0x41, 255)],
    ["varying frames longer than the packet (R7)", packet(1, 3, 0x82, 9, 0)],
  ])("rejects %s", (_, bytes) => {
    expect(opusPacketDurationSamples(bytes)).toBeUndefined();
  });

  it("agrees with the encoder for every frame length", () => {
    for (const frameMs of [2.5, 5, 10, 20, 40, 60] as const) {
      const encoder = createOpusEncoder({ frameMs, sampleRate: 16_000 });
      const bytes = encoder.encode(new Int16Array(encoder.frameSamples));
      expect(opusPacketDurationSamples(bytes)).toBe(48 * frameMs);
      encoder.free();
    }
  });

  it("accepts exactly what libopus decodes, and says how long it will be", () => {
    const decoder = createOpusDecoder();
    const head = fc.uint8Array({ minLength: 1, maxLength: 6 });
    const body = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(head, body, (first, rest) => {
        const bytes = Uint8Array.of(...first, ...rest);
        const duration = opusPacketDurationSamples(bytes);
        if (duration === undefined) expect(() => decoder.decode(bytes)).toThrow(CodecError);
        else expect(decoder.decode(bytes)).toHaveLength(duration);
      }),
      { seed: 4, numRuns: 3000 },
    );
    decoder.free();
  });
});
