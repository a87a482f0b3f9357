import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { redactHeaders, redactUrl, redactValue } from "./redact.ts";

describe("redaction", () => {
  it("keeps the names of secret headers and takes their values", () => {
    const headers = new Headers({
      authorization: "Bearer hunter2",
      cookie: "sid=hunter2",
      "x-api-key": "hunter2",
      "x-session-token": "hunter2",
      "x-amzn-oidc-data": "hunter2",
      "sec-websocket-protocol": "realtime, openai-insecure-api-key.hunter2",
      referer: "https://app.test/?token=hunter2",
      "accept-language": "de",
    });
    const plain = redactHeaders(headers);
    expect(JSON.stringify(plain)).not.toContain("hunter2");
    expect(plain).toMatchObject({
      "accept-language": "de",
      cookie: "[redacted]",
      referer: "https://app.test/?token=%5Bredacted%5D",
    });
  });

  it("takes passwords and tokens out of addresses", () => {
    expect(redactUrl("https://me:hunter2@host.test/p?token=hunter2&lang=de&api_key=hunter2")).toBe(
      "https://host.test/p?token=%5Bredacted%5D&lang=de&api_key=%5Bredacted%5D",
    );
    expect(redactUrl("https://host.test/p?key=hunter2&sig=hunter2&keyboard=qwertz")).toBe(
      "https://host.test/p?key=%5Bredacted%5D&sig=%5Bredacted%5D&keyboard=qwertz",
    );
    expect(redactUrl("/relative")).toBe("/relative");
    expect(redactUrl(`http://host.test/${"a".repeat(5000)}`).length).toBeLessThan(600);
  });

  it("looks for secrets at every depth", () => {
    const value = { voice: "alto", nested: [{ accessKey: "hunter2", speed: 1 }] };
    expect(redactValue(value)).toEqual({
      voice: "alto",
      nested: [{ accessKey: "[redacted]", speed: 1 }],
    });
  });

  it("gives undefined for what is no JSON", () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    expect(redactValue(circle)).toBeUndefined();
    expect(redactValue(() => 1)).toBeUndefined();
    expect(redactValue(10n)).toBeUndefined();
  });

  it("never lets the value of a secret name through", () => {
    const names = fc.constantFrom("password", "apiKey", "X-Auth", "refresh_token", "clientSecret");
    fc.assert(
      fc.property(names, fc.jsonValue(), (name, value) => {
        const text = JSON.stringify(redactValue({ [name]: { marker: "hunter2", value } }));
        return !text.includes("hunter2");
      }),
      { seed: 4 },
    );
  });
});
