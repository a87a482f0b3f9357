import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isRtcp, readRtpHeader, withoutPadding, writeRtpHeader } from "./rtp.ts";

const HEADER = {
  marker: true,
  payloadType: 111,
  sequenceNumber: 65_535,
  timestamp: 0xffff_ffff,
  ssrc: 0x8000_0001,
};

describe("RTP", () => {
  it("reads the header that it writes", () => {
    const packet = Buffer.alloc(20);
    writeRtpHeader(packet, HEADER);
    expect(readRtpHeader(packet)).toEqual({ ...HEADER, headerLength: 12, hasPadding: false });
  });

  it("skips contributing sources and extensions", () => {
    const packet = Buffer.alloc(40);
    writeRtpHeader(packet, HEADER);
    packet.writeUInt8(0x80 | 0x10 | 2, 0);
    packet.writeUInt16BE(1, 12 + 8 + 2);
    expect(readRtpHeader(packet)?.headerLength).toBe(12 + 8 + 4 + 4);
  });

  it("takes padding off, and refuses padding that is longer than the payload", () => {
    expect(withoutPadding(Buffer.from([1, 2, 0, 0, 3]))).toEqual(Buffer.from([1, 2]));
    expect(withoutPadding(Buffer.from([1, 9]))).toBeUndefined();
    expect(withoutPadding(Buffer.alloc(0))).toBeUndefined();
  });

  it("tells RTCP from RTP", () => {
    expect(isRtcp(Buffer.from([0x80, 200]))).toBe(true);
    expect(isRtcp(Buffer.from([0x80, 111]))).toBe(false);
    expect(isRtcp(Buffer.from([0x80, 111 | 0x80]))).toBe(false);
  });

  it("reads any bytes without throwing, and never past their end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const header = readRtpHeader(Buffer.from(bytes));
        expect(header?.headerLength ?? 0).toBeLessThanOrEqual(bytes.length);
      }),
      { seed: 5, numRuns: 2000 },
    );
  });
});
