import { createHmac, createVerify, generateKeyPairSync } from "node:crypto";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { AuthenticationError } from "../../errors.ts";
import { readPrivateKey, signJwt, verifyJwt } from "./json-web-token.ts";

const SECRET = "vonage_test_secret_0123456789abcd";
const NOW = 1_700_000_000;
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function token(claims: unknown, header: unknown = { alg: "HS256", typ: "JWT" }): string {
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW * 1000 });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("verifyJwt", () => {
  it("returns the claims of a token that was signed with the secret", () => {
    expect(verifyJwt(token({ iat: NOW, sub: "x" }), SECRET)).toEqual({ iat: NOW, sub: "x" });
  });

  it("takes a token of five minutes ago, and one of a clock that is five minutes ahead", () => {
    expect(() => verifyJwt(token({ iat: NOW - 300 }), SECRET)).not.toThrow();
    expect(() => verifyJwt(token({ iat: NOW + 300 }), SECRET)).not.toThrow();
  });

  it.each([
    ["another secret's", token({ iat: NOW }), "other"],
    [
      "one whose claims were changed",
      token({ iat: NOW }).replace(/\.[^.]+\./, `.${part({ iat: NOW, a: 1 })}.`),
      SECRET,
    ],
    ["one with an empty signature", `${part({ alg: "HS256" })}.${part({ iat: NOW })}.`, SECRET],
    ["an unsigned one", `${part({ alg: "none" })}.${part({ iat: NOW })}.x`, SECRET],
    ["one that names no algorithm", token({ iat: NOW }, { typ: "JWT" }), SECRET],
    ["one that names another algorithm", token({ iat: NOW }, { alg: "RS256" }), SECRET],
    ["one without a time", token({}), SECRET],
    ["one whose time is text", token({ iat: String(NOW) }), SECRET],
    ["one of long ago", token({ iat: NOW - 301 }), SECRET],
    ["one of the future", token({ iat: NOW + 301 }), SECRET],
    ["one that has expired", token({ iat: NOW, exp: NOW }), SECRET],
    ["one that is not yet good", token({ iat: NOW, nbf: NOW + 301 }), SECRET],
    ["two parts", token({ iat: NOW }).split(".").slice(0, 2).join("."), SECRET],
    ["four parts", `${token({ iat: NOW })}.x`, SECRET],
    ["claims that are not JSON", token({ iat: NOW }).replace(/^[^.]+/, "AAAA"), SECRET],
    ["nothing", "", SECRET],
  ])("refuses %s", (_what, given, secret) => {
    expect(() => verifyJwt(given, secret)).toThrow(AuthenticationError);
  });
});

describe("signJwt", () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });

  it("signs with RSA-SHA256, for one minute", () => {
    const key = readPrivateKey(privateKey)!;
    const [header, claims, signature] = signJwt({ application_id: "a" }, key).split(".");
    const verifier = createVerify("sha256").update(`${header!}.${claims!}`);
    expect(verifier.verify(publicKey, signature!, "base64url")).toBe(true);
    expect(JSON.parse(Buffer.from(header!, "base64url").toString())).toEqual({
      alg: "RS256",
      typ: "JWT",
    });
    expect(JSON.parse(Buffer.from(claims!, "base64url").toString())).toEqual({
      application_id: "a",
      iat: NOW,
      exp: NOW + 60,
    });
  });

  it("reads no key from what is none, or none of RSA's", () => {
    const elliptic = generateKeyPairSync("ed25519").privateKey;
    expect(readPrivateKey("not a key")).toBeUndefined();
    expect(
      readPrivateKey(elliptic.export({ type: "pkcs8", format: "pem" }) as string),
    ).toBeUndefined();
  });
});
