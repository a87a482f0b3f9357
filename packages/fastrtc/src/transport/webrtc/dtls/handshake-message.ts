/** Handshake messages of DTLS 1.2 (RFC 6347 section 4.2): reads the client's, writes the server's. */

/** Handshake message types that take part. */
export const HandshakeType = {
  clientHello: 1,
  serverHello: 2,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
} as const;

/** One whole message. */
export interface HandshakeMessage {
  readonly type: number;
  readonly sequence: number;
  readonly body: Buffer;
  /** The message with a header as if it had never been cut: what the handshake's hash covers. */
  readonly bytes: Buffer;
}

/** ECDHE on P-256, ECDSA, AES-128-GCM: every browser has it (RFC 8827 section 6.5). */
export const CIPHER_SUITE = 0xc02b;
/** The curve P-256 (RFC 8422 section 5.1.1). */
export const GROUP_P256 = 23;
/** ECDSA with SHA-256 (RFC 5246 section 7.4.1.4.1). */
export const ECDSA_SHA256 = 0x0403;

/** Hash and key type of the signatures that we verify, by their number on the wire. */
export const SIGNATURE_SCHEMES: ReadonlyMap<
  number,
  { readonly hash: string; readonly keyType: string }
> = new Map([
  [ECDSA_SHA256, { hash: "sha256", keyType: "ec" }],
  [0x0503, { hash: "sha384", keyType: "ec" }],
  [0x0603, { hash: "sha512", keyType: "ec" }],
  [0x0401, { hash: "sha256", keyType: "rsa" }],
  [0x0501, { hash: "sha384", keyType: "rsa" }],
  [0x0601, { hash: "sha512", keyType: "rsa" }],
]);

const HEADER_LENGTH = 12;
/** More than any client's certificate chain or post-quantum hello; bounds what is kept unfinished. */
const MAX_MESSAGE_LENGTH = 16 * 1024;

/** Extension numbers that take part. */
const Extension = {
  supportedGroups: 10,
  ecPointFormats: 11,
  signatureAlgorithms: 13,
  useSrtp: 14,
  extendedMasterSecret: 23,
  renegotiationInfo: 0xff01,
} as const;

/** Puts fragments together and gives out messages in order. */
export class HandshakeReassembler {
  #next = 0;
  #partial:
    { type: number; sequence: number; body: Buffer; missing: [number, number][] } | undefined;

  /**
   * Takes the fragments of one record.
   *
   * @returns the messages that are whole now and next in order; fragments that come early are
   * dropped, and the client sends its flight again.
   */
  push(fragment: Buffer): HandshakeMessage[] {
    const messages: HandshakeMessage[] = [];
    for (let offset = 0; offset + HEADER_LENGTH <= fragment.length;) {
      const length = fragment.readUIntBE(offset + 1, 3);
      const sequence = fragment.readUInt16BE(offset + 4);
      const start = fragment.readUIntBE(offset + 6, 3);
      const size = fragment.readUIntBE(offset + 9, 3);
      const end = offset + HEADER_LENGTH + size;
      if (end > fragment.length || start + size > length || length > MAX_MESSAGE_LENGTH) break;
      if (sequence === this.#next) {
        const type = fragment.readUInt8(offset);
        const message = this.#add(
          type,
          sequence,
          length,
          start,
          fragment.subarray(offset + HEADER_LENGTH, end),
        );
        if (message) messages.push(message);
      }
      offset = end;
    }
    return messages;
  }

  #add(
    type: number,
    sequence: number,
    length: number,
    start: number,
    part: Buffer,
  ): HandshakeMessage | undefined {
    let partial = this.#partial;
    if (partial?.sequence !== sequence || partial.type !== type || partial.body.length !== length) {
      partial = {
        type,
        sequence,
        body: Buffer.alloc(length),
        missing: length > 0 ? [[0, length]] : [],
      };
      this.#partial = partial;
    }
    part.copy(partial.body, start);
    partial.missing = partial.missing.flatMap(([from, to]) =>
      without(from, to, start, start + part.length),
    );
    if (partial.missing.length > 0) return undefined;
    this.#partial = undefined;
    this.#next++;
    return {
      type,
      sequence,
      body: partial.body,
      bytes: writeHandshake(type, sequence, partial.body),
    };
  }
}

/** Writes one message in one fragment. */
export function writeHandshake(type: number, sequence: number, body: Buffer): Buffer {
  const bytes = Buffer.alloc(HEADER_LENGTH + body.length);
  bytes.writeUInt8(type, 0);
  bytes.writeUIntBE(body.length, 1, 3);
  bytes.writeUInt16BE(sequence, 4);
  bytes.writeUIntBE(body.length, 9, 3);
  body.copy(bytes, HEADER_LENGTH);
  return bytes;
}

/** What we need of a ClientHello. */
export interface ClientHello {
  readonly random: Buffer;
  readonly cipherSuites: readonly number[];
  readonly groups: readonly number[];
  readonly signatureSchemes: readonly number[];
  readonly srtpProfiles: readonly number[];
  readonly extendedMasterSecret: boolean;
}

/**
 * Reads a ClientHello.
 *
 * @throws RangeError when it ends early.
 */
export function readClientHello(body: Buffer): ClientHello {
  const reader = new Reader(body);
  reader.take(2);
  const random = reader.take(32);
  reader.vector(1);
  reader.vector(1);
  const cipherSuites = words(reader.vector(2));
  reader.vector(1);
  const extensions = new Map<number, Buffer>();
  if (reader.left >= 2) {
    const list = new Reader(reader.vector(2));
    while (list.left > 0) extensions.set(list.number(2), list.vector(2));
  }
  const list = (type: number): number[] => {
    const data = extensions.get(type);
    return data ? words(new Reader(data).vector(2)) : [];
  };
  return {
    random,
    cipherSuites,
    groups: list(Extension.supportedGroups),
    signatureSchemes: list(Extension.signatureAlgorithms),
    srtpProfiles: list(Extension.useSrtp),
    extendedMasterSecret: extensions.has(Extension.extendedMasterSecret),
  };
}

/** Writes a ServerHello's body. */
export function writeServerHello(random: Buffer, srtpProfile: number | undefined): Buffer {
  const extensions = [
    extension(Extension.extendedMasterSecret, Buffer.alloc(0)),
    extension(Extension.renegotiationInfo, Buffer.from([0])),
    extension(Extension.ecPointFormats, Buffer.from([1, 0])),
  ];
  if (srtpProfile !== undefined) {
    extensions.push(
      extension(Extension.useSrtp, Buffer.concat([uint(2, 2), uint(srtpProfile, 2), uint(0, 1)])),
    );
  }
  return Buffer.concat([
    Buffer.from([0xfe, 0xfd]),
    random,
    uint(0, 1),
    uint(CIPHER_SUITE, 2),
    uint(0, 1),
    vector(2, ...extensions),
  ]);
}

/** Writes a Certificate's body with one certificate. */
export function writeCertificate(der: Buffer): Buffer {
  return vector(3, vector(3, der));
}

/** Reads the first certificate, the client's own, in DER. */
export function readCertificate(body: Buffer): Buffer {
  return new Reader(new Reader(body).vector(3)).vector(3);
}

/** Writes the parameters of a ServerKeyExchange, which its signature covers. */
export function writeKeyExchangeParameters(publicKey: Buffer): Buffer {
  return Buffer.concat([uint(3, 1), uint(GROUP_P256, 2), vector(1, publicKey)]);
}

/** Writes a ServerKeyExchange's body. */
export function writeServerKeyExchange(parameters: Buffer, signature: Buffer): Buffer {
  return Buffer.concat([parameters, uint(ECDSA_SHA256, 2), vector(2, signature)]);
}

/** Writes a CertificateRequest's body: ECDSA or RSA, no particular authority. */
export function writeCertificateRequest(): Buffer {
  const schemes = [...SIGNATURE_SCHEMES.keys()].map((scheme) => uint(scheme, 2));
  return Buffer.concat([vector(1, Buffer.from([64, 1])), vector(2, ...schemes), uint(0, 2)]);
}

/** Reads the client's public key from a ClientKeyExchange. */
export function readClientKeyExchange(body: Buffer): Buffer {
  return new Reader(body).vector(1);
}

/** Reads a CertificateVerify. */
export function readCertificateVerify(body: Buffer): {
  readonly scheme: number;
  readonly signature: Buffer;
} {
  const reader = new Reader(body);
  return { scheme: reader.number(2), signature: reader.vector(2) };
}

/** Reads numbers and vectors; throws RangeError at the end, which a caller takes for malformed. */
class Reader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  take(length: number): Buffer {
    if (length > this.left) throw new RangeError("The handshake message ends early.");
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  number(size: number): number {
    return this.take(size).readUIntBE(0, size);
  }

  vector(lengthSize: number): Buffer {
    return this.take(this.number(lengthSize));
  }
}

function words(bytes: Buffer): number[] {
  const numbers: number[] = [];
  for (let offset = 0; offset + 2 <= bytes.length; offset += 2)
    numbers.push(bytes.readUInt16BE(offset));
  return numbers;
}

function uint(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}

function vector(lengthSize: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([uint(content.length, lengthSize), content]);
}

function extension(type: number, data: Buffer): Buffer {
  return Buffer.concat([uint(type, 2), vector(2, data)]);
}

function without(from: number, to: number, start: number, end: number): [number, number][] {
  if (end <= from || start >= to) return [[from, to]];
  const rest: [number, number][] = [];
  if (start > from) rest.push([from, start]);
  if (end < to) rest.push([end, to]);
  return rest;
}
