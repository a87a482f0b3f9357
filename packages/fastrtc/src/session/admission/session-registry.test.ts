import { describe, expect, it } from "vitest";

import { NegotiationError, SessionLimitError } from "../../errors.ts";
import { SessionRegistry } from "./session-registry.ts";
import type { Session } from "../session.ts";

const session = {} as unknown as Session;

function reasonOf(callback: () => unknown): string {
  try {
    callback();
  } catch (error) {
    if (error instanceof NegotiationError) return error.reason;
    throw error;
  }
  return "none";
}

describe("SessionRegistry", () => {
  it("refuses an id that is taken, before it says that there is no room", () => {
    const registry = new SessionRegistry(1);
    registry.reserve("a");
    expect(reasonOf(() => registry.reserve("a"))).toBe("connection_already_exists");
    expect(() => registry.reserve("b")).toThrow(SessionLimitError);
  });

  it("takes one where the limit is one, and never gives a place back twice", () => {
    const registry = new SessionRegistry(1);
    const first = registry.reserve("a");
    first.release();
    const second = registry.reserve("a");
    first.release();
    expect(registry.size).toBe(1);
    second.release();
    expect(registry.size).toBe(0);
  });

  it("tells a session that has ended from one that never was", () => {
    const registry = new SessionRegistry(Infinity);
    const place = registry.reserve("a");
    expect(reasonOf(() => registry.require("a"))).toBe("unknown_connection");
    place.fill(session, "hash");
    expect(registry.require("a")).toBe(session);
    place.release();
    expect(reasonOf(() => registry.require("a"))).toBe("connection_closed");
    expect(reasonOf(() => registry.require("b"))).toBe("unknown_connection");
  });

  it("does not take a place that was given back before it was filled for an end", () => {
    const registry = new SessionRegistry(Infinity);
    registry.reserve("a").release();
    expect(registry.hasEnded("a")).toBe(false);
    const place = registry.reserve("a");
    place.fill(session, "hash");
    place.release();
    const again = registry.reserve("a");
    expect(registry.hasEnded("a")).toBe(false);
    again.release();
    expect(registry.hasEnded("a")).toBe(true);
  });

  it("tells everybody who waits for it when it is empty", async () => {
    const registry = new SessionRegistry(Infinity);
    const places = [registry.reserve("a"), registry.reserve("b")];
    const told: string[] = [];
    const waits = ["first", "second"].map((who) => registry.whenEmpty().then(() => told.push(who)));
    places[0]?.release();
    await Promise.resolve();
    expect(told).toEqual([]);
    places[1]?.release();
    await Promise.all(waits);
    expect(told).toEqual(["first", "second"]);
    await registry.whenEmpty();
  });

  it("remembers a bounded number of ended sessions", () => {
    const registry = new SessionRegistry(Infinity);
    for (let i = 0; i < 1500; i++) {
      const place = registry.reserve(`s${i}`);
      place.fill(session, "hash");
      place.release();
    }
    expect(registry.hasEnded("s0")).toBe(false);
    expect(registry.hasEnded("s1499")).toBe(true);
  });
});
