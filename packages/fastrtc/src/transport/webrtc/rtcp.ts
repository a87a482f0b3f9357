/**
 * RTCP packets as they stand on the wire (RFC 3550 section 6, RFC 4585): reads what browsers send
 * about audio, writes what they need of us.
 */

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const GOODBYE = 203;
const TRANSPORT_FEEDBACK = 205;
const GENERIC_NACK = 1;
const REPORT_BLOCK_LENGTH = 24;
/** Seconds from 1900, where NTP begins, to 1970. */
const NTP_EPOCH_OFFSET = 2_208_988_800;

/** One receiver's view of one stream (RFC 3550 section 6.4.1). */
export interface ReportBlock {
  /** The stream that is reported on. */
  readonly ssrc: number;
  /** Lost since the last report, in 1/256. */
  readonly fractionLost: number;
  /** Lost since the beginning; 24 bits, signed. */
  readonly cumulativeLost: number;
  readonly highestSequence: number;
  /** In units of the stream's clock. */
  readonly jitter: number;
  /** The middle 32 bits of the last sender report's NTP time; 0 when there was none. */
  readonly lastSenderReport: number;
  /** Since that report, in 1/65,536 seconds. */
  readonly delaySinceLastSenderReport: number;
}

/** What a sender says of its own stream. */
export interface SenderInfo {
  readonly ssrc: number;
  /** NTP time: seconds since 1900 and their fraction, 32 bits each. */
  readonly ntpSeconds: number;
  readonly ntpFraction: number;
  /** The same moment in the stream's clock. */
  readonly rtpTimestamp: number;
  readonly packetCount: number;
  readonly octetCount: number;
}

/** What a compound packet held that concerns us. */
export interface RtcpContent {
  readonly senderInfo?: SenderInfo;
  readonly reports: readonly ReportBlock[];
  /** Packets that are asked for again. */
  readonly nacks: readonly { readonly ssrc: number; readonly sequenceNumbers: readonly number[] }[];
  /** Streams that have ended. */
  readonly goodbyes: readonly number[];
}

/**
 * Reads a compound packet; unknown kinds and broken ends are skipped.
 *
 * @param packet - Decrypted.
 */
export function readRtcp(packet: Buffer): RtcpContent {
  const reports: ReportBlock[] = [];
  const nacks: { ssrc: number; sequenceNumbers: number[] }[] = [];
  const goodbyes: number[] = [];
  let senderInfo: SenderInfo | undefined;
  for (let offset = 0; offset + 8 <= packet.length;) {
    const end = offset + 4 + packet.readUInt16BE(offset + 2) * 4;
    if (packet.readUInt8(offset) >> 6 !== 2 || end > packet.length || end < offset + 8) break;
    const body = packet.subarray(offset, end);
    const count = body.readUInt8(0) & 0x1f;
    switch (body.readUInt8(1)) {
      case SENDER_REPORT:
        if (body.length >= 28) senderInfo = readSenderInfo(body);
        readReports(body, 28, count, reports);
        break;
      case RECEIVER_REPORT:
        readReports(body, 8, count, reports);
        break;
      case GOODBYE:
        for (let index = 0; index < count && 8 + index * 4 <= body.length; index++) {
          goodbyes.push(body.readUInt32BE(4 + index * 4));
        }
        break;
      case TRANSPORT_FEEDBACK:
        if (count === GENERIC_NACK && body.length >= 16) nacks.push(readNack(body));
        break;
      default:
        break;
    }
    offset = end;
  }
  return { ...(senderInfo && { senderInfo }), reports, nacks, goodbyes };
}

/** Writes a sender report with at most one report block, and the source description it needs. */
export function writeSenderReport(
  info: SenderInfo,
  cname: string,
  report: ReportBlock | undefined,
): Buffer {
  const description = sourceDescription(info.ssrc, cname);
  const length = 28 + (report ? REPORT_BLOCK_LENGTH : 0);
  const packet = Buffer.alloc(length + description.length);
  writeHeader(packet, SENDER_REPORT, report ? 1 : 0, length, info.ssrc);
  packet.writeUInt32BE(info.ntpSeconds, 8);
  packet.writeUInt32BE(info.ntpFraction, 12);
  packet.writeUInt32BE(info.rtpTimestamp, 16);
  packet.writeUInt32BE(info.packetCount >>> 0, 20);
  packet.writeUInt32BE(info.octetCount >>> 0, 24);
  if (report) writeReport(packet, 28, report);
  description.copy(packet, length);
  return packet;
}

/** Writes a receiver report with one block, and the source description it needs. */
export function writeReceiverReport(ssrc: number, cname: string, report: ReportBlock): Buffer {
  const description = sourceDescription(ssrc, cname);
  const length = 8 + REPORT_BLOCK_LENGTH;
  const packet = Buffer.alloc(length + description.length);
  writeHeader(packet, RECEIVER_REPORT, 1, length, ssrc);
  writeReport(packet, 8, report);
  description.copy(packet, length);
  return packet;
}

/**
 * Writes a request to send packets again.
 *
 * @param sequenceNumbers - At least one.
 */
export function writeNack(
  senderSsrc: number,
  mediaSsrc: number,
  sequenceNumbers: readonly number[],
): Buffer {
  const pairs: { id: number; mask: number }[] = [];
  for (const sequenceNumber of sequenceNumbers) {
    const last = pairs.at(-1);
    const distance = last ? (sequenceNumber - last.id) & 0xffff : 0;
    if (last && distance >= 1 && distance <= 16) last.mask |= 1 << (distance - 1);
    else pairs.push({ id: sequenceNumber, mask: 0 });
  }
  const packet = Buffer.alloc(12 + pairs.length * 4);
  writeHeader(packet, TRANSPORT_FEEDBACK, GENERIC_NACK, packet.length, senderSsrc);
  packet.writeUInt32BE(mediaSsrc, 8);
  pairs.forEach(({ id, mask }, index) => {
    packet.writeUInt16BE(id, 12 + index * 4);
    packet.writeUInt16BE(mask, 14 + index * 4);
  });
  return packet;
}

/**
 * Splits wall-clock time into NTP's two words.
 *
 * @param epochMs - Milliseconds since 1970, with fractions.
 */
export function ntpTime(epochMs: number): { seconds: number; fraction: number } {
  const seconds = Math.floor(epochMs / 1000);
  const fraction = Math.floor((epochMs / 1000 - seconds) * 2 ** 32);
  return { seconds: (seconds + NTP_EPOCH_OFFSET) >>> 0, fraction };
}

/** Takes the middle 32 bits of an NTP time, which reports refer to. */
export function compactNtp(time: { seconds: number; fraction: number }): number {
  return (((time.seconds & 0xffff) << 16) | (time.fraction >>> 16)) >>> 0;
}

function readSenderInfo(body: Buffer): SenderInfo {
  return {
    ssrc: body.readUInt32BE(4),
    ntpSeconds: body.readUInt32BE(8),
    ntpFraction: body.readUInt32BE(12),
    rtpTimestamp: body.readUInt32BE(16),
    packetCount: body.readUInt32BE(20),
    octetCount: body.readUInt32BE(24),
  };
}

function readReports(body: Buffer, start: number, count: number, into: ReportBlock[]): void {
  for (let index = 0; index < count; index++) {
    const offset = start + index * REPORT_BLOCK_LENGTH;
    if (offset + REPORT_BLOCK_LENGTH > body.length) return;
    into.push({
      ssrc: body.readUInt32BE(offset),
      fractionLost: body.readUInt8(offset + 4),
      cumulativeLost: body.readIntBE(offset + 5, 3),
      highestSequence: body.readUInt32BE(offset + 8),
      jitter: body.readUInt32BE(offset + 12),
      lastSenderReport: body.readUInt32BE(offset + 16),
      delaySinceLastSenderReport: body.readUInt32BE(offset + 20),
    });
  }
}

function readNack(body: Buffer): { ssrc: number; sequenceNumbers: number[] } {
  const sequenceNumbers: number[] = [];
  for (let offset = 12; offset + 4 <= body.length; offset += 4) {
    const id = body.readUInt16BE(offset);
    const mask = body.readUInt16BE(offset + 2);
    sequenceNumbers.push(id);
    for (let bit = 0; bit < 16; bit++) {
      if ((mask >> bit) & 1) sequenceNumbers.push((id + bit + 1) & 0xffff);
    }
  }
  return { ssrc: body.readUInt32BE(8), sequenceNumbers };
}

function sourceDescription(ssrc: number, cname: string): Buffer {
  const name = Buffer.from(cname, "latin1").subarray(0, 255);
  // Item, then at least one zero byte, then up to the next word (RFC 3550 section 6.5).
  const length = 4 + Math.ceil((4 + 2 + name.length + 1) / 4) * 4;
  const packet = Buffer.alloc(length);
  writeHeader(packet, SOURCE_DESCRIPTION, 1, length, ssrc);
  packet.writeUInt8(1, 8);
  packet.writeUInt8(name.length, 9);
  name.copy(packet, 10);
  return packet;
}

function writeHeader(
  packet: Buffer,
  type: number,
  count: number,
  length: number,
  ssrc: number,
): void {
  packet.writeUInt8(0x80 | count, 0);
  packet.writeUInt8(type, 1);
  packet.writeUInt16BE(length / 4 - 1, 2);
  packet.writeUInt32BE(ssrc, 4);
}

function writeReport(packet: Buffer, offset: number, report: ReportBlock): void {
  packet.writeUInt32BE(report.ssrc, offset);
  packet.writeUInt8(Math.min(255, Math.max(0, report.fractionLost)), offset + 4);
  packet.writeIntBE(
    Math.min(0x7f_ffff, Math.max(-0x80_0000, report.cumulativeLost)),
    offset + 5,
    3,
  );
  packet.writeUInt32BE(report.highestSequence >>> 0, offset + 8);
  packet.writeUInt32BE(Math.round(report.jitter) >>> 0, offset + 12);
  packet.writeUInt32BE(report.lastSenderReport >>> 0, offset + 16);
  packet.writeUInt32BE(report.delaySinceLastSenderReport >>> 0, offset + 20);
}
