/** The record layer of DTLS 1.2 with AES-128-GCM (RFC 6347 section 4.1, RFC 5288). */

import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";

/** What a record carries. */
export const ContentType = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
} as const;

/** One record as it came. */
export interface DtlsRecord {
  readonly type: number;
  readonly epoch: number;
  /** 48 bits. */
  readonly sequence: number;
  readonly fragment: Buffer;
}

const HEADER_LENGTH = 13;
const VERSION = 0xfefd;
const EXPLICIT_NONCE_LENGTH = 8;
const TAG_LENGTH = 16;
const REPLAY_WINDOW = 64;

/** Tells DTLS from what else comes to the socket (RFC 7983). */
export function isDtls(firstByte: number): boolean {
  return firstByte >= 20 && firstByte <= 63;
}

/** Splits a datagram into records; stops at the first that is broken. */
export function readRecords(datagram: Buffer): DtlsRecord[] {
  const records: DtlsRecord[] = [];
  for (let offset = 0; offset + HEADER_LENGTH <= datagram.length;) {
    const end = offset + HEADER_LENGTH + datagram.readUInt16BE(offset + 11);
    if (end > datagram.length || datagram.readUInt8(offset + 1) !== 0xfe) break;
    records.push({
      type: datagram.readUInt8(offset),
      epoch: datagram.readUInt16BE(offset + 3),
      sequence: datagram.readUIntBE(offset + 5, 6),
      fragment: datagram.subarray(offset + HEADER_LENGTH, end),
    });
    offset = end;
  }
  return records;
}

/** Writes a record in the clear, epoch 0. */
export function writePlainRecord(type: number, sequence: number, fragment: Buffer): Buffer {
  return Buffer.concat([header(type, 0, sequence, fragment.length), fragment]);
}

/** One direction's encryption: epoch 1, the only one after the handshake. */
export class RecordSealer {
  readonly #key: KeyObject;
  readonly #salt: Buffer;
  #sequence = 0;

  constructor(key: Buffer, salt: Buffer) {
    this.#key = createSecretKey(key);
    this.#salt = salt;
  }

  /** Returns the whole record, encrypted. */
  seal(type: number, content: Buffer): Buffer {
    const sequence = this.#sequence++;
    const explicit = epochAndSequence(1, sequence);
    const cipher = createCipheriv("aes-128-gcm", this.#key, Buffer.concat([this.#salt, explicit]));
    cipher.setAAD(additionalData(explicit, type, content.length));
    const sealed = cipher.update(content);
    cipher.final();
    const length = EXPLICIT_NONCE_LENGTH + content.length + TAG_LENGTH;
    return Buffer.concat([
      header(type, 1, sequence, length),
      explicit,
      sealed,
      cipher.getAuthTag(),
    ]);
  }
}

/** The other direction's decryption, with a window against replays (RFC 6347 section 4.1.2.6). */
export class RecordOpener {
  readonly #key: KeyObject;
  readonly #salt: Buffer;
  readonly #seen = new Float64Array(REPLAY_WINDOW).fill(-1);
  #newest = -1;

  constructor(key: Buffer, salt: Buffer) {
    this.#key = createSecretKey(key);
    this.#salt = salt;
  }

  /** Returns the content, or undefined for a record that is forged, replayed or of another epoch. */
  open(record: DtlsRecord): Buffer | undefined {
    const { fragment, sequence } = record;
    const size = fragment.length - EXPLICIT_NONCE_LENGTH - TAG_LENGTH;
    if (record.epoch !== 1 || size < 0) return undefined;
    const slot = sequence % REPLAY_WINDOW;
    if (sequence <= this.#newest - REPLAY_WINDOW || this.#seen[slot] === sequence) return undefined;
    const explicit = fragment.subarray(0, EXPLICIT_NONCE_LENGTH);
    const decipher = createDecipheriv(
      "aes-128-gcm",
      this.#key,
      Buffer.concat([this.#salt, explicit]),
    );
    decipher.setAAD(additionalData(epochAndSequence(1, sequence), record.type, size));
    decipher.setAuthTag(fragment.subarray(fragment.length - TAG_LENGTH));
    const content = decipher.update(
      fragment.subarray(EXPLICIT_NONCE_LENGTH, EXPLICIT_NONCE_LENGTH + size),
    );
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    this.#newest = Math.max(this.#newest, sequence);
    this.#seen[slot] = sequence;
    return content;
  }
}

function header(type: number, epoch: number, sequence: number, length: number): Buffer {
  const bytes = Buffer.alloc(HEADER_LENGTH);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt16BE(VERSION, 1);
  bytes.writeUInt16BE(epoch, 3);
  bytes.writeUIntBE(sequence, 5, 6);
  bytes.writeUInt16BE(length, 11);
  return bytes;
}

function epochAndSequence(epoch: number, sequence: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16BE(epoch, 0);
  bytes.writeUIntBE(sequence, 2, 6);
  return bytes;
}

function additionalData(explicit: Buffer, type: number, length: number): Buffer {
  const bytes = Buffer.alloc(13);
  explicit.copy(bytes);
  bytes.writeUInt8(type, 8);
  bytes.writeUInt16BE(VERSION, 9);
  bytes.writeUInt16BE(length, 11);
  return bytes;
}
