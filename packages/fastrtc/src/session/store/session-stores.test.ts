import { describe, expect, it } from "vitest";

import { MemoryServer, settle } from "../../../test/memory-server.ts";
import { silentLogger } from "../../observe/logger.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { MemoryStore } from "./memory-store.ts";
import { SessionStores } from "./session-stores.ts";

function create(store?: MemoryStore): {
  readonly stores: SessionStores;
  readonly clock: ManualClock;
} {
  const clock = new ManualClock();
  const backend = store ?? new MemoryStore({ clock, ttlMs: 1000 });
  return { stores: new SessionStores({ backend, prefix: "", clock, logger: silentLogger }), clock };
}

describe("the store of an id", () => {
  it("is emptied for the next client, however long ago the first one began", async () => {
    const { stores, clock } = create();
    await stores.begin("a", "ada");
    await clock.advanceAsync(900);
    await stores.of("a").set("secret", "ada's");
    await clock.advanceAsync(900);
    await stores.begin("a", "eve");
    expect(await stores.of("a").get("secret")).toBeUndefined();
  });

  it("is emptied for the next client, however many sessions began meanwhile", async () => {
    const { stores } = create(new MemoryStore({ maxSessions: 3 }));
    await stores.begin("a", "ada");
    await stores.begin("b", "bo");
    await stores.of("a").set("secret", "ada's");
    await stores.begin("c", "cy");
    await stores.begin("d", "di");
    await stores.begin("a", "eve");
    expect(await stores.of("a").get("secret")).toBeUndefined();
  });

  it("is its client's also after it was cleared", async () => {
    const { stores } = create();
    await stores.begin("a", "ada");
    const store = stores.of("a");
    await store.set("first", 1);
    await store.clear();
    expect(await store.keys()).toEqual([]);
    await store.set("second", 2);
    await stores.begin("a", "ada");
    expect(await store.keys()).toEqual(["second"]);
    await stores.begin("a", "eve");
    expect(await store.keys()).toEqual([]);
  });

  it("does not show, and does not take, a value that says whose it is", async () => {
    const { stores } = create();
    await stores.begin("a", "ada");
    const store = stores.of("a");
    expect(await store.keys()).toEqual([]);
    await expect(store.set("\u0000owner", "eve")).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await expect(store.get("\u0000owner")).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });

  it("is not touched by an answer that comes too late", async () => {
    const backend = new MemoryStore();
    const { stores, clock } = create(backend);
    await stores.begin("a", "ada");
    const get = backend.get.bind(backend);
    let answer: (owner: string) => void = () => undefined;
    backend.get = () => new Promise((resolve) => (answer = resolve));
    const late = expect(stores.begin("a", "late")).rejects.toMatchObject({ reason: "unavailable" });
    await clock.advanceAsync(5000);
    await late;
    backend.get = get;
    await stores.of("a").set("kept", 1);
    answer("ada");
    await settle();
    expect(await stores.of("a").get("kept")).toBe(1);
  });

  it("is another one in another stream that uses the same backend", async () => {
    const store = new MemoryStore();
    const [sales, support] = [
      new MemoryServer({ store, name: "sales" }),
      new MemoryServer({ store, name: "support" }),
    ];
    const { context } = await sales.visit("a");
    await context.store.set("secret", "ada's");
    const other = await support.visit("a");
    expect(await other.context.store.keys()).toEqual([]);
    expect(await context.store.get("secret")).toBe("ada's");
    expect(await sales.sessions.stores.of("a").get("secret")).toBe("ada's");
  });
});
