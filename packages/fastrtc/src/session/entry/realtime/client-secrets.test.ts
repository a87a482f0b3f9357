import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ClientSecrets } from "./client-secrets.ts";

describe("keys for browsers", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("stand for whoever asked for them until they expire", () => {
    const secrets = new ClientSecrets();
    const { value, expiresAt } = secrets.create({ user: "Ada", session: { a: 1 } }, 60);
    expect(value).toMatch(/^ek_[\w-]{22}$/);
    expect(expiresAt).toBe(1060);
    vi.setSystemTime(1_059_999);
    expect(secrets.find(value)).toMatchObject({ user: "Ada", session: { a: 1 } });
    vi.setSystemTime(1_060_000);
    expect(secrets.find(value)).toBeUndefined();
    secrets.create({ user: "Bo", session: undefined });
    expect(secrets.size).toBe(1);
  });

  it.each([
    [undefined, 600],
    [1, 10],
    [99_999, 7200],
    [Number.NaN, 600],
  ])("that are wished for %s seconds live for %s", (seconds, lived) => {
    const { expiresAt } = new ClientSecrets().create({ user: 1, session: undefined }, seconds);
    expect(expiresAt).toBe(1000 + lived);
  });

  it("are nobody's unless they were given out", () => {
    const secrets = new ClientSecrets();
    secrets.create({ user: "Ada", session: undefined });
    expect(secrets.find("ek_guessed")).toBeUndefined();
  });

  it("are bounded in number; the oldest gives way", () => {
    const secrets = new ClientSecrets();
    const first = secrets.create({ user: 0, session: undefined });
    for (let i = 0; i < 10_000; i++) secrets.create({ user: i, session: undefined });
    expect(secrets.size).toBe(10_000);
    expect(secrets.find(first.value)).toBeUndefined();
  });

  it("are bounded in what they keep together, of which expired ones are no part", () => {
    const secrets = new ClientSecrets();
    const session = { instructions: "x".repeat(4_000_000) };
    for (let i = 0; i < 10; i++) secrets.create({ user: i, session });
    expect(secrets.size).toBe(3);
    vi.setSystemTime(1_600_000);
    for (let i = 0; i < 3; i++) secrets.create({ user: i, session });
    expect(secrets.size).toBe(3);
  });
});
