import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TransportError } from "../../errors.ts";
import {
  AudioSocketParser,
  AudioSocketWire,
  audioRateOf,
  hangUpMessage,
  silenceOf,
  uuidOf,
} from "./audiosocket.ts";
import type { CarrierWire } from "./carrier.ts";

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
const message = (kind: number, content: Uint8Array): Uint8Array =>
  bytes(kind, content.length >> 8, content.length & 0xff, ...content);
const UUID = bytes(0x01, 0, 16, ...Array.from({ length: 16 }, (_, index) => 0xa0 + index));

function parsed(pieces: readonly Uint8Array[], maxContentBytes = 65_535): Uint8Array[] {
  const messages: Uint8Array[] = [];
  const parser = new AudioSocketParser((part) => messages.push(part.slice()));
  parser.maxContentBytes = maxContentBytes;
  for (const piece of pieces) parser.push(piece);
  return messages;
}

describe("AudioSocketParser", () => {
  it("finds the same messages however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 700 })), {
          maxLength: 8,
        }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 40 }),
        (contents, cuts) => {
          const messages = contents.map(([kind, content]) => message(kind, content));
          const stream = Uint8Array.from(messages.flatMap((part) => [...part]));
          const pieces: Uint8Array[] = [];
          for (let at = 0, cut = 0; at < stream.length; cut++) {
            const size = cuts[cut % cuts.length]!;
            pieces.push(stream.slice(at, at + size));
            at += size;
          }
          expect(parsed(pieces)).toEqual(messages);
        },
      ),
      { seed: 5, numRuns: 300 },
    );
  });

  it("finds nothing in a header whose content has not come", () => {
    expect(parsed([bytes(0x10), bytes(0), bytes(2), bytes(7)])).toEqual([]);
    expect(parsed([bytes(0x10), bytes(0), bytes(2), bytes(7), bytes(8)])).toEqual([
      bytes(0x10, 0, 2, 7, 8),
    ]);
  });

  it("reads the length's more significant byte first", () => {
    expect(parsed([bytes(0x10, 1, 0), new Uint8Array(256)])[0]).toHaveLength(259);
  });

  it("gives a stranger no more memory than a UUID needs", () => {
    expect(() => parsed([bytes(0x01, 0, 17)], 16)).toThrow(TransportError);
    expect(() => parsed([bytes(0x47), bytes(0x45), bytes(0x54)], 16)).toThrow(TransportError);
    expect(parsed([UUID], 16)).toEqual([UUID]);
  });
});

describe("a connection's first message", () => {
  it("names the call", () => {
    expect(uuidOf(UUID)).toBe("a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf");
  });

  it.each([
    ["audio", message(0x10, new Uint8Array(16))],
    ["a short UUID", message(0x01, new Uint8Array(15))],
    ["a hang-up", hangUpMessage()],
  ])("may not be %s", (_what, first) => {
    expect(() => uuidOf(first)).toThrow(TransportError);
  });
});

describe("AudioSocketWire", () => {
  const wire = new AudioSocketWire(8000);
  const anyWire: CarrierWire = wire;

  it("reads audio, keys, errors and the end, and passes over what it does not know", () => {
    expect(wire.read(message(0x10, bytes(1, 2)))).toEqual({ type: "audio", data: bytes(1, 2) });
    expect(wire.read(bytes(0x03, 0, 1, 0x35))).toEqual({ type: "dtmf", digit: "5" });
    expect(wire.read(bytes(0xff, 0, 1, 4))).toEqual({ type: "complaint", text: "Error 04." });
    expect(wire.read(bytes(0, 0, 0))).toEqual({ type: "stop" });
    expect(wire.read(message(0x10, bytes()))).toBeUndefined();
    expect(wire.read(message(0x02, bytes(1)))).toBeUndefined();
    expect(wire.read(UUID)).toBeUndefined();
  });

  it.each([
    ["half a sample", message(0x10, bytes(1, 2, 3))],
    ["a key that is none", message(0x03, bytes(0x20))],
    ["two keys at once", message(0x03, bytes(0x35, 0x35))],
    ["no key", message(0x03, bytes())],
    ["text", "hello"],
  ])("refuses %s", (_what, given) => {
    expect(() => wire.read(given)).toThrow(TransportError);
  });

  it("complains once of audio at another rate, and drops it", () => {
    const own = new AudioSocketWire(16_000);
    expect(own.read(message(0x12, bytes(1, 2)))).toMatchObject({ type: "audio" });
    expect(own.read(message(0x10, bytes(1, 2)))).toMatchObject({ type: "complaint" });
    expect(own.read(message(0x10, bytes(1, 2)))).toBeUndefined();
  });

  it.each([
    [8000, 0x10],
    [12_000, 0x11],
    [16_000, 0x12],
    [24_000, 0x13],
    [32_000, 0x14],
    [44_100, 0x15],
    [48_000, 0x16],
    [96_000, 0x17],
    [192_000, 0x18],
  ])("writes %d Hz as kind %d, header and content in one piece", (sampleRate, kind) => {
    const data = new Uint8Array((2 * sampleRate) / 50).fill(7);
    const sent = new AudioSocketWire(sampleRate).audio(data)!;
    expect(sent).toEqual(message(kind, data));
    expect(audioRateOf(sent)).toBe(sampleRate);
    expect(silenceOf(sampleRate)).toEqual(message(kind, data.fill(0)));
  });

  it("never sends what makes Asterisk end the call: audio without samples, or keys", () => {
    expect(wire.audio(bytes())).toBeUndefined();
    expect(anyWire.dtmf("5")).toBeUndefined();
  });

  it("has neither marks nor a clear, and hangs up with an empty message", () => {
    expect(anyWire.mark("e1:1")).toBeUndefined();
    expect(anyWire.clear()).toBeUndefined();
    expect(wire.hangUp()).toEqual(bytes(0, 0, 0));
  });
});
