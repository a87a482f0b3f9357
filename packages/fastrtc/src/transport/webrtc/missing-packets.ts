/**
 * The packets that a jitter buffer waits for, and when to ask for them again.
 *
 * In go the gaps as they appear and close, out come the sequence numbers to request: after a grace
 * for reordering, and once more a round trip later, each only if the answer can come before the
 * packet is given up. The jitter buffer calls it, at gaps only.
 */

import { REORDER_GRACE_MS } from "./gap-wait.ts";

interface Missing {
  readonly sinceMs: number;
  requestAtMs: number;
  requests: number;
}

const MAX_REQUESTS = 2;
// For a path whose round trip is not known: when to ask for the second time.
const ASSUMED_ROUND_TRIP_MS = 50;

/** Packets below the highest that have not come yet, by plain sequence number. */
export class MissingPackets {
  // A map keeps the order of insertion, which is that of the numbers.
  readonly #missing = new Map<number, Missing>();
  #nextRequestMs = Infinity;

  /** When {@link MissingPackets.takeRequests} has something to say; Infinity for never. */
  get nextRequestMs(): number {
    return this.#nextRequestMs;
  }

  /** Adds the packets from `first` up to, not including, `end`. */
  add(first: number, end: number, nowMs: number): void {
    const requestAtMs = nowMs + REORDER_GRACE_MS;
    for (let sequence = first; sequence < end; sequence++) {
      this.#missing.set(sequence, { sinceMs: nowMs, requestAtMs, requests: 0 });
    }
    this.#nextRequestMs = Math.min(this.#nextRequestMs, requestAtMs);
  }

  /** Since when a packet is missed; undefined when it is not. */
  since(sequence: number): number | undefined {
    return this.#missing.get(sequence)?.sinceMs;
  }

  /** Waits for a packet no longer. */
  delete(sequence: number): void {
    this.#missing.delete(sequence);
    if (this.#missing.size === 0) this.#nextRequestMs = Infinity;
  }

  /** Waits for nothing any more. */
  clear(): void {
    this.#missing.clear();
    this.#nextRequestMs = Infinity;
  }

  /**
   * Returns the 16-bit sequence numbers to ask for now, and counts them as asked for.
   *
   * @param waitMs - How long each is waited for.
   */
  takeRequests(nowMs: number, waitMs: number, roundTripMs: number | undefined): number[] {
    const requests: number[] = [];
    this.#nextRequestMs = Infinity;
    for (const [sequence, missing] of this.#missing) {
      if (missing.requests === MAX_REQUESTS) continue;
      const giveUpMs = missing.sinceMs + waitMs;
      if (missing.requestAtMs <= nowMs) {
        if (nowMs + (roundTripMs ?? 0) > giveUpMs) {
          missing.requests = MAX_REQUESTS;
          continue;
        }
        requests.push(sequence & 0xffff);
        missing.requests++;
        missing.requestAtMs = nowMs + (roundTripMs ?? ASSUMED_ROUND_TRIP_MS);
      }
      const canAsk = missing.requests < MAX_REQUESTS;
      if (canAsk && missing.requestAtMs + (roundTripMs ?? 0) <= giveUpMs) {
        this.#nextRequestMs = Math.min(this.#nextRequestMs, missing.requestAtMs);
      }
    }
    return requests;
  }
}
