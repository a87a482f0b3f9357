/** What we know of the caller's RTP stream, and report back (RFC 3550 sections 6.4.1, A.3 and A.8). */

import type { Clock } from "../../media/clock.ts";
import { compactNtp, type ReportBlock, type SenderInfo } from "./rtcp.ts";
import type { RtpHeader } from "./rtp.ts";

const OPUS_CLOCK_PER_MS = 48;
/** A jump this far ahead is a restarted sender, not loss (RFC 3550 section A.1). */
const MAX_DROPOUT = 3000;

/** The receiving half of a session's audio: figures only, no packets. */
export class AudioReceiver {
  readonly #clock: Clock;
  #ssrc: number | undefined;
  #firstExtended = 0;
  #newestExtended = 0;
  #received = 0;
  #expectedBefore = 0;
  #receivedBefore = 0;
  #lastTransit = 0;
  #jitter = 0;
  #lastSenderReport = 0;
  #lastSenderReportAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The stream that comes in; undefined before the first packet. */
  get ssrc(): number | undefined {
    return this.#ssrc;
  }

  /** Counts one packet. */
  receive(header: Pick<RtpHeader, "ssrc" | "sequenceNumber" | "timestamp">): void {
    const transit = this.#clock.now() * OPUS_CLOCK_PER_MS - header.timestamp;
    if (header.ssrc !== this.#ssrc) {
      this.#begin(header, transit);
      return;
    }
    const ahead = ((header.sequenceNumber - this.#newestExtended) << 16) >> 16;
    if (ahead > MAX_DROPOUT) {
      this.#begin(header, transit);
      return;
    }
    if (ahead > 0) this.#newestExtended += ahead;
    this.#received++;
    // Timestamps wrap: the difference of two transits, not the transits, is small.
    const difference = Math.abs((transit - this.#lastTransit) % 2 ** 32);
    this.#lastTransit = transit;
    if (difference < 2 ** 31) this.#jitter += (difference - this.#jitter) / 16;
  }

  /** Takes a sender report, which our reports refer to. */
  receiveSenderInfo(info: SenderInfo): void {
    if (info.ssrc !== this.#ssrc) return;
    this.#lastSenderReport = compactNtp({ seconds: info.ntpSeconds, fraction: info.ntpFraction });
    this.#lastSenderReportAt = this.#clock.now();
  }

  /** Describes the stream since the last report; undefined before the first packet. */
  report(): ReportBlock | undefined {
    if (this.#ssrc === undefined) return undefined;
    const expected = this.#newestExtended - this.#firstExtended + 1;
    const expectedNow = expected - this.#expectedBefore;
    const lostNow = expectedNow - (this.#received - this.#receivedBefore);
    this.#expectedBefore = expected;
    this.#receivedBefore = this.#received;
    const heldMs = this.#clock.now() - this.#lastSenderReportAt;
    return {
      ssrc: this.#ssrc,
      fractionLost: expectedNow > 0 && lostNow > 0 ? Math.floor((lostNow * 256) / expectedNow) : 0,
      cumulativeLost: expected - this.#received,
      highestSequence: this.#newestExtended % 2 ** 32,
      jitter: this.#jitter,
      lastSenderReport: this.#lastSenderReport,
      delaySinceLastSenderReport:
        this.#lastSenderReport === 0 ? 0 : Math.round((heldMs / 1000) * 65_536),
    };
  }

  #begin(header: Pick<RtpHeader, "ssrc" | "sequenceNumber">, transit: number): void {
    if (header.ssrc !== this.#ssrc) this.#lastSenderReport = 0;
    this.#ssrc = header.ssrc;
    this.#firstExtended = header.sequenceNumber;
    this.#newestExtended = header.sequenceNumber;
    this.#received = 1;
    this.#expectedBefore = 0;
    this.#receivedBefore = 0;
    this.#jitter = 0;
    this.#lastTransit = transit;
  }
}
