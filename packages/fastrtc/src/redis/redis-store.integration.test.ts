import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createClient } from "redis";

import { startRedisServer } from "../../test/redis-server.ts";
import type { RedisServer } from "../../test/redis-server.ts";
import { testStoreBackend } from "../../test/store-contract.ts";
import { InvalidStateError, TransportError } from "../errors.ts";
import { silentLogger } from "../observe/logger.ts";
import type { StoreBackend } from "../session/store/store.ts";
import { createRedisStore } from "./redis-store.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(async () => {
  await server.stop();
});

let worlds = 0;
testStoreBackend("Redis", async () => ({
  backend: createRedisStore({ url: server.url, prefix: `test${worlds++}:`, ttlMs: 300 }),
  ttlMs: 300,
  wait: (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
}));

describe("createRedisStore", () => {
  const opened: StoreBackend[] = [];
  const open = (options: Parameters<typeof createRedisStore>[0]): StoreBackend => {
    const store = createRedisStore({ logger: silentLogger, ...options });
    opened.push(store);
    return store;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
  });

  it("shares values between processes that have the same prefix", async () => {
    const prefix = `test${worlds++}:`;
    const [here, there] = [open({ url: server.url, prefix }), open({ url: server.url, prefix })];
    await here.set("a", "k", "1");
    expect(await there.get("a", "k")).toBe("1");
    expect(await open({ url: server.url, prefix: "else:" }).get("a", "k")).toBeUndefined();
  });

  it("takes a client that somebody else has made, and leaves it alone", async () => {
    const client = createClient({ url: server.url, database: 3 });
    const store = open({ client });
    await store.set("a", "k", "1");
    expect(client.isOpen).toBe(false);
    await client.connect();
    expect(await client.hGet("fastrtc:store:a", "k")).toBe("1");
    await store.close();
    expect(await client.ping()).toBe("PONG");
    await client.close();
  });

  it("says within the command timeout that Redis is not there, naming it without its password", async () => {
    const store = open({ url: "redis://me:secret@127.0.0.1:1", connectTimeoutMs: 200 });
    const error: unknown = await store.get("a", "k").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TransportError);
    expect((error as Error).message).toMatch(
      /127\.0\.0\.1:1 cannot be reached.*Check that it runs/,
    );
    expect((error as Error).message).not.toContain("secret");
    const before = performance.now();
    await expect(store.get("a", "k")).rejects.toThrow(TransportError);
    expect(performance.now() - before).toBeLessThan(100);
  });

  it("fails at once while Redis is away, works again when it is back, and logs each once", async () => {
    const logger = { ...silentLogger, error: vi.fn(), info: vi.fn() };
    const store = open({ url: server.url, logger });
    await store.set("a", "k", "1");
    await server.kill();
    await expect.poll(() => logger.error.mock.calls.length).toBe(1);
    for (let round = 0; round < 5; round++) {
      const before = performance.now();
      await expect(store.set("a", "k", "2")).rejects.toThrow(/cannot be reached/);
      expect(performance.now() - before).toBeLessThan(100);
    }
    await server.start();
    await expect
      .poll(() => store.get("a", "k").catch(() => "away"), { timeout: 10_000 })
      .toBe(undefined);
    await store.set("a", "k", "3");
    expect(await store.get("a", "k")).toBe("3");
    expect(logger.error).toHaveBeenCalledTimes(1);
    expect(logger.info).toHaveBeenCalledTimes(1);
  });

  it("gives up a command that is not answered, and replaces a connection that stays silent", async () => {
    const logger = { ...silentLogger, error: vi.fn() };
    const store = open({ url: server.url, commandTimeoutMs: 100, connectTimeoutMs: 500, logger });
    await store.set("a", "k", "1");
    server.pause(true);
    try {
      await expect(store.get("a", "k")).rejects.toThrow(/no answer within 100 ms/);
      await expect
        .poll(() => store.get("a", "k").catch((error: unknown) => String(error)), {
          timeout: 5_000,
        })
        .toMatch(/silent for \d+ ms|cannot be reached/);
      expect(logger.error).toHaveBeenCalledTimes(1);
    } finally {
      server.pause(false);
    }
    await expect.poll(() => store.get("a", "k").catch(() => "away"), { timeout: 10_000 }).toBe("1");
  });

  it("says what the server says when that refuses", async () => {
    const locked = await startRedisServer(["--requirepass", "right", "--maxmemory", "1"]);
    try {
      const denied = open({
        url: `redis://:wrong@127.0.0.1:${locked.port}`,
        connectTimeoutMs: 300,
      });
      await expect(denied.get("a", "k")).rejects.toThrow(/WRONGPASS/);
      const full = open({ url: `redis://:right@127.0.0.1:${locked.port}` });
      await expect(full.set("a", "k", "1")).rejects.toThrow(
        /did not do EVAL.*OOM.*Check the server/,
      );
      expect(await full.get("a", "k")).toBeUndefined();
    } finally {
      await locked.stop();
    }
  });

  it("refuses everything once it is closed", async () => {
    const store = open({ url: server.url });
    await store.set("a", "k", "1");
    await store.close();
    await expect(store.get("a", "k")).rejects.toThrow(InvalidStateError);
  });
});
