/** From the shared secret to every key of a DTLS 1.2 session (RFC 5246 section 5, RFC 7627, RFC 5705). */

import { createHash, createHmac } from "node:crypto";

/** Keys of the record layer, AES-128-GCM. */
export interface RecordKeys {
  readonly clientKey: Buffer;
  readonly serverKey: Buffer;
  readonly clientSalt: Buffer;
  readonly serverSalt: Buffer;
}

/** Hashes a handshake so far. */
export function transcriptHash(messages: readonly Buffer[]): Buffer {
  const hash = createHash("sha256");
  for (const message of messages) hash.update(message);
  return hash.digest();
}

/** Derives the master secret, bound to the handshake (RFC 7627 section 4). */
export function extendedMasterSecret(preMasterSecret: Buffer, sessionHash: Buffer): Buffer {
  return prf(preMasterSecret, "extended master secret", sessionHash, 48);
}

/** Derives the record layer's keys (RFC 5246 section 6.3). */
export function recordKeys(
  masterSecret: Buffer,
  clientRandom: Buffer,
  serverRandom: Buffer,
): RecordKeys {
  const block = prf(masterSecret, "key expansion", Buffer.concat([serverRandom, clientRandom]), 40);
  return {
    clientKey: block.subarray(0, 16),
    serverKey: block.subarray(16, 32),
    clientSalt: block.subarray(32, 36),
    serverSalt: block.subarray(36, 40),
  };
}

/** Computes what a Finished message must hold (RFC 5246 section 7.4.9). */
export function finishedData(
  masterSecret: Buffer,
  side: "client" | "server",
  messages: readonly Buffer[],
): Buffer {
  return prf(masterSecret, `${side} finished`, transcriptHash(messages), 12);
}

/** Exports keying material for SRTP (RFC 5764 section 4.2). */
export function exportSrtpKeys(
  masterSecret: Buffer,
  clientRandom: Buffer,
  serverRandom: Buffer,
  length: number,
): Buffer {
  const seed = Buffer.concat([clientRandom, serverRandom]);
  return prf(masterSecret, "EXTRACTOR-dtls_srtp", seed, length);
}

// P_SHA256 (RFC 5246 section 5).
function prf(secret: Buffer, label: string, seed: Buffer, length: number): Buffer {
  const labelled = Buffer.concat([Buffer.from(label, "latin1"), seed]);
  const blocks: Buffer[] = [];
  let a = labelled;
  for (let size = 0; size < length; size += 32) {
    a = createHmac("sha256", secret).update(a).digest();
    blocks.push(createHmac("sha256", secret).update(a).update(labelled).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}
