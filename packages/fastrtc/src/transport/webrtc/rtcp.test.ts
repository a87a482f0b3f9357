import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compactNtp,
  ntpTime,
  readRtcp,
  writeNack,
  writeReceiverReport,
  writeSenderReport,
  type ReportBlock,
} from "./rtcp.ts";

const REPORT: ReportBlock = {
  ssrc: 7,
  fractionLost: 64,
  cumulativeLost: -3,
  highestSequence: 0x0001_0002,
  jitter: 99,
  lastSenderReport: 0xdead_beef,
  delaySinceLastSenderReport: 65_536,
};
const INFO = {
  ssrc: 5,
  ntpSeconds: 1,
  ntpFraction: 2,
  rtpTimestamp: 3,
  packetCount: 4,
  octetCount: 5,
};

describe("RTCP", () => {
  it("reads the reports that it writes", () => {
    const content = readRtcp(writeSenderReport(INFO, "name", REPORT));
    expect(content).toMatchObject({ senderInfo: INFO, reports: [REPORT] });
    expect(readRtcp(writeReceiverReport(5, "name", REPORT)).reports).toEqual([REPORT]);
  });

  it("writes compound packets of whole words that begin with a report", () => {
    for (const name of ["", "a", "ab", "abc", "abcd"]) {
      const packet = writeSenderReport(INFO, name, undefined);
      expect(packet.length % 4).toBe(0);
      expect(packet.readUInt8(1)).toBe(200);
      expect(packet.readUInt8(29)).toBe(202);
    }
  });

  it("packs what is missing into pairs, across the wrap of sequence numbers", () => {
    const missing = [65_534, 65_535, 0, 14, 15, 100];
    const packet = writeNack(1, 2, missing);
    expect(packet.length).toBe(12 + 3 * 4);
    expect(readRtcp(packet).nacks).toEqual([{ ssrc: 2, sequenceNumbers: missing }]);
  });

  it("keeps the middle of NTP time for round trips", () => {
    const time = ntpTime(Date.UTC(2026, 0, 1) + 500);
    expect(time.fraction).toBe(2 ** 31);
    expect(compactNtp(time) & 0xffff).toBe(0x8000);
  });

  it("reads any bytes without throwing", () => {
    const header = fc.constantFrom(200, 201, 203, 205);
    const packet = fc
      .tuple(header, fc.uint8Array({ maxLength: 200 }), fc.nat(255), fc.nat(60))
      .map(([type, bytes, first, words]) =>
        Buffer.from([0x80 | (first & 0x3f), type, 0, words, ...bytes]),
      );
    fc.assert(
      fc.property(packet, (bytes) => {
        expect(readRtcp(bytes).reports.length).toBeLessThanOrEqual(31);
      }),
      { seed: 3, numRuns: 2000 },
    );
  });
});
