/**
 * Checks SCTP packets of strangers (RFC 9260) before werift parses them: its parser loops forever at a
 * chunk of length zero, and counts through whatever range a SACK names.
 */

const HEADER_LENGTH = 12;
const DATA = 0;
const INIT = 1;
const INIT_ACK = 2;
const SACK = 3;
const RECONFIG = 130;
const FORWARD_TSN = 192;
/** Kinds that consist of parameters, and where these begin in the chunk's body. */
const PARAMETERS_AT = new Map<number, number>([
  [INIT, 16],
  [INIT_ACK, 16],
  [4, 0], // HEARTBEAT
  [5, 0], // HEARTBEAT ACK
  [6, 0], // ABORT
  [9, 0], // ERROR
  [RECONFIG, 0],
]);
/** SHUTDOWN, SHUTDOWN ACK, COOKIE ECHO, COOKIE ACK, SHUTDOWN COMPLETE: nothing in them is counted. */
const PLAIN_KINDS = new Set([7, 8, 10, 11, 14]);
/** A receiver with a window of 1 MB never needs to name more. */
const MAX_GAPS = 64;
const MAX_GAP_OFFSET = 2048;
const MAX_FORWARD_STREAMS = 64;
/** How far ahead of the last packet in order one may come: 1 MB in chunks of 512 bytes. */
const MAX_TSN_AHEAD = 2048;

/**
 * Tells whether a packet is well formed and within bounds.
 *
 * @param lastTsn - The newest sequence number in order; undefined before the association.
 */
export function isSaneSctp(packet: Buffer, lastTsn: number | undefined): boolean {
  if (packet.length < HEADER_LENGTH + 4) return false;
  for (let offset = HEADER_LENGTH; offset + 4 <= packet.length;) {
    const length = packet.readUInt16BE(offset + 2);
    if (length < 4 || offset + length > packet.length) return false;
    if (
      !isSaneChunk(packet.readUInt8(offset), packet.subarray(offset + 4, offset + length), lastTsn)
    )
      return false;
    offset += padded(length);
  }
  return true;
}

function isSaneChunk(type: number, body: Buffer, lastTsn: number | undefined): boolean {
  const parametersAt = PARAMETERS_AT.get(type);
  if (parametersAt !== undefined)
    return body.length >= parametersAt && hasSaneParameters(body.subarray(parametersAt));
  switch (type) {
    case DATA:
      return body.length > 12 && isNear(body.readUInt32BE(0), lastTsn);
    case SACK:
      return isSaneSack(body);
    case FORWARD_TSN:
      return (
        body.length >= 4 &&
        body.length <= 4 + MAX_FORWARD_STREAMS * 4 &&
        body.length % 4 === 0 &&
        isNear(body.readUInt32BE(0), lastTsn)
      );
    default:
      return PLAIN_KINDS.has(type);
  }
}

function isSaneSack(body: Buffer): boolean {
  if (body.length < 12) return false;
  const gaps = body.readUInt16BE(8);
  const duplicates = body.readUInt16BE(10);
  if (gaps > MAX_GAPS || body.length < 12 + (gaps + duplicates) * 4) return false;
  for (let index = 0; index < gaps; index++) {
    const start = body.readUInt16BE(12 + index * 4);
    const end = body.readUInt16BE(14 + index * 4);
    if (start > end || end > MAX_GAP_OFFSET) return false;
  }
  return true;
}

function hasSaneParameters(bytes: Buffer): boolean {
  for (let offset = 0; offset + 4 <= bytes.length;) {
    const length = bytes.readUInt16BE(offset + 2);
    if (length < 4 || offset + length > bytes.length) return false;
    offset += padded(length);
  }
  return true;
}

// Sequence numbers wrap: near means at most so far ahead, or anywhere behind (a repetition).
function isNear(tsn: number, lastTsn: number | undefined): boolean {
  if (lastTsn === undefined) return false;
  const ahead = (tsn - lastTsn) >>> 0;
  return ahead <= MAX_TSN_AHEAD || ahead >= 0x8000_0000;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
