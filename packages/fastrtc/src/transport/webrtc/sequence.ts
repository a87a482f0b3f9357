/**
 * The circular counters of RTP as plain numbers.
 *
 * In go the 16 or 32 bits of a packet and the plain number last known, out comes the plain number
 * that is nearest to it: https://www.rfc-editor.org/rfc/rfc3550#appendix-A.1. The jitter buffer and
 * its timeline call this for every packet.
 */

/**
 * Extends a 16-bit sequence number to the plain number nearest to `reference`.
 *
 * @param reference - A plain sequence number of the same source, such as the highest so far.
 * @param sequenceNumber - 16 bits, as in the packet. Half the circle away counts as behind.
 */
export function unwrapSequence(reference: number, sequenceNumber: number): number {
  return reference + (((sequenceNumber - reference) << 16) >> 16);
}

/**
 * Extends a 32-bit timestamp to the plain number nearest to `reference`.
 *
 * @param reference - A plain timestamp of the same source.
 * @param timestamp - 32 bits, as in the packet. Half the circle away counts as behind.
 */
export function unwrapTimestamp(reference: number, timestamp: number): number {
  return reference + ((timestamp - reference) | 0);
}
