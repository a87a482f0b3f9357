import { createClient } from "redis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import { claimOf, ListenerLog } from "../../test/backplane-contract.ts";
import { startRedisProcess } from "../../test/redis-process.ts";
import type { RedisProcess } from "../../test/redis-process.ts";
import { startRedisServer } from "../../test/redis-server.ts";
import type { RedisServer } from "../../test/redis-server.ts";
import { InvalidStateError, TransportError } from "../errors.ts";
import { silentLogger } from "../observe/logger.ts";
import type { BackplaneNode } from "../session/backplane/backplane.ts";
import { RedisBackplane } from "./redis-backplane.ts";
import type { RedisBackplaneOptions } from "./redis-backplane.ts";

const STREAM = "voice {of} ours";
// A busy machine may hold a process up for some hundred milliseconds.
const TIMES = { heartbeatMs: 50, deadAfterMs: 1_000 };

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(async () => {
  await server.stop();
});

let worlds = 0;
let prefix = "";
const opened: RedisBackplane[] = [];
const processes: RedisProcess[] = [];
beforeEach(() => {
  prefix = `outage${worlds++}:`;
});
afterEach(async () => {
  await Promise.all(processes.splice(0).map((one) => one.kill()));
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

interface Joined {
  readonly backplane: RedisBackplane;
  readonly node: BackplaneNode;
  readonly log: ListenerLog;
}

async function join(options: RedisBackplaneOptions = {}): Promise<Joined> {
  const common = { url: server.url, prefix, ...TIMES, logger: silentLogger };
  const backplane = new RedisBackplane({ ...common, ...options });
  opened.push(backplane);
  const log = new ListenerLog();
  return { backplane, log, node: await backplane.join(STREAM, log) };
}

async function startProcess(times = TIMES): Promise<RedisProcess> {
  const started = await startRedisProcess(STREAM, { url: server.url, prefix, ...times });
  processes.push(started);
  return started;
}

const soon = { timeout: 10_000, interval: 20 };
const pause = (durationMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, durationMs));

describe("a backplane whose Redis restarts empty", () => {
  it("fails at once meanwhile, and then registers its nodes and live sessions again", async () => {
    const logger = { ...silentLogger, error: vi.fn(), info: vi.fn() };
    const [here, there] = [await join({ logger }), await join()];
    await here.node.claim(claimOf("a"));
    await there.node.claim(claimOf("b"));
    await server.kill();
    await expect.poll(() => logger.error.mock.calls.length, soon).toBe(1);

    const before = performance.now();
    await expect(here.node.claim(claimOf("c"))).rejects.toThrow(TransportError);
    await expect(here.node.find("a")).rejects.toThrow(/cannot be reached.*Check that it runs/);
    await expect(here.node.send(there.node.id, "hello")).rejects.toThrow(TransportError);
    await expect(here.backplane.store(STREAM).get("a", "k")).rejects.toThrow(TransportError);
    expect(performance.now() - before).toBeLessThan(200);

    await server.start();
    const count = (): Promise<number> => here.node.count().catch(() => -1);
    await expect.poll(count, soon).toBe(2);
    expect(await here.node.find("b")).toMatchObject({ owner: there.node.id, isLive: true });
    expect(await there.node.find("a")).toEqual({
      webrtcId: "a",
      owner: here.node.id,
      tokenHash: "token-of-a",
      createdAt: 1_000,
      isLive: true,
    });
    await expect
      .poll(async () => {
        await here.node.send(there.node.id, "hello").catch(() => undefined);
        return there.log.messages.length;
      }, soon)
      .toBeGreaterThan(0);
    await here.backplane.store(STREAM).set("a", "k", "1");
    expect(await there.backplane.store(STREAM).get("a", "k")).toBe("1");

    await pause(2 * TIMES.deadAfterMs);
    expect([here.log.gone, there.log.gone]).toEqual([[], []]);
    expect(logger.error).toHaveBeenCalledTimes(1);
    expect(logger.info).toHaveBeenCalledTimes(1);
  });

  it("still notices who did not come back", async () => {
    const [here, there] = [await join(), await join()];
    await server.kill();
    there.backplane.crash();
    await server.start();
    await expect.poll(() => here.log.gone, soon).toEqual([there.node.id]);
  });

  it("tells afterwards what it could not say meanwhile", async () => {
    const [here, there] = [await join(), await join()];
    for (const id of ["ended", "waits", "lives"]) await here.node.claim(claimOf(id));
    await server.kill();
    await here.node.release("ended", 0);
    await here.node.release("waits", 60_000);
    await server.start();
    await expect.poll(() => there.node.find("lives").catch(() => undefined), soon).toBeDefined();
    expect(await there.node.find("ended")).toBeUndefined();
    expect(await there.node.find("waits")).toMatchObject({ isLive: false });
    const back = claimOf("waits", { presentedHash: "token-of-waits" });
    expect(await there.node.claim(back)).toMatchObject({ resumed: { owner: here.node.id } });
  });

  it("says who it is as soon as Redis is back, not with the next beat", async () => {
    const rare = { heartbeatMs: 60_000, deadAfterMs: 120_000 };
    const [here, there] = [await join(rare), await join(rare)];
    await here.node.claim(claimOf("a"));
    await server.restart();
    const find = (): Promise<unknown> => there.node.find("a").catch(() => undefined);
    await expect.poll(find, soon).toMatchObject({ owner: here.node.id, isLive: true });
  });

  it("lets sessions begin at once when Redis was emptied without a restart", async () => {
    const { node } = await join({ heartbeatMs: 60_000, deadAfterMs: 120_000 });
    await node.claim(claimOf("a"));
    const client = await createClient({ url: server.url }).connect();
    await client.flushAll();
    await client.close();
    expect(await node.claim(claimOf("b", { limit: 2 }))).toEqual({ outcome: "claimed" });
    expect(await node.claim(claimOf("c", { limit: 2 }))).toEqual({ outcome: "full" });
    expect(await node.find("a")).toMatchObject({ owner: node.id, isLive: true });
  });
});

describe("a backplane whose Redis hangs", () => {
  it("takes itself back when others have buried it, and gives up what they took over", async () => {
    const logger = { ...silentLogger, warn: vi.fn() };
    const slow = await join({ logger, heartbeatMs: 5_000, deadAfterMs: 60_000 });
    for (const id of ["kept", "taken"]) await slow.node.claim(claimOf(id));
    const client = await createClient({ url: server.url }).connect();
    // Its beats are rare, so that nothing but the claim looks for the dead.
    const { node } = await join({ heartbeatMs: 60_000, deadAfterMs: 120_000 });
    // As if the first process had been stopped for a while.
    const nodes = `${prefix}{${encodeURIComponent(STREAM)}}:nodes`;
    await client.zAdd(nodes, { score: 1, value: slow.node.id });
    const taken = await node.claim(claimOf("taken", { presentedHash: "token-of-taken" }));
    expect(taken).toMatchObject({ resumed: { owner: slow.node.id } });
    await expect.poll(async () => (await node.find("kept"))?.isLive, soon).toBe(true);
    expect(await node.find("kept")).toMatchObject({ owner: slow.node.id });
    expect(await node.find("taken")).toMatchObject({ owner: node.id });
    expect(slow.log.lost).toEqual(["taken"]);
    expect(logger.warn).toHaveBeenCalledTimes(1);
    await slow.node.release("taken", 0);
    expect(await node.find("taken")).toMatchObject({ owner: node.id, isLive: true });
    await client.close();
  });

  it("takes back a claim whose answer never came", async () => {
    const [here, there] = [
      await join({ commandTimeoutMs: 100, deadAfterMs: 5_000 }),
      await join({ deadAfterMs: 5_000 }),
    ];
    server.pause(true);
    try {
      await expect(here.node.claim(claimOf("a"))).rejects.toThrow(/no answer within 100 ms/);
    } finally {
      server.pause(false);
    }
    // Answered after the claim has been done, for it goes the same way.
    await expect.poll(() => here.node.count().catch(() => -1), soon).toBeGreaterThanOrEqual(0);
    await expect.poll(() => there.node.find("a").catch(() => "away"), soon).toBeUndefined();
    expect(await there.node.claim(claimOf("a"))).toEqual({ outcome: "claimed" });
  });
});

describe("a backplane of real processes", () => {
  it("survives kill -9 of one: its sessions wait, the others go on", async () => {
    const [here, there] = [await join(), await startProcess()];
    expect(await there.claim([claimOf("a"), claimOf("b")])).toEqual([
      { outcome: "claimed" },
      { outcome: "claimed" },
    ]);
    await here.node.claim(claimOf("mine"));
    await there.kill();
    await expect.poll(() => here.log.gone, soon).toEqual([there.nodeId]);
    expect(await here.node.count()).toBe(1);
    expect(await here.node.find("a")).toMatchObject({ owner: there.nodeId, isLive: false });
    expect(
      await here.node.claim(claimOf("a", { presentedHash: "token-of-a", limit: 2 })),
    ).toMatchObject({ outcome: "claimed", resumed: { createdAt: 1_000 } });
  });

  it("lets one of 200 racing claims for one id win, and never more than the limit", async () => {
    // Whoever is taken for dead does not count, so nobody may be: starting a process is slow work.
    const times = { heartbeatMs: 50, deadAfterMs: 30_000 };
    const racers = await Promise.all([startProcess(times), startProcess(times)]);
    const race = async (claims: readonly (typeof claimOf)[]): Promise<string[]> => {
      const outcomes = await Promise.all(
        racers.map((racer, which) =>
          racer.claim(claims.map((make, index) => make(`${which}`, { tokenHash: String(index) }))),
        ),
      );
      return outcomes.flat().map(({ outcome }) => outcome);
    };
    const claims = (make: (which: string, index: number) => ReturnType<typeof claimOf>) =>
      Array.from({ length: 100 }, (_, index) => (which: string) => make(which, index));

    const one = await race(claims(() => claimOf("one")));
    expect(one.filter((outcome) => outcome === "claimed")).toHaveLength(1);

    const limit = 38;
    const many = await race(claims((which, index) => claimOf(`${which}/${index}`, { limit })));
    expect(many.filter((outcome) => outcome === "claimed")).toHaveLength(limit - 1);
    expect(many.filter((outcome) => outcome === "full")).toHaveLength(200 - limit + 1);
    expect(await (await join(times)).node.count()).toBe(limit);
  });
});

describe("a backplane in Redis", () => {
  it("says at the door that Redis is not there", async () => {
    const options = { url: "redis://127.0.0.1:1", connectTimeoutMs: 200 };
    await expect(join(options)).rejects.toThrow(/127\.0\.0\.1:1 cannot be reached.*Check/);
  });

  it("touches the keys of one slot only, as Redis Cluster demands", async () => {
    const cluster = await startRedisServer(["--cluster-enabled", "yes"]);
    try {
      const client = await createClient({ url: cluster.url }).connect();
      await client.sendCommand(["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
      await expect.poll(() => client.sendCommand(["CLUSTER", "INFO"]), soon).toMatch(/state:ok/);
      const { node, backplane } = await join({ url: cluster.url });
      await node.claim(claimOf("a"));
      await node.release("a", 60_000);
      expect(await node.claim(claimOf("a", { presentedHash: "token-of-a" }))).toMatchObject({
        outcome: "claimed",
      });
      await backplane.store(STREAM).set("a", "k", "1");
      const keys = (await client.keys(`${prefix}{*`)).sort();
      const slots = await Promise.all(
        keys.map((key) => client.sendCommand(["CLUSTER", "KEYSLOT", key])),
      );
      expect(keys).toHaveLength(3);
      expect(new Set(slots).size).toBe(1);
      await backplane.close();
      await client.close();
    } finally {
      await cluster.stop();
    }
  });

  it("leaves nothing behind that Redis would keep for ever", async () => {
    const { node, backplane } = await join();
    await node.claim(claimOf("ends"));
    await node.claim(claimOf("waits"));
    await node.release("waits", 60_000);
    await node.release("ends", 0);
    await backplane.store(STREAM).set("waits", "k", "1");
    await pause(3 * TIMES.heartbeatMs);
    const client = await createClient({ url: server.url }).connect();
    for (const key of await client.keys(`${prefix}*`)) {
      expect(await client.pTTL(key), key).toBeGreaterThan(0);
    }
    await backplane.close();
    await client.flushDb();
    await client.close();
  });

  it("forgets sessions whose time is over, though nobody asks for them", async () => {
    const { node } = await join();
    await node.claim(claimOf("a"));
    await node.release("a", 100);
    const client = await createClient({ url: server.url }).connect();
    const key = `${prefix}{${encodeURIComponent(STREAM)}}:sessions`;
    expect(await client.hKeys(key)).toEqual(["a"]);
    await expect.poll(() => client.hKeys(key), soon).toEqual([]);
    await client.close();
  });

  it("takes no part any more once it has left", async () => {
    const [here, there] = [await join(), await join()];
    await here.node.leave();
    await expect(here.node.claim(claimOf("a"))).rejects.toThrow(InvalidStateError);
    await expect(here.node.send(there.node.id, "x")).rejects.toThrow(InvalidStateError);
    await here.backplane.close();
    await expect(here.backplane.join(STREAM, new ListenerLog())).rejects.toThrow(/closed/);
  });
});
