/**
 * The media of one session between DTLS and the transport: SRTP and RTCP.
 *
 * In go packets from the path and audio of ours, out come decrypted RTP and packets for the path. The
 * peer makes one when DTLS has agreed on keys.
 */

import type { Clock, Timer } from "../../media/clock.ts";
import { AudioReceiver } from "./audio-receiver.ts";
import { AudioSender } from "./audio-sender.ts";
import type { InboundRtp, OutboundRtp } from "./backend.ts";
import type { DtlsServer } from "./dtls/dtls-server.ts";
import type { MediaDirection } from "./offer.ts";
import { readRtcp, writeNack, writeReceiverReport, writeSenderReport } from "./rtcp.ts";
import { isRtcp, withoutPadding } from "./rtp.ts";
import { SrtpReceiver, SrtpSender } from "./srtp.ts";
import { SRTP_KEY_LENGTH, srtpSaltLength, type SrtpProfile } from "./srtp-cipher.ts";

/** What a {@link MediaSession} needs. */
export interface MediaSessionOptions {
  /** Exports the keys. */
  readonly dtls: Pick<DtlsServer, "srtpKeys">;
  readonly profile: SrtpProfile;
  /** The number that the offer gave to Opus. */
  readonly payloadType: number;
  readonly direction: MediaDirection;
  /** Names our stream. */
  readonly ssrc: number;
  /** Names us, the same for all streams of ours. */
  readonly cname: string;
  readonly clock: Clock;
  /** A packet must go to the other side. */
  readonly onSend: (packet: Buffer) => void;
  /** An audio packet of the other side's has come. */
  readonly onRtp: (packet: InboundRtp) => void;
}

// RFC 3550 section 6.2 allows 5 s at the least on average; a first report early lets a browser know its
// round trip at once.
const FIRST_REPORT_MS = 500;
const REPORT_INTERVAL_MS = 2_500;
/** Packets that one RTCP packet may make us send again. */
const MAX_RETRANSMISSIONS = 32;

/** SRTP and RTCP of one session. */
export class MediaSession {
  readonly #options: MediaSessionOptions;
  readonly #srtpSender: SrtpSender;
  readonly #srtpReceiver: SrtpReceiver;
  readonly #sender: AudioSender;
  readonly #receiver: AudioReceiver;
  #direction: MediaDirection;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: MediaSessionOptions) {
    const { profile, clock } = options;
    this.#options = options;
    this.#direction = options.direction;
    const { local, remote } = options.dtls.srtpKeys(SRTP_KEY_LENGTH, srtpSaltLength(profile));
    this.#srtpSender = new SrtpSender(profile, local.key, local.salt);
    this.#srtpReceiver = new SrtpReceiver(profile, remote.key, remote.salt);
    this.#sender = new AudioSender(options.payloadType, this.#srtpSender, clock, options.ssrc);
    this.#receiver = new AudioReceiver(clock);
    this.#reportIn(FIRST_REPORT_MS);
  }

  /** Round trip in milliseconds, from the other side's reports. */
  get roundTripMs(): number | undefined {
    return this.#sender.roundTripMs;
  }

  /** 0 to 1, from the other side's reports. */
  get outboundLossShare(): number | undefined {
    return this.#sender.lossShare;
  }

  /** Changes who may send, after a new offer. */
  setDirection(direction: MediaDirection): void {
    this.#direction = direction;
  }

  /** Takes one SRTP or SRTCP packet; garbage is dropped. */
  receive(packet: Buffer): void {
    if (isRtcp(packet)) {
      const opened = this.#srtpReceiver.openControl(packet);
      if (opened) this.#receiveControl(opened);
      return;
    }
    const opened = this.#srtpReceiver.open(packet);
    // Telephone events and whatever else shares the line pass by.
    if (opened?.header.payloadType !== this.#options.payloadType || !this.#receives) return;
    const { header } = opened;
    const payload = header.hasPadding ? withoutPadding(opened.payload) : opened.payload;
    if (!payload || payload.length === 0) return;
    this.#receiver.receive(header);
    const { sequenceNumber, timestamp, payloadType, ssrc, marker } = header;
    this.#options.onRtp({ sequenceNumber, timestamp, payloadType, ssrc, marker, payload });
  }

  /** Sends one packet of our audio, if the other side wants any. */
  send(packet: OutboundRtp): void {
    if (this.#sends) this.#options.onSend(this.#sender.seal(packet));
  }

  /** Asks for packets of the other side's again. */
  requestRetransmission(ssrc: number, sequenceNumbers: readonly number[]): void {
    this.#sendControl(writeNack(this.#sender.ssrc, ssrc, sequenceNumbers));
  }

  /** Frees the timer. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  get #sends(): boolean {
    return this.#direction === "sendrecv" || this.#direction === "sendonly";
  }

  get #receives(): boolean {
    return this.#direction === "sendrecv" || this.#direction === "recvonly";
  }

  #receiveControl(packet: Buffer): void {
    const { senderInfo, reports, nacks } = readRtcp(packet);
    if (senderInfo) this.#receiver.receiveSenderInfo(senderInfo);
    for (const report of reports) this.#sender.receiveReport(report);
    let left = MAX_RETRANSMISSIONS;
    for (const { ssrc, sequenceNumbers } of nacks) {
      if (ssrc !== this.#sender.ssrc) continue;
      for (const sequenceNumber of sequenceNumbers) {
        const sealed = this.#sender.retransmission(sequenceNumber);
        if (sealed && left-- > 0) this.#options.onSend(sealed);
      }
    }
  }

  #reportIn(delayMs: number): void {
    // Spread over half to one and a half, so that many sessions do not report in step.
    this.#timer = this.#options.clock.setTimeout(
      () => {
        this.#report();
        this.#reportIn(REPORT_INTERVAL_MS);
      },
      delayMs * (0.5 + Math.random()),
    );
  }

  #report(): void {
    const { cname } = this.#options;
    const info = this.#sends ? this.#sender.report() : undefined;
    const report = this.#receiver.report();
    if (info) this.#sendControl(writeSenderReport(info, cname, report));
    else if (report) this.#sendControl(writeReceiverReport(this.#sender.ssrc, cname, report));
  }

  #sendControl(packet: Buffer): void {
    if (!this.#isClosed) this.#options.onSend(this.#srtpSender.protectControl(packet));
  }
}
