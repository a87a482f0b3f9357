/**
 * How long a gap in the packets is worth waiting for.
 *
 * In go the times at which packets came, out comes a time to wait. The jitter buffer calls it for
 * every packet.
 */

/** What a gap is waited for at least; a clean path stays here. */
export const MIN_WAIT_MS = 20;
/** A gap is given this long to be a mere reordering before its packets are asked for again. */
export const REORDER_GRACE_MS = 10;

// The interarrival jitter is a mean deviation. Three of them leave about 2 % of a normal
// distribution, and every packet that is later than that raises the second measure.
const JITTERS = 3;
const RECOVERY_MARGIN = 1.25;
// A recovery is half forgotten after 355 packets: 7 s of 20 ms packets.
const RECOVERY_MEMORY_PACKETS = 512;
const RETRANSMISSION_MARGIN_MS = 10;
// Further off than this, a timestamp tells of a new start, not of the path.
const MAX_DEVIATION_MS = 1000;

/** Learns from arrivals how long a missing packet may take. */
export class GapWait {
  readonly #samplesPerMs: number;
  readonly #maxWaitMs: number;
  #jitterMs = 0;
  #recoveryMs = 0;
  #lastArrivalMs: number | undefined;
  #lastTimestamp = 0;

  constructor(sampleRate: number, maxWaitMs: number) {
    this.#samplesPerMs = sampleRate / 1000;
    this.#maxWaitMs = maxWaitMs;
  }

  /** Interarrival jitter as in RFC 3550 section 6.4.1, in milliseconds. */
  get jitterMs(): number {
    return this.#jitterMs;
  }

  /** The time within which a packet that was only delayed comes, as far as is known. */
  get pathWaitMs(): number {
    const byJitter = MIN_WAIT_MS + JITTERS * this.#jitterMs;
    return Math.min(this.#maxWaitMs, Math.max(byJitter, RECOVERY_MARGIN * this.#recoveryMs));
  }

  /**
   * The time to wait for a missing packet.
   *
   * @param roundTripMs - Given when the packet will be asked for again. A retransmission that would
   * come after the longest wait is not waited for at all.
   */
  waitMs(roundTripMs: number | undefined): number {
    const pathWaitMs = this.pathWaitMs;
    if (roundTripMs === undefined) return pathWaitMs;
    const needMs = REORDER_GRACE_MS + roundTripMs + RETRANSMISSION_MARGIN_MS + this.#jitterMs;
    return needMs <= this.#maxWaitMs ? Math.max(pathWaitMs, needMs) : pathWaitMs;
  }

  /** Takes note of a packet that came in its order. */
  observeArrival(nowMs: number, timestamp: number): void {
    if (this.#lastArrivalMs !== undefined) {
      const sentMs = ((timestamp - this.#lastTimestamp) | 0) / this.#samplesPerMs;
      const deviationMs = Math.abs(nowMs - this.#lastArrivalMs - sentMs);
      if (deviationMs < MAX_DEVIATION_MS) this.#jitterMs += (deviationMs - this.#jitterMs) / 16;
    }
    this.#lastArrivalMs = nowMs;
    this.#lastTimestamp = timestamp;
    this.#recoveryMs -= this.#recoveryMs / RECOVERY_MEMORY_PACKETS;
  }

  /**
   * Takes note of a packet that came after its successors, in time or not.
   *
   * @param afterMs - Time since it was missed first.
   */
  observeRecovery(afterMs: number): void {
    // Waiting cannot save what comes later than the longest wait; it would only cost time.
    if (afterMs <= this.#maxWaitMs) this.#recoveryMs = Math.max(this.#recoveryMs, afterMs);
  }

  /** Forgets the last arrival: the next packet is of another source. */
  restart(): void {
    this.#lastArrivalMs = undefined;
  }
}
