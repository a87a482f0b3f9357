import { createHmac, createPrivateKey, sign, timingSafeEqual } from "node:crypto";
import type { KeyObject } from "node:crypto";

import { AuthenticationError } from "../../errors.ts";
import { fieldsOf } from "./json-message.ts";
import type { JsonFields } from "./json-message.ts";

/** Seconds by which the clock of whoever signed may differ from ours, and a token may be late. */
const MAX_SKEW_SECONDS = 300;

/**
 * Checks a JSON Web Token (RFC 7519) that was signed with HMAC-SHA256, and that it is of these
 * minutes.
 *
 * @param token - The three parts with points between.
 * @returns its claims.
 * @throws {@link AuthenticationError} when it is malformed, signed by somebody else or in another
 * way, without a time, or of another time.
 */
export function verifyJwt(token: string, secret: string): JsonFields {
  const [header = "", claims = "", signature = "", ...more] = token.split(".");
  if (more.length > 0 || signature === "") throw new AuthenticationError("The token is malformed.");
  // One algorithm, whatever the token says: https://www.rfc-editor.org/rfc/rfc8725#section-3.1
  if (partOf(header)["alg"] !== "HS256") {
    throw new AuthenticationError("The token is not signed with HS256.");
  }
  const expected = createHmac("sha256", secret).update(`${header}.${claims}`).digest();
  const given = Buffer.from(signature, "base64url");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new AuthenticationError("The token's signature is wrong.");
  }
  const fields = partOf(claims);
  checkTimes(fields);
  return fields;
}

/**
 * Signs a JSON Web Token with RSA-SHA256. It is good for a minute.
 *
 * @param key - What {@link readPrivateKey} returned.
 */
export function signJwt(claims: JsonFields, key: KeyObject): string {
  const iat = Math.floor(Date.now() / 1000);
  const signed = [
    { alg: "RS256", typ: "JWT" },
    { iat, exp: iat + 60, ...claims },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
}

/**
 * Reads an RSA key.
 *
 * @param pem - PKCS #8 or PKCS #1 in PEM.
 * @returns undefined when it is none.
 */
export function readPrivateKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === "rsa" ? key : undefined;
  } catch {
    return undefined;
  }
}

function checkTimes({ iat, exp, nbf }: JsonFields): void {
  const now = Date.now() / 1000;
  if (typeof iat !== "number" || !(Math.abs(now - iat) <= MAX_SKEW_SECONDS)) {
    throw new AuthenticationError("The token is of another time.");
  }
  const isOver = exp !== undefined && !(typeof exp === "number" && exp > now);
  const isEarly = nbf !== undefined && !(typeof nbf === "number" && nbf <= now + MAX_SKEW_SECONDS);
  if (isOver || isEarly) throw new AuthenticationError("The token has expired.");
}

function partOf(part: string): JsonFields {
  try {
    return fieldsOf(JSON.parse(Buffer.from(part, "base64url").toString()));
  } catch {
    throw new AuthenticationError("The token is malformed.");
  }
}
