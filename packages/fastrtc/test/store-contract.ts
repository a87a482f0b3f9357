/**
 * What every {@link StoreBackend} must do, as tests: one suite for memory, Redis and whatever comes.
 *
 * A backend's own test makes a {@link StoreWorld} and calls {@link testStoreBackend}.
 */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StoreBackend } from "../src/session/store/store.ts";

/** A backend under test, and the time that it lives in. */
export interface StoreWorld {
  readonly backend: StoreBackend;
  /** The backend's time to live of a session, in milliseconds; what is real time should be short. */
  readonly ttlMs: number;
  /** Lets time pass: on a manual clock, or truly. */
  wait(durationMs: number): Promise<void>;
  /** Closes everything that the world holds besides the backend. */
  close?(): Promise<void>;
}

/**
 * Declares the tests.
 *
 * @param name - The backend's name.
 * @param createWorld - Makes an empty backend for one test.
 */
export function testStoreBackend(name: string, createWorld: () => Promise<StoreWorld>): void {
  describe(`${name} as a store`, () => {
    let world: StoreWorld;
    let store: StoreBackend;

    beforeEach(async () => {
      world = await createWorld();
      store = world.backend;
    });
    afterEach(async () => {
      await store.close();
      await world.close?.();
    });

    it("returns what was written last, and undefined for what never was", async () => {
      expect(await store.get("s", "a")).toBeUndefined();
      await store.set("s", "a", "1");
      await store.set("s", "a", "2");
      expect(await store.get("s", "a")).toBe("2");
      expect(await store.get("s", "b")).toBeUndefined();
    });

    it("keeps sessions apart, also those whose names and keys run together", async () => {
      await store.set("a", "b:c", "first");
      await store.set("a:b", "c", "second");
      await store.set("a}", "{c", "third");
      expect(await store.get("a", "b:c")).toBe("first");
      expect(await store.get("a:b", "c")).toBe("second");
      expect(await store.get("a}", "{c")).toBe("third");
      expect(await store.get("a", "c")).toBeUndefined();
    });

    it("replaces a value only where the old one is still the expected one", async () => {
      expect(await store.replace("s", "a", "0", "1")).toBe(false);
      expect(await store.get("s", "a")).toBeUndefined();
      expect(await store.replace("s", "a", undefined, "1")).toBe(true);
      expect(await store.replace("s", "a", undefined, "2")).toBe(false);
      expect(await store.replace("s", "a", "0", "2")).toBe(false);
      expect(await store.get("s", "a")).toBe("1");
      expect(await store.replace("s", "a", "1", "2")).toBe(true);
      expect(await store.get("s", "a")).toBe("2");
    });

    it("lets one of many simultaneous replacements win", async () => {
      await store.set("s", "a", "0");
      const tries = Array.from({ length: 50 }, (_, index) =>
        store.replace("s", "a", "0", String(index + 1)),
      );
      const won = (await Promise.all(tries)).flatMap((isOurs, index) => (isOurs ? [index] : []));
      expect(won).toHaveLength(1);
      expect(await store.get("s", "a")).toBe(String(won[0]! + 1));
    });

    it("deletes one value, and does not mind when there is none", async () => {
      await store.set("s", "a", "1");
      await store.set("s", "b", "2");
      await store.delete("s", "a");
      await store.delete("s", "a");
      await store.delete("nobody", "a");
      expect(await store.get("s", "a")).toBeUndefined();
      expect(await store.get("s", "b")).toBe("2");
    });

    it("lists a session's keys and clears that session only", async () => {
      expect(await store.keys("s")).toEqual([]);
      await store.set("s", "a", "1");
      await store.set("s", "b", "2");
      await store.set("other", "c", "3");
      expect((await store.keys("s")).sort()).toEqual(["a", "b"]);
      await store.clear("s");
      expect(await store.keys("s")).toEqual([]);
      expect(await store.keys("other")).toEqual(["c"]);
    });

    it.each([
      ["names of prototypes", "__proto__", "constructor"],
      ["control characters", "s\u0000\r\n\u001b", "k\u0000\r\n\t\u007f"],
      ["other scripts", "会话🎙", "ключ 🔑"],
      ["empty names", "", ""],
      ["10 kB names", "s".repeat(10_240), "k".repeat(10_240)],
    ])("takes %s as they are", async (_what, session, key) => {
      expect(await store.get(session, key)).toBeUndefined();
      const value = JSON.stringify({ text: "\u0000\r\n\u2028🔊", empty: "" });
      await store.set(session, key, value);
      expect(await store.get(session, key)).toBe(value);
      expect(await store.keys(session)).toEqual([key]);
      expect(await store.replace(session, key, value, "")).toBe(true);
      expect(await store.get(session, key)).toBe("");
    });

    it("carries a value of 100 kB", async () => {
      const value = JSON.stringify("ä".repeat(50_000));
      await store.set("s", "a", value);
      expect(await store.get("s", "a")).toBe(value);
    });

    it("forgets a session that was not written for its time to live", async () => {
      await store.set("s", "a", "1");
      await store.replace("s", "b", undefined, "2");
      await world.wait(world.ttlMs * 1.3);
      expect(await store.get("s", "a")).toBeUndefined();
      expect(await store.keys("s")).toEqual([]);
      expect(await store.replace("s", "b", "2", "3")).toBe(false);
    });

    it("keeps all values of a session alive with each write, not with a read", async () => {
      await store.set("s", "a", "1");
      await world.wait(world.ttlMs * 0.6);
      await store.set("s", "b", "2");
      await world.wait(world.ttlMs * 0.6);
      expect(await store.get("s", "a")).toBe("1");
      expect(await store.replace("s", "b", "2", "3")).toBe(true);
      await world.wait(world.ttlMs * 0.6);
      expect(await store.get("s", "a")).toBe("1");
      await world.wait(world.ttlMs * 0.6);
      expect(await store.get("s", "a")).toBeUndefined();
      expect(await store.get("s", "b")).toBeUndefined();
    });

    it("closes twice without complaint", async () => {
      await store.close();
      await expect(store.close()).resolves.toBeUndefined();
    });
  });
}
