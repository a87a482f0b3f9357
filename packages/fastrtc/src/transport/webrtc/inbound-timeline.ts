/**
 * Turns packets in order into chunks without holes.
 *
 * In go packets whose RTP timestamps may stand still, pause or jump, and the passing of real time;
 * out come chunks of which each begins where the one before it ended. The jitter buffer calls it.
 *
 * The rule: every packet is delivered, at the end of what has been delivered. The output counts
 * from 0 and is not tied to RTP time; RTP time only says how much to fill in before a packet,
 * namely its distance from the end of the packet before, less what has been filled in since then.
 * - Nothing left to fill (the fill ran ahead of packets that were only delayed): the output is
 *   ahead of the sender. Later pauses of the sender are shortened by that; lost packets are not,
 *   because a decoder can restore what was lost.
 * - More to fill than time has passed: the sender has set its clock; nothing is filled.
 */

import type { EncodedChunk } from "../../media/encoded-chunk.ts";
import { unwrapTimestamp } from "./sequence.ts";

// Decoders conceal whole multiples of 2.5 ms, the shortest Opus frame (RFC 6716 section 2).
const STEPS_PER_SECOND = 400;
// A decoder's concealment fades out within about this time; then silence is all there is to say.
const MAX_CONCEALED_MS = 100;
// Pieces of a hole are no shorter than this, or packets of one sample would be filled with as many.
const MIN_PIECE_MS = 10;
// Holes are filled no faster than time passes, with this much in hand, so that a sender of wild
// timestamps cannot have us make up audio by the hour.
const MAX_HOLE_MS = 1000;

/** Where the output of one jitter buffer stands. */
export class InboundTimeline {
  readonly #samplesPerMs: number;
  readonly #stepSamples: number;
  readonly #maxConcealedSamples: number;
  readonly #emit: (chunk: EncodedChunk) => void;
  #position = 0;
  /** RTP time at which the last packet ended; undefined before the first of a source. */
  #mediaEnd: number | undefined;
  /** Filled in since the last packet. Before any packet there is nothing to conceal from. */
  #filledSamples: number;
  /** By how much the output has outrun the sender. */
  #aheadSamples = 0;
  #totalFilledSamples = 0;
  #allowanceMs = MAX_HOLE_MS;
  #allowanceAtMs = 0;

  constructor(sampleRate: number, emit: (chunk: EncodedChunk) => void) {
    this.#samplesPerMs = sampleRate / 1000;
    this.#stepSamples = sampleRate / STEPS_PER_SECOND;
    this.#maxConcealedSamples = MAX_CONCEALED_MS * this.#samplesPerMs;
    this.#filledSamples = this.#maxConcealedSamples;
    this.#emit = emit;
  }

  /** Time that was filled in so far, in milliseconds. */
  get filledMs(): number {
    return this.#totalFilledSamples / this.#samplesPerMs;
  }

  /**
   * Delivers the next packet, after whatever must be filled in before it.
   *
   * @param timestamp - The packet's 32 bits.
   * @param lostBefore - Whether packets right before this one were given up.
   */
  deliver(
    data: Uint8Array,
    timestamp: number,
    durationSamples: number,
    lostBefore: boolean,
    nowMs: number,
  ): void {
    let start = timestamp;
    if (this.#mediaEnd !== undefined) {
      start = unwrapTimestamp(this.#mediaEnd, timestamp);
      const missing = start - this.#mediaEnd - this.#filledSamples;
      if (missing > 0)
        this.#fillHole(missing, durationSamples, lostBefore ? data : undefined, nowMs);
      else if (missing < 0) this.#runAhead(-missing);
    }
    this.#mediaEnd = start + durationSamples;
    this.#filledSamples = 0;
    const position = this.#position;
    this.#position += durationSamples;
    this.#emit({ data, timestamp: position, durationSamples });
  }

  /**
   * Fills in time that passed without packets.
   *
   * @param fecData - The bytes of the packet that comes next, when they may describe this piece.
   */
  fill(durationSamples: number, fecData?: Uint8Array): void {
    const isSilence = fecData === undefined && this.#filledSamples >= this.#maxConcealedSamples;
    const timestamp = this.#position;
    this.#position += durationSamples;
    this.#filledSamples += durationSamples;
    this.#totalFilledSamples += durationSamples;
    const piece = { data: undefined, timestamp, durationSamples };
    if (fecData) this.#emit({ ...piece, fecData });
    else this.#emit(isSilence ? { ...piece, silence: true } : piece);
  }

  /** Begins with another source, whose RTP time has nothing to do with the last one's. */
  restart(): void {
    this.#mediaEnd = undefined;
    this.#aheadSamples = 0;
  }

  #fillHole(
    missing: number,
    durationSamples: number,
    fecData: Uint8Array | undefined,
    nowMs: number,
  ): void {
    let samples = missing;
    if (fecData === undefined) {
      const shortened = Math.min(this.#aheadSamples, samples);
      this.#aheadSamples -= shortened;
      samples -= shortened;
    }
    samples -= samples % this.#stepSamples;
    if (!this.#allow(samples / this.#samplesPerMs, nowMs)) return;
    const pieceSamples = Math.max(durationSamples, MIN_PIECE_MS * this.#samplesPerMs);
    while (samples > 0) {
      // The odd piece goes first: forward error correction describes one whole packet's length.
      const piece = samples % pieceSamples || pieceSamples;
      samples -= piece;
      this.fill(piece, samples === 0 ? fecData : undefined);
    }
  }

  #allow(holeMs: number, nowMs: number): boolean {
    const passedMs = nowMs - this.#allowanceAtMs;
    this.#allowanceMs = Math.min(MAX_HOLE_MS, this.#allowanceMs + passedMs);
    this.#allowanceAtMs = nowMs;
    if (holeMs > this.#allowanceMs) return false;
    this.#allowanceMs -= holeMs;
    return true;
  }

  #runAhead(samples: number): void {
    const maxSamples = MAX_HOLE_MS * this.#samplesPerMs;
    // More than that is no delay: the sender stopped its clock, or set it back.
    if (samples > maxSamples) return;
    this.#aheadSamples = Math.min(maxSamples, this.#aheadSamples + samples);
  }
}
