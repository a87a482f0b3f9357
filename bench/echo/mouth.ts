/** Speaks and listens for one caller of the echo bench. */

import type { Caller } from "./caller.ts";
import { ToneFinder } from "./sound.ts";

/** Time between two packets, in milliseconds. */
export const FRAME_MS = 20;

/** Speaks into one call, packet by packet, and listens. */
export class Mouth {
  /** What the echoes took that came since counting began. */
  readonly roundTripsMs: number[] = [];
  /** When the next packet is due. Every caller has a phase of its own, as real ones have. */
  dueMs = performance.now() + Math.random() * FRAME_MS;
  readonly #caller: Caller;
  readonly #packets: readonly Uint8Array[];
  readonly #onsets: readonly (number | undefined)[];
  readonly #finder = new ToneFinder();
  #spokenAtMs: number | undefined;

  /**
   * @param packets - What it says, over and over.
   * @param onsets - Where tones begin in them; empty when nobody listens for any.
   */
  constructor(
    caller: Caller,
    packets: readonly Uint8Array[],
    onsets: readonly (number | undefined)[],
  ) {
    this.#caller = caller;
    this.#packets = packets;
    this.#onsets = onsets;
    if (onsets.length > 0) caller.onAudio = (payload) => this.#listen(payload);
  }

  /** Sends the next packet. */
  speak(): void {
    const index = this.#caller.sent % this.#packets.length;
    const onsetMs = this.#onsets[index];
    if (onsetMs !== undefined) this.#spokenAtMs = performance.now() + onsetMs;
    this.#caller.send(this.#packets[index] ?? new Uint8Array(0));
    this.dueMs += FRAME_MS;
  }

  /** Counts from now until the returned function is called. */
  beginCount(): () => { readonly expected: number; readonly missing: number } {
    const { sent, received } = this.#caller;
    this.roundTripsMs.length = 0;
    return () => {
      const expected = this.#caller.sent - sent;
      const back = this.#caller.received - received;
      // One packet may stand on either side of each of the window's edges.
      return { expected, missing: Math.max(0, expected - back - 1) };
    };
  }

  hangUp(): void {
    this.#caller.close();
  }

  #listen(payload: Uint8Array): void {
    const nowMs = performance.now();
    const onsetMs = this.#finder.next(payload);
    if (onsetMs === undefined || this.#spokenAtMs === undefined) return;
    this.roundTripsMs.push(nowMs + onsetMs - this.#spokenAtMs);
    this.#spokenAtMs = undefined;
  }
}
