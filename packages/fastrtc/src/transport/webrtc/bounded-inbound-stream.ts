/**
 * Puts the pieces of one SCTP stream together (RFC 9260 section 6.6), within bounds: a message that
 * grows too long is thrown away piece by piece, and the stream goes on behind it.
 */

import type { SctpDataChunk, SctpInboundStream } from "./werift-internals.ts";

/** Payload protocol that no channel uses: marks what is given back for the window's sake only. */
export const DISCARDED = 0;

const LAST_FRAGMENT = 0x01;
const FIRST_FRAGMENT = 0x02;
const UNORDERED = 0x04;

/** Throws away all that comes: for streams beyond those that a session may have. */
export class DiscardedInboundStream implements SctpInboundStream {
  streamSequenceNumber = 0;
  #chunks: SctpDataChunk[] = [];

  addChunk(chunk: SctpDataChunk): void {
    this.#chunks.push(chunk);
  }

  *popMessages(): Generator<[streamId: number, protocol: number, data: Buffer]> {
    for (const chunk of this.#chunks.splice(0)) yield [chunk.streamId, DISCARDED, chunk.userData];
  }

  pruneChunks(): number {
    return 0;
  }
}

/** Reassembles one stream. */
export class BoundedInboundStream implements SctpInboundStream {
  streamSequenceNumber = 0;
  readonly #maxMessageSize: number;
  readonly #maxHeld: number;
  #held = 0;
  /** In order of their sequence numbers, without repetitions. */
  #chunks: SctpDataChunk[] = [];
  /** While the rest of a message that was too long is thrown away: the next sequence number of it. */
  #discardAt: number | undefined;

  /**
   * @param maxMessageSize - In bytes; longer messages are thrown away.
   * @param maxHeld - In bytes: what may wait for a missing piece. A sender that minds our window never
   * comes to it; beyond it all that waits is thrown away.
   */
  constructor(maxMessageSize: number, maxHeld: number) {
    this.#maxMessageSize = maxMessageSize;
    this.#maxHeld = maxHeld;
  }

  addChunk(chunk: SctpDataChunk): void {
    let index = this.#chunks.length;
    for (; index > 0; index--) {
      const other = this.#chunks[index - 1];
      if (!other) break;
      const distance = (chunk.tsn - other.tsn) | 0;
      if (distance === 0) return;
      if (distance > 0) break;
    }
    this.#chunks.splice(index, 0, chunk);
    this.#held += chunk.userData.length;
  }

  *popMessages(): Generator<[streamId: number, protocol: number, data: Buffer]> {
    for (let found = this.#findRun(); found; found = this.#findRun()) {
      const { start, end, isWhole } = found;
      const [first] = this.#chunks.slice(start);
      const last = this.#chunks[end - 1];
      if (!first || !last) return;
      const pieces = this.#chunks.splice(start, end - start).map((chunk) => chunk.userData);
      const data = Buffer.concat(pieces);
      this.#held -= data.length;
      const wasDiscarding = this.#discardAt === first.tsn;
      const isTooLong = data.length > this.#maxMessageSize;
      this.#discardAt = isWhole ? undefined : (last.tsn + 1) >>> 0;
      if (isWhole && (last.flags & UNORDERED) === 0)
        this.streamSequenceNumber = (last.streamSeqNum + 1) & 0xffff;
      yield [first.streamId, wasDiscarding || isTooLong ? DISCARDED : first.protocol, data];
    }
    if (this.#held <= this.#maxHeld) return;
    this.#held = 0;
    for (const chunk of this.#chunks.splice(0)) yield [chunk.streamId, DISCARDED, chunk.userData];
  }

  pruneChunks(tsn: number): number {
    let freed = 0;
    this.#chunks = this.#chunks.filter((chunk) => {
      const isOld = ((chunk.tsn - tsn) | 0) <= 0;
      if (isOld) freed += chunk.userData.length;
      return !isOld;
    });
    this.#held -= freed;
    return freed;
  }

  // The next run of chunks that can leave: a whole message, or the beginning of one that is too long.
  #findRun(): { start: number; end: number; isWhole: boolean } | undefined {
    for (let start = 0; start < this.#chunks.length; start++) {
      const first = this.#chunks[start];
      if (!first || !this.#mayBegin(first)) continue;
      let size = 0;
      for (let end = start; end < this.#chunks.length; end++) {
        const chunk = this.#chunks[end];
        if (chunk?.tsn !== (first.tsn + end - start) >>> 0) break;
        size += chunk.userData.length;
        const isWhole = (chunk.flags & LAST_FRAGMENT) !== 0;
        const isDiscarding = this.#discardAt === first.tsn;
        if (isWhole || isDiscarding || size > this.#maxMessageSize)
          return { start, end: end + 1, isWhole };
      }
    }
    return undefined;
  }

  #mayBegin(chunk: SctpDataChunk): boolean {
    if (this.#discardAt === chunk.tsn) return true;
    if ((chunk.flags & FIRST_FRAGMENT) === 0) return false;
    return (chunk.flags & UNORDERED) !== 0 || chunk.streamSeqNum === this.streamSequenceNumber;
  }
}
