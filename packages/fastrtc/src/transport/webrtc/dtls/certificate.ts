/** The certificate that the server shows in DTLS: self-signed, known by its fingerprint in the SDP. */

import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";

/** A certificate and the key behind it. */
export interface DtlsCertificate {
  /** The certificate in DER. */
  readonly der: Buffer;
  readonly privateKey: KeyObject;
  /** SHA-256 of the certificate, as `a=fingerprint` writes it. */
  readonly fingerprint: string;
}

const VALIDITY_MS = 365 * 24 * 3600 * 1000;

/** Makes an ECDSA P-256 certificate; takes a millisecond or less. */
export function createDtlsCertificate(): DtlsCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = der(0x30, objectId("2a8648ce3d040302"));
  const name = der(
    0x30,
    der(0x31, der(0x30, objectId("550403"), der(0x0c, Buffer.from("fastrtc")))),
  );
  const now = Date.now();
  const serial = randomBytes(16);
  // A positive integer that needs no leading zero.
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0);
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ecdsaWithSha256,
    name,
    der(0x30, utcTime(now - 24 * 3600 * 1000), utcTime(now + VALIDITY_MS)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = sign("sha256", body, privateKey);
  const certificate = der(0x30, body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
  return { der: certificate, privateKey, fingerprint: fingerprintOf(certificate, "sha-256") };
}

/**
 * Hashes a certificate as `a=fingerprint` writes it (RFC 8122 section 5).
 *
 * @param certificate - In DER.
 * @param algorithm - `sha-256`, `sha-384` or `sha-512`.
 */
export function fingerprintOf(certificate: Uint8Array, algorithm: string): string {
  const digest = createHash(algorithm.replace("-", "")).update(certificate).digest("hex");
  return (digest.toUpperCase().match(/../g) ?? []).join(":");
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const size =
    content.length < 0x80
      ? [content.length]
      : content.length < 0x100
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function objectId(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function utcTime(epochMs: number): Buffer {
  const digits = new Date(epochMs).toISOString().replace(/\D/g, "").slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}
