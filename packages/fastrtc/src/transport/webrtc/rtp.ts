/** RTP packets as they stand on the wire (RFC 3550 section 5.1): reads headers, writes headers. */

/** Length of the header that we write. */
export const RTP_HEADER_LENGTH = 12;

/** The fields of an RTP header, and where the payload begins. */
export interface RtpHeader {
  readonly marker: boolean;
  readonly payloadType: number;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly ssrc: number;
  /** Offset of the payload, behind contributing sources and extensions. */
  readonly headerLength: number;
  readonly hasPadding: boolean;
}

/** Tells RTCP from RTP where both share a port (RFC 5761 section 4). */
export function isRtcp(packet: Uint8Array): boolean {
  const type = (packet[1] ?? 0) & 0x7f;
  return type >= 64 && type <= 95;
}

/**
 * Reads the header of an RTP packet.
 *
 * @param packet - A datagram, encrypted or not: SRTP leaves the header in the clear.
 * @returns undefined when it is not RTP.
 */
export function readRtpHeader(packet: Buffer): RtpHeader | undefined {
  if (packet.length < RTP_HEADER_LENGTH) return undefined;
  const first = packet.readUInt8(0);
  if (first >> 6 !== 2) return undefined;
  let headerLength = RTP_HEADER_LENGTH + (first & 0x0f) * 4;
  if ((first & 0x10) !== 0) {
    if (packet.length < headerLength + 4) return undefined;
    headerLength += 4 + packet.readUInt16BE(headerLength + 2) * 4;
  }
  if (packet.length < headerLength) return undefined;
  const second = packet.readUInt8(1);
  return {
    marker: (second & 0x80) !== 0,
    payloadType: second & 0x7f,
    sequenceNumber: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    ssrc: packet.readUInt32BE(8),
    headerLength,
    hasPadding: (first & 0x20) !== 0,
  };
}

/**
 * Takes the padding off a decrypted payload.
 *
 * @returns undefined when the padding is longer than the payload.
 */
export function withoutPadding(payload: Buffer): Buffer | undefined {
  const padding = payload.at(-1) ?? 0;
  return padding === 0 || padding > payload.length
    ? undefined
    : payload.subarray(0, payload.length - padding);
}

/** Writes a header of {@link RTP_HEADER_LENGTH} bytes, without extensions, to the start of `packet`. */
export function writeRtpHeader(
  packet: Buffer,
  header: Pick<RtpHeader, "marker" | "payloadType" | "sequenceNumber" | "timestamp" | "ssrc">,
): void {
  packet.writeUInt8(0x80, 0);
  packet.writeUInt8((header.marker ? 0x80 : 0) | header.payloadType, 1);
  packet.writeUInt16BE(header.sequenceNumber, 2);
  packet.writeUInt32BE(header.timestamp, 4);
  packet.writeUInt32BE(header.ssrc, 8);
}
