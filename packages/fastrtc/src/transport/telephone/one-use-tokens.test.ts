import { afterEach, describe, expect, it, vi } from "vitest";

import { OneUseTokens } from "./one-use-tokens.ts";

describe("OneUseTokens", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("takes a token once", () => {
    const tokens = new OneUseTokens();
    const token = tokens.issue();
    expect(tokens.redeem(token)).toBe(true);
    expect(tokens.redeem(token)).toBe(false);
  });

  it("issues tokens that differ and mean themselves in a path", () => {
    const tokens = new OneUseTokens();
    const issued = Array.from({ length: 100 }, () => tokens.issue());
    expect(new Set(issued).size).toBe(100);
    for (const token of issued) expect(token).toMatch(/^[\w.-]{60,90}$/);
  });

  it("refuses what it has not issued", () => {
    const tokens = new OneUseTokens();
    const [expiry = "", nonce = "", mac = ""] = tokens.issue().split(".");
    const later = (parseInt(expiry, 36) + 1).toString(36);
    for (const forged of ["", ".", "a.b.c", `${later}.${nonce}.${mac}`, `${expiry}.${nonce}.`]) {
      expect(tokens.redeem(forged)).toBe(false);
    }
    expect(new OneUseTokens().redeem(tokens.issue())).toBe(false);
  });

  it("takes tokens of another process that has the same secret", () => {
    const here = new OneUseTokens({ secret: "shared" });
    const there = new OneUseTokens({ secret: "shared" });
    expect(there.redeem(here.issue())).toBe(true);
  });

  it("refuses a token after its lifetime, and forgets used ones then", () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_700_000_000_000 });
    const tokens = new OneUseTokens({ lifetimeMs: 1000 });
    const late = tokens.issue();
    const used = tokens.issue();
    expect(tokens.redeem(used)).toBe(true);
    vi.setSystemTime(Date.now() + 1000);
    expect(tokens.redeem(late)).toBe(false);
    expect(tokens.redeem(tokens.issue())).toBe(true);
    expect(tokens.redeem(used)).toBe(false);
  });
});
