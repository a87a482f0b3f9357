import { describe, expect, it } from "vitest";
import { ManualClock } from "../../testing/manual-clock.ts";
import { AudioReceiver } from "./audio-receiver.ts";
import { AudioSender } from "./audio-sender.ts";
import { compactNtp, type ReportBlock } from "./rtcp.ts";
import { readRtpHeader } from "./rtp.ts";
import { SrtpSender } from "./srtp.ts";
import { AEAD_AES128_GCM } from "./srtp-cipher.ts";

function createSender(clock: ManualClock): AudioSender {
  return new AudioSender(
    111,
    new SrtpSender(AEAD_AES128_GCM, Buffer.alloc(16), Buffer.alloc(12)),
    clock,
    7,
  );
}

const REPORT: ReportBlock = {
  ssrc: 7,
  fractionLost: 64,
  cumulativeLost: 1,
  highestSequence: 1,
  jitter: 0,
  lastSenderReport: 0,
  delaySinceLastSenderReport: 0,
};

describe("AudioSender", () => {
  it("numbers packets one after the other", () => {
    const sender = createSender(new ManualClock());
    const headers = [0, 960, 1920].map((timestamp) =>
      readRtpHeader(sender.seal({ timestamp, marker: timestamp === 0, payload: Buffer.from("x") })),
    );
    const first = headers[0]!.sequenceNumber;
    expect(headers.map((header) => header?.sequenceNumber)).toEqual([first, first + 1, first + 2]);
    expect(headers.map((header) => header?.marker)).toEqual([true, false, false]);
    expect(headers[0]).toMatchObject({ payloadType: 111, ssrc: 7 });
  });

  it("sends the last 64 packets again as they were, and no others", () => {
    const sender = createSender(new ManualClock());
    const sealed = Array.from({ length: 70 }, (_, index) =>
      sender.seal({ timestamp: index * 960, marker: false, payload: Buffer.from("x") }),
    );
    const sequence = (packet: Buffer | undefined): number => packet!.readUInt16BE(2);
    expect(sender.retransmission(sequence(sealed[69]))).toBe(sealed[69]);
    expect(sender.retransmission(sequence(sealed[6]))).toBe(sealed[6]);
    expect(sender.retransmission(sequence(sealed[5]))).toBeUndefined();
    expect(sender.retransmission((sequence(sealed[69]) + 1) & 0xffff)).toBeUndefined();
  });

  it("reports the stream's clock at the moment of the report", () => {
    const clock = new ManualClock();
    const sender = createSender(clock);
    expect(sender.report()).toBeUndefined();
    sender.seal({ timestamp: 1000, marker: true, payload: Buffer.alloc(80) });
    clock.advance(10);
    expect(sender.report()).toMatchObject({ rtpTimestamp: 1480, packetCount: 1, octetCount: 80 });
  });

  it("measures the round trip by reports that it really sent", () => {
    const clock = new ManualClock();
    const sender = createSender(clock);
    sender.seal({ timestamp: 0, marker: true, payload: Buffer.alloc(80) });
    const info = sender.report()!;
    const lastSenderReport = compactNtp({ seconds: info.ntpSeconds, fraction: info.ntpFraction });
    clock.advance(150);
    sender.receiveReport({ ...REPORT, lastSenderReport: lastSenderReport ^ 1 });
    expect(sender.roundTripMs).toBeUndefined();
    expect(sender.lossShare).toBe(0.25);
    sender.receiveReport({ ...REPORT, lastSenderReport, delaySinceLastSenderReport: 65_536 / 10 });
    expect(sender.roundTripMs).toBeCloseTo(50);
    sender.receiveReport({ ...REPORT, ssrc: 8, fractionLost: 255 });
    expect(sender.lossShare).toBe(0.25);
  });
});

describe("AudioReceiver", () => {
  const feed = (
    receiver: AudioReceiver,
    clock: ManualClock,
    ...sequences: readonly number[]
  ): void => {
    for (const sequenceNumber of sequences) {
      receiver.receive({ ssrc: 9, sequenceNumber, timestamp: (sequenceNumber * 960) >>> 0 });
      clock.advance(20);
    }
  };

  it("counts losses in the report's interval and since the beginning", () => {
    const clock = new ManualClock();
    const receiver = new AudioReceiver(clock);
    expect(receiver.report()).toBeUndefined();
    feed(receiver, clock, 10, 11, 13);
    expect(receiver.report()).toMatchObject({
      ssrc: 9,
      fractionLost: 64,
      cumulativeLost: 1,
      highestSequence: 13,
    });
    feed(receiver, clock, 14, 15);
    expect(receiver.report()).toMatchObject({ fractionLost: 0, cumulativeLost: 1 });
  });

  it("counts on across the wrap of sequence numbers", () => {
    const clock = new ManualClock();
    const receiver = new AudioReceiver(clock);
    feed(receiver, clock, 65_534, 65_535, 0, 1);
    expect(receiver.report()).toMatchObject({ cumulativeLost: 0, highestSequence: 65_537 });
  });

  it("takes a jump for a new beginning and not for losses", () => {
    const clock = new ManualClock();
    const receiver = new AudioReceiver(clock);
    feed(receiver, clock, 1, 2, 20_000, 20_001);
    expect(receiver.report()).toMatchObject({ cumulativeLost: 0, fractionLost: 0 });
  });

  it("has no jitter when packets come as they were sent, and some when they do not", () => {
    const clock = new ManualClock();
    const receiver = new AudioReceiver(clock);
    feed(receiver, clock, 1, 2, 3, 4);
    expect(receiver.report()?.jitter).toBe(0);
    clock.advance(10);
    feed(receiver, clock, 5);
    expect(receiver.report()?.jitter).toBeCloseTo(480 / 16);
  });

  it("refers to the last sender report and the time since", () => {
    const clock = new ManualClock();
    const receiver = new AudioReceiver(clock);
    feed(receiver, clock, 1);
    const info = {
      ssrc: 9,
      ntpSeconds: 1,
      ntpFraction: 0,
      rtpTimestamp: 0,
      packetCount: 1,
      octetCount: 1,
    };
    receiver.receiveSenderInfo(info);
    clock.advance(500);
    expect(receiver.report()).toMatchObject({
      lastSenderReport: 0x0001_0000,
      delaySinceLastSenderReport: 32_768,
    });
  });
});
