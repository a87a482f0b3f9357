import { afterAll, beforeAll } from "vitest";

import { testBackplane, testSharedBackplane } from "../../test/backplane-contract.ts";
import type { SharedBackplaneWorld } from "../../test/backplane-contract.ts";
import { startRedisServer } from "../../test/redis-server.ts";
import type { RedisServer } from "../../test/redis-server.ts";
import { silentLogger } from "../observe/logger.ts";
import { RedisBackplane } from "./redis-backplane.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(async () => {
  await server.stop();
});

let worlds = 0;
async function createWorld(): Promise<SharedBackplaneWorld> {
  const prefix = `test${worlds++}:`;
  const opened: RedisBackplane[] = [];
  return {
    connect: async () => {
      const backplane = new RedisBackplane({
        url: server.url,
        prefix,
        heartbeatMs: 50,
        // A busy machine may hold a process up for some hundred milliseconds.
        deadAfterMs: 1_000,
        logger: silentLogger,
      });
      opened.push(backplane);
      return backplane;
    },
    crash: async (backplane) => {
      opened.find((one) => one === backplane)?.crash();
    },
    noticedAfterMs: 5_000,
    wait: (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
    close: async () => {
      await Promise.all(opened.map((backplane) => backplane.close()));
    },
  };
}

testBackplane("Redis", createWorld);
testSharedBackplane("Redis", createWorld);
