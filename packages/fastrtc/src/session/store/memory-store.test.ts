import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { testStoreBackend } from "../../../test/store-contract.ts";
import { InvalidOptionError, InvalidStateError } from "../../errors.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { MemoryStore } from "./memory-store.ts";

testStoreBackend("MemoryStore", async () => {
  const clock = new ManualClock();
  return {
    backend: new MemoryStore({ clock, ttlMs: 1_000 }),
    ttlMs: 1_000,
    wait: (durationMs) => clock.advanceAsync(durationMs),
  };
});

describe("MemoryStore", () => {
  it("forgets the session that was written longest ago when there are too many", async () => {
    const store = new MemoryStore({ clock: new ManualClock(), maxSessions: 2 });
    await store.set("a", "k", "1");
    await store.set("b", "k", "2");
    await store.set("a", "k", "3");
    await store.get("b", "k");
    await store.set("c", "k", "4");
    expect(await store.get("a", "k")).toBe("3");
    expect(await store.get("b", "k")).toBeUndefined();
    expect(await store.get("c", "k")).toBe("4");
  });

  it("refuses one key too many, and still lets old keys change", async () => {
    const store = new MemoryStore({ clock: new ManualClock(), maxKeysPerSession: 2 });
    await store.set("a", "1", "x");
    await store.set("a", "2", "x");
    await expect(store.set("a", "3", "x")).rejects.toThrow(InvalidOptionError);
    await expect(store.replace("a", "3", undefined, "x")).rejects.toThrow(/maxKeysPerSession: 2/);
    await store.set("a", "2", "y");
    await store.delete("a", "1");
    await store.set("a", "3", "x");
    expect(await store.keys("a")).toEqual(["2", "3"]);
  });

  it("forgets old sessions when the bytes are used up, and refuses what never fits", async () => {
    const store = new MemoryStore({ clock: new ManualClock(), maxBytes: 100 });
    await store.set("a", "k", "x".repeat(20));
    await store.set("b", "k", "x".repeat(20));
    expect(store.bytes).toBe(84);
    await store.set("c", "k", "x".repeat(20));
    expect(await store.get("a", "k")).toBeUndefined();
    expect(await store.get("b", "k")).toHaveLength(20);
    await expect(store.set("c", "k", "x".repeat(50))).rejects.toThrow(/maxBytes: 100/);
    expect(await store.get("c", "k")).toHaveLength(20);
    expect(await store.get("b", "k")).toHaveLength(20);
  });

  it("forgets by itself what is over, and has no timer when it is empty or closed", async () => {
    const clock = new ManualClock();
    const store = new MemoryStore({ clock, ttlMs: 1_000 });
    expect(clock.pendingTimers).toBe(0);
    await store.set("a", "k", "1");
    clock.advance(600);
    await store.set("b", "k", "1");
    expect(clock.pendingTimers).toBe(1);
    clock.advance(600);
    expect(clock.pendingTimers).toBe(1);
    expect(store.sessions).toBe(1);
    clock.advance(600);
    expect(clock.pendingTimers).toBe(0);
    expect(store.sessions).toBe(0);

    await store.set("c", "k", "1");
    await store.clear("c");
    expect(clock.pendingTimers).toBe(0);
    await store.set("c", "k", "1");
    await store.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it("never sets a timer that Node would run at once", async () => {
    const clock = new ManualClock();
    const store = new MemoryStore({ clock, ttlMs: Infinity });
    await store.set("a", "k", "1");
    expect(clock.runNextTimer()).toBe(true);
    expect(clock.now()).toBe(2_147_483_647);
    expect(store.sessions).toBe(1);
  });

  it("refuses everything once it is closed", async () => {
    const store = new MemoryStore();
    await store.close();
    await expect(store.get("a", "k")).rejects.toThrow(InvalidStateError);
    await expect(store.set("a", "k", "1")).rejects.toThrow(/closed/);
  });

  it.each(["ttlMs", "maxSessions", "maxKeysPerSession", "maxBytes"])(
    "names %s when it cannot work",
    (option) => {
      expect(() => new MemoryStore({ [option]: 0 })).toThrow(new RegExp(`Invalid ${option}: 0`));
      expect(() => new MemoryStore({ [option]: NaN })).toThrow(InvalidOptionError);
    },
  );

  it("counts every byte of what it holds, whatever is written, deleted and forgotten", async () => {
    const name = fc.constantFrom("a", "b", "c", "d");
    const step = fc.oneof(
      fc.record({ kind: fc.constant("set" as const), session: name, key: name, size: fc.nat(20) }),
      fc.record({
        kind: fc.constantFrom("delete" as const, "clear" as const),
        session: name,
        key: name,
      }),
      fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(400) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = new ManualClock();
        const store = new MemoryStore({ clock, ttlMs: 1_000, maxSessions: 3, maxBytes: 120 });
        for (const one of steps) {
          if (one.kind === "wait") clock.advance(one.ms);
          else if (one.kind === "set") {
            await store.set(one.session, one.key, "x".repeat(one.size)).catch(() => undefined);
          } else if (one.kind === "delete") await store.delete(one.session, one.key);
          else await store.clear(one.session);

          let bytes = 0;
          let sessions = 0;
          for (const session of ["a", "b", "c", "d"]) {
            const keys = await store.keys(session);
            if (keys.length > 0) sessions++;
            for (const key of keys) bytes += 2 * (1 + (await store.get(session, key))!.length);
          }
          expect(store.bytes).toBe(bytes);
          expect(store.sessions).toBe(sessions);
          expect(bytes).toBeLessThanOrEqual(120);
          expect(sessions).toBeLessThanOrEqual(3);
          expect(clock.pendingTimers).toBe(sessions > 0 ? 1 : 0);
        }
      }),
      { seed: 4, numRuns: 200 },
    );
  });
});
