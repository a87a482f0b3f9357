/**
 * Decides when packets that do not fit the current source begin a new one.
 *
 * In go packets of another SSRC or far from the current sequence, out come the two with which the
 * new source begins: https://www.rfc-editor.org/rfc/rfc3550#appendix-A.1. The jitter buffer calls it.
 */

import type { InboundRtp } from "./backend.ts";

// RFC 3550 appendix A.1, MIN_SEQUENTIAL.
const MIN_SEQUENTIAL = 2;
// Old packets that the network delivers again come two in a row too. No network repeats half a
// second of them, and a sender that restarted with numbers of its past goes on for longer.
const MIN_SEQUENTIAL_OLD = 25;

/** Keeps the last packet that fitted nowhere. */
export class SourceProbation {
  #last: InboundRtp | undefined;
  #run = 0;

  /**
   * Takes a packet that does not fit, and returns its predecessor when the two begin a new source.
   *
   * @param looksOld - Whether the packet may be one that came before.
   */
  admit(packet: InboundRtp, looksOld: boolean): InboundRtp | undefined {
    const last = this.#last;
    const follows =
      last?.ssrc === packet.ssrc && packet.sequenceNumber === ((last.sequenceNumber + 1) & 0xffff);
    this.#run = follows ? this.#run + 1 : 1;
    if (last && follows && this.#run >= (looksOld ? MIN_SEQUENTIAL_OLD : MIN_SEQUENTIAL)) {
      this.#last = undefined;
      return last;
    }
    const { sequenceNumber, timestamp, payloadType, ssrc, marker } = packet;
    const payload = packet.payload.slice();
    this.#last = { sequenceNumber, timestamp, payloadType, ssrc, marker, payload };
    return undefined;
  }
}
