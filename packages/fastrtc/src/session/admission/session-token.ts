/**
 * The proof that a client opened a session: a random secret, given to it with the answer. Only its
 * hash is kept, also in directories that other processes read.
 */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** 256 bits, as OWASP asks of session identifiers at least half. */
const TOKEN_BYTES = 32;
/** Longer ones are not ours; nobody hashes megabytes for strangers. */
const MAX_TOKEN_LENGTH = 128;

/** Makes a new token. */
export function createSessionToken(): string {
  return randomBytes(TOKEN_BYTES).toString("base64url");
}

/** Hashes a token for keeping: SHA-256 in base64url. A token of that entropy needs no salt. */
export function hashSessionToken(token: string): string {
  return createHash("sha256").update(token.slice(0, MAX_TOKEN_LENGTH)).digest("base64url");
}

/** Tells whether a presented token is the one with this hash, in constant time. */
export function isSessionToken(token: string, hash: string): boolean {
  if (token.length > MAX_TOKEN_LENGTH) return false;
  const presented = Buffer.from(hashSessionToken(token));
  const expected = Buffer.from(hash);
  return presented.length === expected.length && timingSafeEqual(presented, expected);
}
