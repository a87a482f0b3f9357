import { describe, expect, it, vi } from "vitest";

import { InvalidOptionError, InvalidStateError, TransportError } from "../../errors.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { MemoryStore } from "./memory-store.ts";
import { MAX_STORE_KEY_LENGTH, MAX_STORE_VALUE_LENGTH, SessionStoreView } from "./store-view.ts";

function create(): { backend: MemoryStore; store: SessionStoreView } {
  const backend = new MemoryStore({ clock: new ManualClock() });
  return { backend, store: new SessionStoreView(backend, "alice") };
}

describe("SessionStoreView", () => {
  it.each([[0], [""], [false], [null], ["text\u0000\ud800"], [[1, { a: [] }]], [{ a: { b: 1 } }]])(
    "gives back %j as it was",
    async (value) => {
      const { store } = create();
      await store.set("k", value);
      expect(await store.get("k")).toEqual(value);
    },
  );

  it("shows a session its own values only", async () => {
    const { backend, store } = create();
    await store.set("k", 1);
    const other = new SessionStoreView(backend, "bob");
    expect(await other.get("k")).toBeUndefined();
    await other.clear();
    expect(await store.get("k")).toBe(1);
  });

  it("deletes by undefined, by name, and all at once", async () => {
    const { store } = create();
    for (const key of ["a", "b", "c"]) await store.set(key, 1);
    await store.set("a", undefined);
    await store.delete("b");
    expect(await store.keys()).toEqual(["c"]);
    await store.clear();
    expect(await store.keys()).toEqual([]);
  });

  it.each(["__proto__", "constructor", "toString", ""])(
    "takes %j for a key like any",
    async (key) => {
      const { store } = create();
      expect(await store.get(key)).toBeUndefined();
      await store.set(key, { __proto__: null, polluted: true });
      expect(await store.get(key)).toEqual({ polluted: true });
      expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    },
  );

  it("keeps a prototype key inside of a value a plain property", async () => {
    const { store } = create();
    await store.set("k", JSON.parse('{"__proto__":{"admin":true}}'));
    const value = await store.get<{ admin?: boolean }>("k");
    expect(value?.admin).toBeUndefined();
    expect(Object.keys(value!)).toEqual(["__proto__"]);
  });

  it.each([
    ["no string", 7],
    ["too long", "k".repeat(MAX_STORE_KEY_LENGTH + 1)],
    ["half a character", "\ud83c"],
  ])("refuses a key that is %s, everywhere", async (_what, bad) => {
    const { store } = create();
    const key = bad as string;
    await expect(store.get(key)).rejects.toThrow(InvalidOptionError);
    await expect(store.set(key, 1)).rejects.toThrow(InvalidOptionError);
    await expect(store.delete(key)).rejects.toThrow(InvalidOptionError);
    await expect(store.update(key, () => 1)).rejects.toThrow(InvalidOptionError);
  });

  it("takes the longest key and value, and refuses one character more", async () => {
    const { store } = create();
    const key = "k".repeat(MAX_STORE_KEY_LENGTH);
    const longest = "v".repeat(MAX_STORE_VALUE_LENGTH - 2);
    await store.set(key, longest);
    expect(await store.get(key)).toBe(longest);
    await expect(store.set(key, `${longest}v`)).rejects.toThrow(
      new RegExp(`has ${MAX_STORE_VALUE_LENGTH + 1} characters`),
    );
    expect(await store.get(key)).toBe(longest);
  });

  it.each([
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a bigint", 1n],
    ["a cycle", cycle()],
  ])("refuses %s, and keeps the old value", async (_what, value) => {
    const { store } = create();
    await store.set("k", "old");
    await expect(store.set("k", value)).rejects.toThrow(InvalidOptionError);
    await expect(store.update("k", () => value)).rejects.toThrow(/what JSON can carry/);
    expect(await store.get("k")).toBe("old");
  });

  it("loses no update of 100 simultaneous ones", async () => {
    const { store } = create();
    const increase = (): Promise<number> => store.update<number>("n", (n = 0) => n + 1);
    const results = await Promise.all(Array.from({ length: 100 }, increase));
    expect(await store.get("n")).toBe(100);
    expect(new Set(results).size).toBe(100);
  });

  it("makes a change again on what somebody else has written meanwhile", async () => {
    const { backend, store } = create();
    await store.set("list", ["a"]);
    const seen: unknown[] = [];
    const result = await store.update<string[]>("list", (list = []) => {
      seen.push(list);
      if (seen.length === 1) void backend.set("alice", "list", '["a","b"]');
      return [...list, "c"];
    });
    expect(seen).toEqual([["a"], ["a", "b"]]);
    expect(result).toEqual(["a", "b", "c"]);
    expect(await store.get("list")).toEqual(["a", "b", "c"]);
  });

  it("gives up an update that never fits, and says why", async () => {
    const { backend, store } = create();
    const replace = vi.spyOn(backend, "replace").mockResolvedValue(false);
    const updating = store.update("k", () => 1);
    await expect(updating).rejects.toThrow(InvalidStateError);
    await expect(updating).rejects.toThrow(/changed by others 100 times/);
    expect(replace).toHaveBeenCalledTimes(100);
  });

  it("passes on what the change throws, and writes nothing", async () => {
    const { store } = create();
    const failure = new Error("no");
    const updating = store.update("k", () => {
      throw failure;
    });
    await expect(updating).rejects.toBe(failure);
    expect(await store.get("k")).toBeUndefined();
  });

  it("says what to check when the backend fails, and keeps the cause", async () => {
    const { backend, store } = create();
    const cause = new Error("disk on fire");
    vi.spyOn(backend, "get").mockRejectedValue(cause);
    const reading = store.get("k");
    await expect(reading).rejects.toThrow(TransportError);
    await expect(reading).rejects.toMatchObject({ cause, webrtcId: "alice" });
    await expect(reading).rejects.toThrow(/failed to read.*Check that its backend runs/);
  });

  it("passes on what the backend has explained itself", async () => {
    const { backend, store } = create();
    const cause = new TransportError("Redis is not reachable.");
    vi.spyOn(backend, "keys").mockRejectedValue(cause);
    await expect(store.keys()).rejects.toBe(cause);
  });

  it("tells of a stored text that is not JSON", async () => {
    const { backend, store } = create();
    await backend.set("alice", "k", "{oops");
    await expect(store.get("k")).rejects.toThrow(/"k" is not JSON/);
  });
});

function cycle(): object {
  const one: { self?: object } = {};
  one.self = one;
  return one;
}
