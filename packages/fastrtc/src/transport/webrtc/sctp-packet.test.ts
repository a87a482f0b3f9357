import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSaneSctp } from "./sctp-packet.ts";

function packet(...chunks: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.alloc(12), ...chunks]);
}

function chunk(type: number, body: Buffer, length = body.length + 4): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(length, 2);
  return Buffer.concat([head, body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
}

function data(tsn: number): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32BE(tsn, 0);
  return chunk(0, body);
}

function sack(...gaps: readonly (readonly [number, number])[]): Buffer {
  const body = Buffer.alloc(12 + gaps.length * 4);
  body.writeUInt16BE(gaps.length, 8);
  gaps.forEach(([start, end], index) => {
    body.writeUInt16BE(start, 12 + index * 4);
    body.writeUInt16BE(end, 14 + index * 4);
  });
  return chunk(3, body);
}

describe("isSaneSctp", () => {
  it("lets through what an association needs", () => {
    expect(isSaneSctp(packet(chunk(1, Buffer.alloc(16))), undefined)).toBe(true);
    expect(isSaneSctp(packet(chunk(10, Buffer.alloc(24))), 4)).toBe(true);
    expect(isSaneSctp(packet(data(5), sack([2, 3])), 4)).toBe(true);
    expect(isSaneSctp(packet(chunk(6, Buffer.alloc(0))), 4)).toBe(true);
  });

  it("refuses the chunk of length zero, at which werift would loop forever", () => {
    expect(isSaneSctp(packet(chunk(7, Buffer.alloc(4), 0)), 4)).toBe(false);
  });

  it("refuses parameters of length zero", () => {
    expect(isSaneSctp(packet(chunk(130, Buffer.from([0, 13, 0, 0]))), 4)).toBe(false);
  });

  it("refuses a SACK that names more than can be missing", () => {
    expect(isSaneSctp(packet(sack([1, 65_535])), 4)).toBe(false);
    expect(isSaneSctp(packet(sack(...new Array<[number, number]>(100).fill([1, 2]))), 4)).toBe(
      false,
    );
  });

  it("refuses data from far ahead, across the wrap of sequence numbers too", () => {
    expect(isSaneSctp(packet(data(5000)), 4)).toBe(false);
    expect(isSaneSctp(packet(data(3)), 0xffff_ffff)).toBe(true);
    expect(isSaneSctp(packet(data(0xffff_fff0)), 3)).toBe(true);
  });

  it("refuses kinds of chunks that it does not know, and chunks that are cut", () => {
    expect(isSaneSctp(packet(chunk(77, Buffer.alloc(4))), 4)).toBe(false);
    expect(isSaneSctp(packet(chunk(7, Buffer.alloc(4), 100)), 4)).toBe(false);
  });

  it("judges any bytes without throwing", () => {
    const bytes = fc.array(
      fc.tuple(
        fc.constantFrom(0, 1, 3, 6, 9, 130, 192),
        fc.uint8Array({ maxLength: 40 }),
        fc.nat(60),
      ),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(bytes, (chunks) => {
        const built = packet(
          ...chunks.map(([type, body, length]) => chunk(type, Buffer.from(body), length)),
        );
        expect(typeof isSaneSctp(built, 1)).toBe("boolean");
      }),
      { seed: 9, numRuns: 1500 },
    );
  });
});
