import { createHmac, timingSafeEqual } from "node:crypto";

/** What a request of Twilio's is checked with. */
export interface TwilioSecrets {
  /** The account's auth token. */
  readonly authToken: string;
  /** The secret of a Webhooks Setting's shared key, for accounts that have a Webhooks Rule. */
  readonly sharedKeySecret: string | undefined;
}

/**
 * Tells whether Twilio has signed a request: the webhook of a call, or the upgrade of its media
 * socket. https://www.twilio.com/docs/usage/webhooks/webhooks-security
 *
 * @param headers - Of the request.
 * @param url - As Twilio called it, with its query as it was written.
 * @param params - The form that was posted; empty for an upgrade.
 */
export function isSignedByTwilio(
  secrets: TwilioSecrets,
  headers: Headers,
  url: string,
  params: Iterable<readonly [name: string, value: string]>,
): boolean {
  const signature = headers.get("x-twilio-signature");
  if (signature === null) return false;
  const given = Buffer.from(signature, "base64");
  const signed = signedText(params);
  const signing = signingOf(secrets, headers.get("x-twilio-webhooks-signature-settings"));
  if (!signing) return false;
  return urlForms(url).some((form) => {
    const { algorithm, secret } = signing;
    const expected = createHmac(algorithm, secret).update(form).update(signed).digest();
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

// The header reads `key=…,algorithm=HMAC_SHA256`. Without it, the auth token and SHA-1 sign.
function signingOf(
  { authToken, sharedKeySecret }: TwilioSecrets,
  settings: string | null,
): { readonly algorithm: string; readonly secret: string } | undefined {
  if (settings === null) return { algorithm: "sha1", secret: authToken };
  const name = /(?:^|[,;\s])algorithm=HMAC[_-]SHA(1|256)(?:$|[,;\s])/i.exec(settings)?.[1];
  if (name === undefined || sharedKeySecret === undefined) return undefined;
  return { algorithm: `sha${name}`, secret: sharedKeySecret };
}

// Names sorted by their code units, each followed by its values; a repeated value counts once.
function signedText(params: Iterable<readonly [name: string, value: string]>): string {
  const values = new Map<string, Set<string>>();
  for (const [name, value] of params) {
    const known = values.get(name);
    if (known) known.add(value);
    else values.set(name, new Set([value]));
  }
  return [...values.keys()]
    .sort()
    .map((name) =>
      [...(values.get(name) ?? [])]
        .sort()
        .map((value) => name + value)
        .join(""),
    )
    .join("");
}

// Twilio has signed with and without the port that the scheme implies.
function urlForms(url: string): readonly string[] {
  const [, scheme = "", authority = "", rest = ""] = /^(\w+):\/\/([^/?#]*)(.*)$/.exec(url) ?? [];
  const port = scheme === "https" || scheme === "wss" ? ":443" : ":80";
  if (authority.endsWith(port)) {
    return [url, `${scheme}://${authority.slice(0, -port.length)}${rest}`];
  }
  return /:\d+$/.test(authority) ? [url] : [url, `${scheme}://${authority}${port}${rest}`];
}
