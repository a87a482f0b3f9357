/**
 * SRTP and SRTCP, the two profiles that browsers offer (RFC 3711, RFC 7714).
 *
 * In go packets and the keys that DTLS exported, out come the same packets protected or opened. One
 * instance serves one direction of one session. Everything that costs time runs in OpenSSL.
 */

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  timingSafeEqual,
  type KeyObject,
} from "node:crypto";
import { readRtpHeader, type RtpHeader } from "./rtp.ts";

/** A protection profile by its number in `use_srtp` (RFC 5764 section 4.1.2). */
export type SrtpProfile = 0x0001 | 0x0007;

/** AES counter mode with HMAC-SHA1, which everybody has. */
export const AES128_CM_SHA1_80: SrtpProfile = 0x0001;
/** AES-GCM: one pass instead of two, and a tag of 16 bytes instead of 10. */
export const AEAD_AES128_GCM: SrtpProfile = 0x0007;

/** Bytes of master key of both profiles. */
export const SRTP_KEY_LENGTH = 16;

/** Bytes of master salt that a profile takes. */
export function srtpSaltLength(profile: SrtpProfile): number {
  return profile === AEAD_AES128_GCM ? 12 : 14;
}

const GCM_TAG_LENGTH = 16;
const HMAC_TAG_LENGTH = 10;
/** The word behind SRTCP packets: encrypted flag and index. */
const SRTCP_INDEX_LENGTH = 4;
const ENCRYPTED_FLAG = 0x8000_0000;
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

interface PacketCipher {
  seal(
    packet: Buffer,
    headerLength: number,
    ssrc: number,
    rollover: number,
    sequence: number,
  ): Buffer;
  open(
    packet: Buffer,
    headerLength: number,
    ssrc: number,
    rollover: number,
    sequence: number,
  ): Buffer | undefined;
  sealControl(packet: Buffer, ssrc: number, index: number): Buffer;
  openControl(packet: Buffer): { packet: Buffer; index: number } | undefined;
}

function createPacketCipher(
  profile: SrtpProfile,
  key: Buffer,
  salt: Buffer,
  firstLabel: 0 | 3,
): PacketCipher {
  return profile === AEAD_AES128_GCM
    ? new GcmCipher(key, salt, firstLabel)
    : new CounterCipher(key, salt, firstLabel);
}

/** AEAD_AES_128_GCM (RFC 7714). */
class GcmCipher implements PacketCipher {
  readonly #key: KeyObject;
  readonly #salt: Buffer;
  readonly #iv = Buffer.alloc(12);

  constructor(key: Buffer, salt: Buffer, firstLabel: number) {
    this.#key = createSecretKey(deriveKey(key, salt, firstLabel, SRTP_KEY_LENGTH));
    this.#salt = deriveKey(key, salt, firstLabel + 2, 12);
  }

  seal(
    packet: Buffer,
    headerLength: number,
    ssrc: number,
    rollover: number,
    sequence: number,
  ): Buffer {
    const cipher = createCipheriv(
      "aes-128-gcm",
      this.#key,
      this.#mediaIv(ssrc, rollover, sequence),
    );
    cipher.setAAD(packet.subarray(0, headerLength));
    const sealed = Buffer.allocUnsafe(packet.length + GCM_TAG_LENGTH);
    packet.copy(sealed, 0, 0, headerLength);
    cipher.update(packet.subarray(headerLength)).copy(sealed, headerLength);
    cipher.final();
    cipher.getAuthTag().copy(sealed, packet.length);
    return sealed;
  }

  open(
    packet: Buffer,
    headerLength: number,
    ssrc: number,
    rollover: number,
    sequence: number,
  ): Buffer | undefined {
    const end = packet.length - GCM_TAG_LENGTH;
    if (end < headerLength) return undefined;
    return this.#open(
      packet.subarray(headerLength, end),
      packet.subarray(end),
      packet.subarray(0, headerLength),
      this.#mediaIv(ssrc, rollover, sequence),
    );
  }

  sealControl(packet: Buffer, ssrc: number, index: number): Buffer {
    const trailer = Buffer.alloc(SRTCP_INDEX_LENGTH);
    trailer.writeUInt32BE((ENCRYPTED_FLAG | index) >>> 0);
    const cipher = createCipheriv("aes-128-gcm", this.#key, this.#controlIv(ssrc, index));
    cipher.setAAD(Buffer.concat([packet.subarray(0, 8), trailer]));
    const body = cipher.update(packet.subarray(8));
    cipher.final();
    return Buffer.concat([packet.subarray(0, 8), body, cipher.getAuthTag(), trailer]);
  }

  openControl(packet: Buffer): { packet: Buffer; index: number } | undefined {
    const tagStart = packet.length - SRTCP_INDEX_LENGTH - GCM_TAG_LENGTH;
    if (tagStart < 8) return undefined;
    const trailer = packet.subarray(packet.length - SRTCP_INDEX_LENGTH);
    const word = trailer.readUInt32BE(0);
    // RFC 7714 has an unencrypted form; browsers never use it.
    if (word < ENCRYPTED_FLAG) return undefined;
    const index = word & 0x7fff_ffff;
    const head = packet.subarray(0, 8);
    const body = this.#open(
      packet.subarray(8, tagStart),
      packet.subarray(tagStart, tagStart + GCM_TAG_LENGTH),
      Buffer.concat([head, trailer]),
      this.#controlIv(packet.readUInt32BE(4), index),
    );
    return body && { packet: Buffer.concat([head, body]), index };
  }

  #open(body: Buffer, tag: Buffer, aad: Buffer, iv: Buffer): Buffer | undefined {
    const decipher = createDecipheriv("aes-128-gcm", this.#key, iv);
    decipher.setAAD(aad);
    decipher.setAuthTag(tag);
    const opened = decipher.update(body);
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return opened;
  }

  // RFC 7714 section 8.1: two zero bytes, SSRC, rollover, sequence number; over the salt.
  #mediaIv(ssrc: number, rollover: number, sequence: number): Buffer {
    const iv = this.#iv;
    iv.writeUInt16BE(0, 0);
    iv.writeUInt32BE(ssrc, 2);
    iv.writeUInt32BE(rollover >>> 0, 6);
    iv.writeUInt16BE(sequence, 10);
    return xorInto(iv, this.#salt);
  }

  // RFC 7714 section 9.1: two zero bytes, SSRC, two zero bytes, index; over the salt.
  #controlIv(ssrc: number, index: number): Buffer {
    const iv = this.#iv;
    iv.writeUInt16BE(0, 0);
    iv.writeUInt32BE(ssrc, 2);
    iv.writeUInt16BE(0, 6);
    iv.writeUInt32BE(index, 8);
    return xorInto(iv, this.#salt);
  }
}

/** AES_CM_128_HMAC_SHA1_80 (RFC 3711 section 4). */
class CounterCipher implements PacketCipher {
  readonly #key: KeyObject;
  readonly #authenticationKey: KeyObject;
  readonly #salt: Buffer;
  readonly #iv = Buffer.alloc(16);
  readonly #word = Buffer.alloc(4);

  constructor(key: Buffer, salt: Buffer, firstLabel: number) {
    this.#key = createSecretKey(deriveKey(key, salt, firstLabel, SRTP_KEY_LENGTH));
    this.#authenticationKey = createSecretKey(deriveKey(key, salt, firstLabel + 1, 20));
    this.#salt = deriveKey(key, salt, firstLabel + 2, 14);
  }

  seal(
    packet: Buffer,
    headerLength: number,
    ssrc: number,
    rollover: number,
    sequence: number,
  ): Buffer {
    const sealed = Buffer.allocUnsafe(packet.length + HMAC_TAG_LENGTH);
    packet.copy(sealed, 0, 0, headerLength);
    const iv = this.#counter(ssrc, rollover, sequence);
    this.#crypt(packet.subarray(headerLength), iv).copy(sealed, headerLength);
    this.#tag(sealed.subarray(0, packet.length), rollover).copy(
      sealed,
      packet.length,
      0,
      HMAC_TAG_LENGTH,
    );
    return sealed;
  }

  open(
    packet: Buffer,
    headerLength: number,
    ssrc: number,
    rollover: number,
    sequence: number,
  ): Buffer | undefined {
    const end = packet.length - HMAC_TAG_LENGTH;
    if (end < headerLength) return undefined;
    if (!this.#isGenuine(packet.subarray(0, end), rollover, packet.subarray(end))) return undefined;
    return this.#crypt(packet.subarray(headerLength, end), this.#counter(ssrc, rollover, sequence));
  }

  sealControl(packet: Buffer, ssrc: number, index: number): Buffer {
    const word = (ENCRYPTED_FLAG | index) >>> 0;
    const body = this.#crypt(packet.subarray(8), this.#counter(ssrc, index >>> 16, index & 0xffff));
    const tag = this.#tag(Buffer.concat([packet.subarray(0, 8), body]), word);
    const trailer = Buffer.alloc(SRTCP_INDEX_LENGTH);
    trailer.writeUInt32BE(word);
    return Buffer.concat([packet.subarray(0, 8), body, trailer, tag.subarray(0, HMAC_TAG_LENGTH)]);
  }

  openControl(packet: Buffer): { packet: Buffer; index: number } | undefined {
    const end = packet.length - HMAC_TAG_LENGTH - SRTCP_INDEX_LENGTH;
    if (end < 8) return undefined;
    const word = packet.readUInt32BE(end);
    const tag = packet.subarray(end + SRTCP_INDEX_LENGTH);
    if (word < ENCRYPTED_FLAG || !this.#isGenuine(packet.subarray(0, end), word, tag))
      return undefined;
    const index = word & 0x7fff_ffff;
    const iv = this.#counter(packet.readUInt32BE(4), index >>> 16, index & 0xffff);
    return {
      packet: Buffer.concat([packet.subarray(0, 8), this.#crypt(packet.subarray(8, end), iv)]),
      index,
    };
  }

  // Counter mode is its own inverse.
  #crypt(data: Buffer, iv: Buffer): Buffer {
    return createCipheriv("aes-128-ctr", this.#key, iv).update(data);
  }

  #tag(data: Buffer, lastWord: number): Buffer {
    this.#word.writeUInt32BE(lastWord >>> 0);
    return createHmac("sha1", this.#authenticationKey).update(data).update(this.#word).digest();
  }

  #isGenuine(data: Buffer, lastWord: number, tag: Buffer): boolean {
    return timingSafeEqual(this.#tag(data, lastWord).subarray(0, HMAC_TAG_LENGTH), tag);
  }

  // RFC 3711 section 4.1.1: salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16.
  #counter(ssrc: number, high: number, low: number): Buffer {
    const iv = this.#iv.fill(0);
    iv.writeUInt32BE(ssrc, 4);
    iv.writeUInt32BE(high >>> 0, 8);
    iv.writeUInt16BE(low, 12);
    return xorInto(iv, this.#salt);
  }
}

// RFC 3711 section 4.3.1: the label stands at byte 7 of the 14 bytes that enter the counter; a salt of
// 12 bytes is filled up with zeros (RFC 7714 section 11).
function deriveKey(masterKey: Buffer, masterSalt: Buffer, label: number, length: number): Buffer {
  const iv = Buffer.alloc(16);
  masterSalt.copy(iv);
  iv.writeUInt8(iv.readUInt8(7) ^ label, 7);
  return createCipheriv("aes-128-ctr", masterKey, iv).update(Buffer.alloc(length));
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

function xorInto(target: Buffer, other: Buffer): Buffer {
  for (let index = 0; index < other.length; index++) {
    target[index] = (target[index] ?? 0) ^ (other[index] ?? 0);
  }
  return target;
}
