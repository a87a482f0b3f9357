/**
 * The two SRTP protection profiles on packets (RFC 3711 section 4, RFC 7714): key derivation, nonces,
 * tags. `srtp.ts` keeps the state around them. Everything that costs time runs in OpenSSL.
 */

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  timingSafeEqual,
  type KeyObject,
} from "node:crypto";

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

/** Protects and opens packets with one set of session keys. */
export interface PacketCipher {
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

/**
 * Derives session keys and makes the cipher of a profile.
 *
 * @param firstLabel - 0 for RTP, 3 for RTCP (RFC 3711 section 4.3.2).
 */
export function createPacketCipher(
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

function xorInto(target: Buffer, other: Buffer): Buffer {
  for (let index = 0; index < other.length; index++) {
    target[index] = (target[index] ?? 0) ^ (other[index] ?? 0);
  }
  return target;
}
