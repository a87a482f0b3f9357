import { createHmac, timingSafeEqual } from "node:crypto";

/** What Plivo signed: a webhook, as it came. */
export interface PlivoSignedRequest {
  readonly method: string;
  /** The public address that Plivo called, with its query. */
  readonly url: string;
  /** The header `X-Plivo-Signature-V3-Nonce`. */
  readonly nonce: string;
  /** The fields of a form that was posted. */
  readonly fields: URLSearchParams;
}

/**
 * Tells whether Plivo signed a request (signature version 3).
 *
 * @param signatures - The header `X-Plivo-Signature-V3`: one signature for each token that the
 * account has at the moment, with commas between.
 */
export function isSignedByPlivo(
  request: PlivoSignedRequest,
  authToken: string,
  signatures: string,
): boolean {
  const expected = createHmac("sha256", authToken).update(signedText(request)).digest();
  return signatures.split(",").some((signature) => {
    const given = Buffer.from(signature.trim(), "base64");
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

function signedText({ method, url, nonce, fields }: PlivoSignedRequest): string {
  const queryAt = url.indexOf("?");
  const base = queryAt < 0 ? url : url.slice(0, queryAt);
  const query = queryAt < 0 ? "" : url.slice(queryAt + 1);
  // Names and values as they are meant, not as they are escaped.
  const sortedQuery = sorted(new URLSearchParams(query), "=").join("&");
  const posted = method === "POST" ? sorted(fields, "").join("") : "";
  const mark = sortedQuery !== "" || posted !== "" ? "?" : "";
  const point = sortedQuery !== "" && posted !== "" ? "." : "";
  return `${base}${mark}${sortedQuery}${point}${posted}.${nonce}`;
}

function sorted(fields: URLSearchParams, separator: string): string[] {
  return [...fields]
    .sort(([nameA, valueA], [nameB, valueB]) => order(nameA, nameB) || order(valueA, valueB))
    .map(([name, value]) => name + separator + value);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
