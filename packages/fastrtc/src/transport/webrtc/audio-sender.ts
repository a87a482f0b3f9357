/** Our audio as an RTP stream: numbers packets, counts them, and keeps the last for those who ask again. */

import { randomInt } from "node:crypto";
import type { Clock } from "../../media/clock.ts";
import type { OutboundRtp } from "./backend.ts";
import { compactNtp, ntpTime, type ReportBlock, type SenderInfo } from "./rtcp.ts";
import { RTP_HEADER_LENGTH, writeRtpHeader } from "./rtp.ts";
import type { SrtpSender } from "./srtp.ts";

const OPUS_CLOCK_PER_MS = 48;
/** Packets kept for retransmission: 1.28 s of 20 ms, more than a receiver waits. */
const HISTORY = 64;
/** Sender reports remembered for the round trip: receivers refer to the last one or two. */
const MAX_REPORTS = 4;

/** The sending half of a session's audio. */
export class AudioSender {
  /** Names the stream. */
  readonly ssrc: number = randomInt(1, 0xffff_ffff);
  readonly #clock: Clock;
  readonly #srtp: SrtpSender;
  readonly #payloadType: number;
  /** Milliseconds between the clock's start and 1970. */
  readonly #epochOffsetMs: number;
  readonly #history: (Buffer | undefined)[] = new Array<undefined>(HISTORY).fill(undefined);
  readonly #reportedAt: { compact: number; atMs: number }[] = [];
  // Below 2^15, so that the first loss cannot confuse the rollover counter (RFC 3711 section 3.3.1).
  #sequenceNumber = randomInt(0, 0x7fff);
  #packetCount = 0;
  #octetCount = 0;
  #lastTimestamp = 0;
  #lastSentAt = 0;
  #roundTripMs: number | undefined;
  #lossShare: number | undefined;

  constructor(payloadType: number, srtp: SrtpSender, clock: Clock, ssrc?: number) {
    this.#payloadType = payloadType;
    this.#srtp = srtp;
    this.#clock = clock;
    this.#epochOffsetMs = Date.now() - clock.now();
    if (ssrc !== undefined) this.ssrc = ssrc;
  }

  /** From the last receiver report. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /** 0 to 1, from the last receiver report. */
  get lossShare(): number | undefined {
    return this.#lossShare;
  }

  /** Returns the packet as it goes on the wire, encrypted. */
  seal(packet: OutboundRtp): Buffer {
    const sequenceNumber = this.#sequenceNumber;
    this.#sequenceNumber = (sequenceNumber + 1) & 0xffff;
    const plain = Buffer.allocUnsafe(RTP_HEADER_LENGTH + packet.payload.length);
    const header = {
      marker: packet.marker,
      payloadType: this.#payloadType,
      sequenceNumber,
      timestamp: packet.timestamp,
      ssrc: this.ssrc,
      headerLength: RTP_HEADER_LENGTH,
    };
    writeRtpHeader(plain, header);
    plain.set(packet.payload, RTP_HEADER_LENGTH);
    const sealed = this.#srtp.protect(plain, header);
    this.#history[sequenceNumber % HISTORY] = sealed;
    this.#packetCount++;
    this.#octetCount += packet.payload.length;
    this.#lastTimestamp = packet.timestamp;
    this.#lastSentAt = this.#clock.now();
    return sealed;
  }

  /** Returns a sent packet once more: the same ciphertext, which is what SRTP allows to repeat. */
  retransmission(sequenceNumber: number): Buffer | undefined {
    const sealed = this.#history[sequenceNumber % HISTORY];
    return sealed?.readUInt16BE(2) === sequenceNumber ? sealed : undefined;
  }

  /** Describes the stream as of now; undefined before the first packet. */
  report(): SenderInfo | undefined {
    if (this.#packetCount === 0) return undefined;
    const now = this.#clock.now();
    const time = ntpTime(now + this.#epochOffsetMs);
    this.#reportedAt.push({ compact: compactNtp(time), atMs: now });
    if (this.#reportedAt.length > MAX_REPORTS) this.#reportedAt.shift();
    const sinceLast = Math.round((now - this.#lastSentAt) * OPUS_CLOCK_PER_MS);
    return {
      ssrc: this.ssrc,
      ntpSeconds: time.seconds,
      ntpFraction: time.fraction,
      rtpTimestamp: (this.#lastTimestamp + sinceLast) >>> 0,
      packetCount: this.#packetCount,
      octetCount: this.#octetCount,
    };
  }

  /** Takes what the other side reports on our stream. */
  receiveReport(report: ReportBlock): void {
    if (report.ssrc !== this.ssrc) return;
    this.#lossShare = report.fractionLost / 256;
    // By our own clock, not the NTP time that comes back: nobody can make the figure absurd, or us
    // believe in a report that we never sent.
    const sent = this.#reportedAt.find(({ compact }) => compact === report.lastSenderReport);
    if (!sent) return;
    const heldMs = (report.delaySinceLastSenderReport / 65_536) * 1000;
    this.#roundTripMs = Math.max(0, this.#clock.now() - sent.atMs - heldMs);
  }
}
