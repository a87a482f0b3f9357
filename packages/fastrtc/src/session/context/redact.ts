/** Takes secrets out of what leaves the process: headers, addresses, parameters. */

/** What stands in a secret's place. */
const REDACTED = "[redacted]";

// Names that hold credentials, however they are spelled: `Authorization`, `x-api-key`, `session_token`.
const SECRET_NAME =
  /auth|cookie|credential|passw|passphrase|secret|signature|token|api[-_]?key|access[-_]?key|private[-_]?key|jwt|oidc|assertion|\bsid\b|session[-_]?id|^(?:key|sig|hmac|otp|pin|pwd|pass|bearer)$/i;
// Browsers cannot set headers on a WebSocket, so that their keys travel among its subprotocols.
const SUBPROTOCOLS = "sec-websocket-protocol";

/** Longest text that is kept of one value. */
const MAX_LENGTH = 512;

/** Tells whether a value of this name is nobody else's business. */
function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Copies headers into plain data, without the values of those that carry secrets. */
export function redactHeaders(headers: Headers): Record<string, string> {
  const plain: [string, string][] = [];
  for (const [name, value] of headers) {
    plain.push([name, redactHeader(name, value)]);
  }
  return Object.fromEntries(plain);
}

function redactHeader(name: string, value: string): string {
  if (name === SUBPROTOCOLS || isSecretName(name)) return REDACTED;
  // The page's own address, with a query of its own.
  return name === "referer" ? redactUrl(value) : shorten(value);
}

/** Copies an address without its password and without the secrets in its query. */
export function redactUrl(address: string): string {
  if (!URL.canParse(address)) return shorten(address);
  const url = new URL(address);
  if (url.username !== "" || url.password !== "") {
    url.username = "";
    url.password = "";
  }
  for (const name of new Set(url.searchParams.keys())) {
    if (isSecretName(name)) url.searchParams.set(name, REDACTED);
  }
  return shorten(url.href);
}

/**
 * Copies a value into plain JSON data, without the values of secret names at any depth.
 *
 * @returns undefined where it is not JSON.
 */
export function redactValue(value: unknown): unknown {
  if (value === undefined) return undefined;
  try {
    const text = JSON.stringify(value, (name, inner: unknown) =>
      name !== "" && isSecretName(name) && inner !== null && inner !== undefined ? REDACTED : inner,
    ) as string | undefined;
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

function shorten(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
