import { createPublicKey, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";

import { InvalidOptionError } from "../../errors.ts";

/** How old, or how far ahead, a signature's time may be, in seconds. */
const MAX_SKEW_SECONDS = 300;
// What comes before the 32 bytes of an Ed25519 key in its DER form: RFC 8410 section 4.
const DER_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/**
 * Reads the public key of a Telnyx account, as its portal shows it.
 *
 * @throws {@link InvalidOptionError} when it is not 32 bytes of base64.
 */
export function readTelnyxKey(publicKey: string): KeyObject {
  const bytes = Buffer.from(publicKey, "base64");
  if (bytes.length !== 32) {
    throw new InvalidOptionError(
      "publicKey",
      publicKey,
      "Give the public key that Telnyx's portal shows under Keys & Credentials: 44 characters of base64.",
    );
  }
  return createPublicKey({
    key: Buffer.concat([DER_PREFIX, bytes]),
    format: "der",
    type: "spki",
  });
}

/**
 * Tells whether Telnyx has signed a webhook within the last five minutes.
 * https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks
 *
 * @param body - The raw body.
 */
export function isSignedByTelnyx(key: KeyObject, headers: Headers, body: string): boolean {
  const timestamp = headers.get("telnyx-timestamp") ?? "";
  const signature = Buffer.from(headers.get("telnyx-signature-ed25519") ?? "", "base64");
  if (!/^\d{1,12}$/.test(timestamp) || signature.length !== 64) return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > MAX_SKEW_SECONDS) return false;
  return verify(null, Buffer.from(`${timestamp}|${body}`), key, signature);
}
