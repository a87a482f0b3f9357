/**
 * Orders the packets of one inbound track.
 *
 * In go RTP packets as the network delivers them, out come chunks in order and without holes, also
 * while nothing arrives. Nothing plays this sound, so there is no playout delay: a packet that is
 * next goes out within the call that brings it, and only a gap is waited for. The WebRTC transport
 * makes one per track and feeds it.
 *
 * Bounds: 100 packets or 256 KiB are held behind a gap; beyond that the oldest gap is given up
 * early, so that no packet is dropped for want of room.
 */

import { InvalidOptionError } from "../../errors.ts";
import type { Clock, Timer } from "../../media/clock.ts";
import type { EncodedChunk } from "../../media/encoded-chunk.ts";
import type { InboundRtp } from "./backend.ts";
import { GapWait, MIN_WAIT_MS } from "./gap-wait.ts";
import { InboundTimeline } from "./inbound-timeline.ts";
import { MissingPackets } from "./missing-packets.ts";
import { unwrapSequence } from "./sequence.ts";
import { SourceProbation } from "./source-probation.ts";

/** How a {@link JitterBuffer} reads packets, whom it calls, and how long it waits. */
export interface JitterBufferOptions {
  /** Time and timers. */
  readonly clock: Clock;
  /** The clock of the packets' timestamps in Hz, a multiple of 400. */
  readonly sampleRate: number;
  /**
   * Longest time in milliseconds that a gap is waited for.
   *
   * Higher values save more late packets, and let a lost one hold up the turn for longer.
   *
   * @defaultValue 200
   */
  readonly maxWaitMs?: number;
  /**
   * Time in milliseconds without packets after which time is filled in. Longer packets and a
   * jittery path raise it.
   *
   * Lower values end the turn of a caller who mutes sooner, and put false pauses into speech that
   * was only delayed.
   *
   * @defaultValue 60
   */
  readonly fillAfterMs?: number;
  /**
   * Reads a payload's length in samples of the clock. A packet for which it returns no whole number
   * of at most 120 ms, or throws, carries no sound: its time is filled like a pause.
   */
  durationOf(payload: Uint8Array): number;
  /**
   * Takes the next chunk. `data` and `fecData` are views that are valid during the call only. It
   * must not throw.
   */
  onChunk(chunk: EncodedChunk): void;
  /**
   * Asks the sender for packets again: once shortly after a gap appeared and once more a round trip
   * later, each only when the answer can still come in time. Leave it out where the sender has not
   * agreed to retransmit.
   */
  readonly onMissing?: (sequenceNumbers: readonly number[], ssrc: number) => void;
  /** The path's round trip in milliseconds, where it is known. Gaps then wait for retransmissions. */
  readonly roundTripMs?: () => number | undefined;
}

/** What a {@link JitterBuffer} has seen. */
export interface JitterBufferStats {
  /** Packets that came, of any kind. */
  readonly received: number;
  /** Packets given up; a later arrival does not take them back. */
  readonly lost: number;
  /** Packets that had come before. */
  readonly duplicates: number;
  /** Packets that came when they had been given up, or from before the first. */
  readonly late: number;
  /** Time filled in for packets lost or not sent, in milliseconds. */
  readonly filledMs: number;
  /** Interarrival jitter (RFC 3550 section 6.4.1) in milliseconds. */
  readonly jitterMs: number;
  /** How long a gap would be waited for now, in milliseconds. */
  readonly waitMs: number;
}

interface HeldPacket {
  readonly payload: Uint8Array;
  readonly timestamp: number;
  readonly durationSamples: number;
}

const DEFAULTS = { maxWaitMs: 200, fillAfterMs: 60 } as const;
// RFC 3550 appendix A.1 calls these MAX_MISORDER and MAX_DROPOUT. We let no more than the window be
// skipped without a second packet's word for it; a longer outage of a known source counts as loss.
const WINDOW_PACKETS = 100;
const MAX_DROPOUT_PACKETS = 3000;
const MAX_HELD_BYTES = 256 * 1024;
// RFC 6716 section 2: an Opus packet holds 2.5 to 120 ms.
const MIN_PACKET_MS = 2.5;
const MAX_PACKET_MS = 120;
const FILL_CHUNK_MS = 20;
const MAX_FILL_AT_ONCE_MS = 1000;
// A timer this late means that the event loop was held up. The packets that came meanwhile wait in
// the socket, and the loop serves timers first: let it read them before they are given up.
const STALL_MS = 20;
const STALL_GRACE_MS = 5;
const CAME = NaN;

/** Puts RTP packets in order and keeps the time. */
export class JitterBuffer {
  readonly #options: JitterBufferOptions;
  readonly #clock: Clock;
  readonly #samplesPerMs: number;
  readonly #fillAfterMs: number;
  readonly #wait: GapWait;
  readonly #timeline: InboundTimeline;
  readonly #probation = new SourceProbation();
  readonly #missing = new MissingPackets();
  /** Packets that came before their turn, by plain sequence number. */
  readonly #held = new Map<number, HeldPacket>();
  #heldBytes = 0;
  /** Of the packets just behind: when each was missed first, or CAME. */
  readonly #history = new Float64Array(256);
  #ssrc: number | undefined;
  #next = 0;
  #highest = 0;
  #highestTimestamp = 0;
  #lostBefore = false;
  #fillAtMs = Infinity;
  #timer: Timer | undefined;
  #wakeAtMs = 0;
  #hasYielded = false;
  #isClosed = false;
  #received = 0;
  #lost = 0;
  #duplicates = 0;
  #late = 0;

  /** @throws {@link InvalidOptionError} when an option cannot work. */
  constructor(options: JitterBufferOptions) {
    const { sampleRate, maxWaitMs, fillAfterMs } = { ...DEFAULTS, ...options };
    if (!(sampleRate > 0) || sampleRate % 400 !== 0) {
      throw new InvalidOptionError("sampleRate", sampleRate, "Give a multiple of 400 Hz.");
    }
    if (!(maxWaitMs >= MIN_WAIT_MS && maxWaitMs <= 10_000)) {
      throw new InvalidOptionError("maxWaitMs", maxWaitMs, "Give 20 to 10,000 milliseconds.");
    }
    if (!(fillAfterMs >= FILL_CHUNK_MS && fillAfterMs <= 10_000)) {
      throw new InvalidOptionError("fillAfterMs", fillAfterMs, "Give 20 to 10,000 milliseconds.");
    }
    this.#options = options;
    this.#clock = options.clock;
    this.#samplesPerMs = sampleRate / 1000;
    this.#fillAfterMs = fillAfterMs;
    this.#wait = new GapWait(sampleRate, maxWaitMs);
    this.#timeline = new InboundTimeline(sampleRate, (chunk) => {
      if (!this.#isClosed) options.onChunk(chunk);
    });
  }

  /**
   * Lets time run, also before the first packet: call it when the transport has connected. The
   * first packet does the same.
   */
  start(): void {
    if (this.#isClosed || this.#fillAtMs !== Infinity) return;
    const nowMs = this.#clock.now();
    this.#fillAtMs = nowMs + this.#fillAfterMs;
    this.#arm(nowMs);
  }

  /** Takes a packet as it came; its payload is copied when it must wait. */
  push(packet: InboundRtp): void {
    if (this.#isClosed) return;
    const nowMs = this.#clock.now();
    this.#received++;
    if (this.#ssrc === undefined) {
      this.#begin(packet);
      this.#fillAtMs = nowMs + this.#fillAfterMs;
    }
    const sequence = unwrapSequence(this.#highest, packet.sequenceNumber);
    const isNear = Math.abs(sequence - this.#highest) <= WINDOW_PACKETS;
    if (isNear && packet.ssrc === this.#ssrc) this.#accept(sequence, packet, nowMs);
    else this.#probe(sequence, packet, nowMs);
    this.#arm(nowMs);
  }

  /** Reads the figures. */
  stats(): JitterBufferStats {
    return {
      received: this.#received,
      lost: this.#lost,
      duplicates: this.#duplicates,
      late: this.#late,
      filledMs: this.#timeline.filledMs,
      jitterMs: this.#wait.jitterMs,
      waitMs: this.#waitMs(),
    };
  }

  /** Drops what is held and stops the timer. Nothing comes out after it. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#held.clear();
    this.#missing.clear();
  }

  #begin(packet: InboundRtp): void {
    this.#ssrc = packet.ssrc;
    this.#next = packet.sequenceNumber;
    this.#highest = packet.sequenceNumber - 1;
    this.#history.fill(Infinity);
    this.#wait.restart();
    this.#timeline.restart();
  }

  #probe(sequence: number, packet: InboundRtp, nowMs: number): void {
    const skipped = packet.ssrc === this.#ssrc ? sequence - this.#highest : 0;
    const first = this.#probation.admit(packet, this.#looksOld(-skipped, packet.timestamp));
    if (!first) return;
    while (this.#held.size > 0) this.#giveUp(nowMs);
    // The first of the two stands at `skipped - 1`, and all between the highest and it are lost.
    if (skipped > 0 && skipped <= MAX_DROPOUT_PACKETS) this.#lost += skipped - 2;
    this.#begin(first);
    this.#accept(first.sequenceNumber, first, nowMs);
    this.#accept(first.sequenceNumber + 1, packet, nowMs);
  }

  /** Whether a packet may be one that came before: as far behind in time as in number. */
  #looksOld(packetsBehind: number, timestamp: number): boolean {
    const msBehind = ((this.#highestTimestamp - timestamp) | 0) / this.#samplesPerMs;
    return (
      packetsBehind > 0 &&
      msBehind >= packetsBehind * MIN_PACKET_MS &&
      msBehind <= packetsBehind * MAX_PACKET_MS
    );
  }

  #accept(sequence: number, packet: InboundRtp, nowMs: number): void {
    if (sequence < this.#next) {
      this.#refuse(sequence, nowMs);
      return;
    }
    if (this.#held.has(sequence)) {
      this.#duplicates++;
      return;
    }
    if (sequence > this.#highest) {
      this.#wait.observeArrival(nowMs, packet.timestamp);
      if (sequence > this.#highest + 1) this.#missing.add(this.#highest + 1, sequence, nowMs);
      this.#highest = sequence;
      this.#highestTimestamp = packet.timestamp;
    } else {
      this.#wait.observeRecovery(nowMs - (this.#missing.since(sequence) ?? nowMs));
      this.#missing.delete(sequence);
    }
    const durationSamples = this.#durationOf(packet.payload);
    if (sequence !== this.#next) this.#makeRoom(sequence, packet.payload.length, nowMs);
    if (sequence === this.#next) {
      this.#deliver(packet.payload, packet.timestamp, durationSamples, nowMs);
    } else {
      const payload = packet.payload.slice();
      this.#held.set(sequence, { payload, timestamp: packet.timestamp, durationSamples });
      this.#heldBytes += payload.length;
    }
    if (this.#held.size > 0) this.#release(nowMs);
  }

  #refuse(sequence: number, nowMs: number): void {
    const missedAtMs = this.#history[sequence & 255] ?? CAME;
    if (Number.isNaN(missedAtMs)) {
      this.#duplicates++;
      return;
    }
    this.#late++;
    this.#history[sequence & 255] = CAME;
    this.#wait.observeRecovery(nowMs - missedAtMs);
  }

  #makeRoom(sequence: number, bytes: number, nowMs: number): void {
    while (
      this.#held.size > 0 &&
      (sequence - this.#next >= WINDOW_PACKETS || this.#heldBytes + bytes > MAX_HELD_BYTES)
    ) {
      this.#giveUp(nowMs);
    }
  }

  /** Gives up the oldest gap, which has held packets behind it, and delivers those. */
  #giveUp(nowMs: number): void {
    while (!this.#held.has(this.#next)) {
      this.#history[this.#next & 255] = this.#missing.since(this.#next) ?? Infinity;
      this.#missing.delete(this.#next);
      this.#lost++;
      this.#lostBefore = true;
      this.#next++;
    }
    this.#release(nowMs);
  }

  #release(nowMs: number): void {
    let packet: HeldPacket | undefined;
    while ((packet = this.#held.get(this.#next))) {
      this.#held.delete(this.#next);
      this.#heldBytes -= packet.payload.length;
      this.#deliver(packet.payload, packet.timestamp, packet.durationSamples, nowMs);
    }
  }

  #deliver(payload: Uint8Array, timestamp: number, durationSamples: number, nowMs: number): void {
    this.#history[this.#next & 255] = CAME;
    this.#next++;
    if (durationSamples === 0) return;
    const lostBefore = this.#lostBefore;
    this.#lostBefore = false;
    this.#fillAtMs = nowMs + this.#fillDelayMs(durationSamples / this.#samplesPerMs);
    this.#timeline.deliver(payload, timestamp, durationSamples, lostBefore, nowMs);
  }

  /** Counts from the last packet, never from the start: two clocks cannot drift apart in it. */
  #fillDelayMs(packetMs: number): number {
    return Math.max(this.#fillAfterMs, 2 * packetMs, packetMs + this.#wait.pathWaitMs);
  }

  #durationOf(payload: Uint8Array): number {
    if (payload.length === 0) return 0;
    try {
      const samples = this.#options.durationOf(payload);
      const isUsable = Number.isInteger(samples) && samples > 0;
      return isUsable && samples <= MAX_PACKET_MS * this.#samplesPerMs ? samples : 0;
    } catch {
      return 0;
    }
  }

  #waitMs(): number {
    return this.#wait.waitMs(this.#options.onMissing && this.#options.roundTripMs?.());
  }

  // One timer serves gaps and filling. On a clean path it is not touched by packets: it finds, when
  // it fires, that the time to fill has moved on, and sets itself anew.
  #arm(nowMs: number): void {
    if (this.#isClosed) return;
    const atMs = this.#held.size > 0 ? this.#gapDueMs() : this.#fillAtMs;
    if (this.#timer) {
      if (this.#wakeAtMs <= atMs) return;
      this.#timer.cancel();
    }
    this.#setTimer(atMs, nowMs);
  }

  #setTimer(atMs: number, nowMs: number): void {
    this.#wakeAtMs = atMs;
    this.#timer = this.#clock.setTimeout(this.#onTimer, Math.max(0, Math.ceil(atMs - nowMs)));
  }

  #gapDueMs(): number {
    const giveUpMs = (this.#missing.since(this.#next) ?? -Infinity) + this.#waitMs();
    return this.#options.onMissing ? Math.min(giveUpMs, this.#missing.nextRequestMs) : giveUpMs;
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    const nowMs = this.#clock.now();
    if (nowMs - this.#wakeAtMs > STALL_MS && !this.#hasYielded) {
      this.#hasYielded = true;
      this.#setTimer(nowMs + STALL_GRACE_MS, nowMs);
      return;
    }
    this.#hasYielded = false;
    // Node's timers may fire a millisecond early. Then nothing is due, and the timer is set again.
    if (this.#held.size > 0) this.#tendGaps(nowMs);
    else this.#fill(nowMs);
    this.#arm(nowMs);
  };

  #tendGaps(nowMs: number): void {
    const waitMs = this.#waitMs();
    const { onMissing, roundTripMs } = this.#options;
    while (this.#held.size > 0 && nowMs >= (this.#missing.since(this.#next) ?? 0) + waitMs) {
      this.#giveUp(nowMs);
    }
    if (!onMissing || nowMs < this.#missing.nextRequestMs) return;
    const requests = this.#missing.takeRequests(nowMs, waitMs, roundTripMs?.());
    if (requests.length > 0) onMissing(requests, this.#ssrc ?? 0);
  }

  #fill(nowMs: number): void {
    const endMs = this.#fillAtMs + MAX_FILL_AT_ONCE_MS;
    while (this.#fillAtMs <= nowMs && !this.#isClosed) {
      // After a longer standstill nobody needs all of the time that passed.
      if (this.#fillAtMs >= endMs) this.#fillAtMs = nowMs;
      this.#fillAtMs += FILL_CHUNK_MS;
      this.#timeline.fill(FILL_CHUNK_MS * this.#samplesPerMs);
    }
  }
}
