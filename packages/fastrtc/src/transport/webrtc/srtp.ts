/**
 * SRTP and SRTCP, the two profiles that browsers offer (RFC 3711, RFC 7714).
 *
 * In go packets and the keys that DTLS exported, out come the same packets protected or opened. One
 * instance serves one direction of one session. Everything that costs time runs in OpenSSL.
 */

import { createPacketCipher, type PacketCipher, type SrtpProfile } from "./srtp-cipher.ts";
import { readRtpHeader, type RtpHeader } from "./rtp.ts";

const REPLAY_WINDOW = 128;
/** More streams than this in one session are an attack on our memory; a browser sends one or two. */
const MAX_STREAMS = 8;

interface StreamState {
  /** The sequence number that was newest. */
  newest: number;
  rollover: number;
  /** Indexes that were seen, at their remainder by the window; -1 for none. */
  readonly seen: Float64Array;
}

/** Protects what we send. */
export class SrtpSender {
  readonly #cipher: PacketCipher;
  readonly #control: PacketCipher;
  readonly #rollovers = new Map<number, { newest: number; rollover: number }>();
  #controlIndex = 0;

  /**
   * @param key - Our master key.
   * @param salt - Our master salt.
   */
  constructor(profile: SrtpProfile, key: Buffer, salt: Buffer) {
    this.#cipher = createPacketCipher(profile, key, salt, 0);
    this.#control = createPacketCipher(profile, key, salt, 3);
  }

  /** Returns the protected packet; sequence numbers of a stream must go up by one. */
  protect(
    packet: Buffer,
    header: Pick<RtpHeader, "ssrc" | "sequenceNumber" | "headerLength">,
  ): Buffer {
    let state = this.#rollovers.get(header.ssrc);
    if (!state)
      this.#rollovers.set(header.ssrc, (state = { newest: header.sequenceNumber, rollover: 0 }));
    if (header.sequenceNumber < state.newest) state.rollover++;
    state.newest = header.sequenceNumber;
    return this.#cipher.seal(
      packet,
      header.headerLength,
      header.ssrc,
      state.rollover,
      header.sequenceNumber,
    );
  }

  /** Returns the protected compound packet. */
  protectControl(packet: Buffer): Buffer {
    this.#controlIndex = (this.#controlIndex + 1) & 0x7fff_ffff;
    return this.#control.sealControl(packet, packet.readUInt32BE(4), this.#controlIndex);
  }
}

/** Opens what we receive. Forged, replayed and too old packets come back as undefined. */
export class SrtpReceiver {
  readonly #cipher: PacketCipher;
  readonly #control: PacketCipher;
  readonly #streams = new Map<number, StreamState>();
  readonly #controlSeen = new Float64Array(REPLAY_WINDOW).fill(-1);
  #controlNewest = -1;

  /**
   * @param key - The other side's master key.
   * @param salt - The other side's master salt.
   */
  constructor(profile: SrtpProfile, key: Buffer, salt: Buffer) {
    this.#cipher = createPacketCipher(profile, key, salt, 0);
    this.#control = createPacketCipher(profile, key, salt, 3);
  }

  /** Returns the header and the payload, padding included. */
  open(packet: Buffer): { readonly header: RtpHeader; readonly payload: Buffer } | undefined {
    const header = readRtpHeader(packet);
    if (!header) return undefined;
    const known = this.#streams.get(header.ssrc);
    if (!known && this.#streams.size >= MAX_STREAMS) return undefined;
    const { sequenceNumber } = header;
    const rollover = known ? guessRollover(known, sequenceNumber) : 0;
    if (rollover < 0) return undefined;
    const index = rollover * 0x1_0000 + sequenceNumber;
    if (known && isReplay(known.seen, index, known.rollover * 0x1_0000 + known.newest))
      return undefined;
    const payload = this.#cipher.open(
      packet,
      header.headerLength,
      header.ssrc,
      rollover,
      sequenceNumber,
    );
    if (!payload) return undefined;
    // Only what proved genuine may move the window: a forged packet could push it away.
    const state = known ?? {
      newest: sequenceNumber,
      rollover,
      seen: new Float64Array(REPLAY_WINDOW).fill(-1),
    };
    if (!known) this.#streams.set(header.ssrc, state);
    if (index > state.rollover * 0x1_0000 + state.newest) {
      state.rollover = rollover;
      state.newest = sequenceNumber;
    }
    state.seen[index % REPLAY_WINDOW] = index;
    return { header, payload };
  }

  /** Returns the compound packet in the clear. */
  openControl(packet: Buffer): Buffer | undefined {
    const opened = this.#control.openControl(packet);
    if (!opened || isReplay(this.#controlSeen, opened.index, this.#controlNewest)) return undefined;
    this.#controlNewest = Math.max(this.#controlNewest, opened.index);
    this.#controlSeen[opened.index % REPLAY_WINDOW] = opened.index;
    return opened.packet;
  }
}

// RFC 3711 appendix A.
function guessRollover(state: StreamState, sequenceNumber: number): number {
  const { newest, rollover } = state;
  if (newest < 0x8000) return sequenceNumber - newest > 0x8000 ? rollover - 1 : rollover;
  return newest - 0x8000 > sequenceNumber ? rollover + 1 : rollover;
}

function isReplay(seen: Float64Array, index: number, newest: number): boolean {
  return index <= newest - REPLAY_WINDOW || seen[index % REPLAY_WINDOW] === index;
}
