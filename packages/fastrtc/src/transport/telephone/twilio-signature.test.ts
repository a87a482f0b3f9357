import { createHmac } from "node:crypto";

import { describe, expect, it } from "vitest";

import { isSignedByTwilio } from "./twilio-signature.ts";

const SECRETS = { authToken: "12345abcde67890fghij12345abcde67", sharedKeySecret: undefined };
const WEBHOOK = "https://voice.example.com/incoming?tenant=7";
// The signatures of this file were accepted by twilio-node 6.2.0.
const WEBHOOK_SIGNATURE = "1ddEo8OuGIrUrTCgAJrF3RcXRuU=";
const UPGRADE = "wss://voice.example.com/media/twilio";
const UPGRADE_SIGNATURE = "x/V9t4obkBQyG5wLXEFXp23LSQM=";
const SETTINGS = "x-twilio-webhooks-signature-settings";

const form = (): URLSearchParams =>
  new URLSearchParams({
    To: "+15550100002",
    From: "+15550100001",
    Direction: "inbound",
    CallStatus: "ringing",
    CallSid: "CA00000000000000000000000000000001",
    ApiVersion: "2010-04-01",
    AccountSid: "AC00000000000000000000000000000000",
  });

const signed = (signature: string, more: Record<string, string> = {}): Headers =>
  new Headers({ "x-twilio-signature": signature, ...more });

describe("isSignedByTwilio", () => {
  it("accepts the signature of a webhook, whatever the order of its fields", () => {
    expect(isSignedByTwilio(SECRETS, signed(WEBHOOK_SIGNATURE), WEBHOOK, form())).toBe(true);
  });

  it("accepts the signature of an upgrade", () => {
    expect(isSignedByTwilio(SECRETS, signed(UPGRADE_SIGNATURE), UPGRADE, [])).toBe(true);
    const slash = signed("+f2Gr1jd3gYd4qpEKbvxqgH4+ws=");
    expect(isSignedByTwilio(SECRETS, slash, `${UPGRADE}/`, [])).toBe(true);
  });

  it("refuses another address, and the same one with a slash more", () => {
    const slash = signed("+f2Gr1jd3gYd4qpEKbvxqgH4+ws=");
    expect(isSignedByTwilio(SECRETS, slash, UPGRADE, [])).toBe(false);
    const webhook = signed(WEBHOOK_SIGNATURE);
    expect(isSignedByTwilio(SECRETS, webhook, WEBHOOK.replace("7", "8"), form())).toBe(false);
    expect(isSignedByTwilio(SECRETS, webhook, WEBHOOK.replace("https", "http"), form())).toBe(
      false,
    );
  });

  it("refuses a field that was changed, added or taken away", () => {
    const webhook = signed(WEBHOOK_SIGNATURE);
    const changed = form();
    changed.set("From", "+15550100009");
    const added = form();
    added.set("Extra", "1");
    const taken = form();
    taken.delete("To");
    for (const fields of [changed, added, taken]) {
      expect(isSignedByTwilio(SECRETS, webhook, WEBHOOK, fields)).toBe(false);
    }
  });

  it("refuses requests without a signature, or with what is none", () => {
    expect(isSignedByTwilio(SECRETS, new Headers(), WEBHOOK, form())).toBe(false);
    for (const signature of ["", "AAAA", "%%%", "A".repeat(1000)]) {
      expect(isSignedByTwilio(SECRETS, signed(signature), WEBHOOK, form())).toBe(false);
    }
  });

  it("accepts the port that the scheme implies, written out or not", () => {
    const withPort = UPGRADE.replace(".com", ".com:443");
    const signature = createHmac("sha1", SECRETS.authToken).update(withPort).digest("base64");
    expect(isSignedByTwilio(SECRETS, signed(signature), UPGRADE, [])).toBe(true);
    expect(isSignedByTwilio(SECRETS, signed(UPGRADE_SIGNATURE), withPort, [])).toBe(true);
    const other = UPGRADE.replace(".com", ".com:8443");
    expect(isSignedByTwilio(SECRETS, signed(UPGRADE_SIGNATURE), other, [])).toBe(false);
  });

  it("takes the query as it was written", () => {
    const url = "https://voice.example.com/in?q=a+b%20c&d=%C3%A4";
    const signature = createHmac("sha1", SECRETS.authToken).update(url).digest("base64");
    expect(isSignedByTwilio(SECRETS, signed(signature), url, [])).toBe(true);
  });

  it("sorts names by code unit, and counts a repeated value once", () => {
    const text = "https://a.example/Ba1b2b3z4";
    const signature = createHmac("sha1", SECRETS.authToken).update(text).digest("base64");
    const fields = [
      ["z", "4"],
      ["b", "3"],
      ["Ba", "1"],
      ["b", "2"],
      ["b", "3"],
    ] as const;
    expect(isSignedByTwilio(SECRETS, signed(signature), "https://a.example/", fields)).toBe(true);
  });

  it("takes a shared key's SHA-256 where the account has one, and nothing else then", () => {
    const secrets = { ...SECRETS, sharedKeySecret: "shared" };
    const signature = createHmac("sha256", "shared").update(UPGRADE).digest("base64");
    const settings = { [SETTINGS]: "key=SK01,algorithm=HMAC_SHA256" };
    expect(isSignedByTwilio(secrets, signed(signature, settings), UPGRADE, [])).toBe(true);
    expect(isSignedByTwilio(secrets, signed(signature), UPGRADE, [])).toBe(false);
    const ofToken = createHmac("sha256", SECRETS.authToken).update(UPGRADE).digest("base64");
    expect(isSignedByTwilio(secrets, signed(ofToken, settings), UPGRADE, [])).toBe(false);
    expect(isSignedByTwilio(SECRETS, signed(signature, settings), UPGRADE, [])).toBe(false);
    const unknown = { [SETTINGS]: "key=SK01,algorithm=NONE" };
    expect(isSignedByTwilio(secrets, signed(signature, unknown), UPGRADE, [])).toBe(false);
  });
});
