import { describe, expect, it, vi } from "vitest";

import { InvalidOptionError } from "../errors.ts";
import { createRedisBackplane } from "./redis-backplane.ts";
import { createRedisStore } from "./redis-store.ts";
import { parseRedisOptions } from "./redis-options.ts";
import type { RedisClientSource } from "./redis-options.ts";

const client: RedisClientSource = { duplicate: () => undefined };

describe("parseRedisOptions", () => {
  it("means the local Redis when it is told nothing", () => {
    expect(parseRedisOptions({})).toMatchObject({
      url: "redis://localhost:6379",
      prefix: "fastrtc:",
      place: "localhost:6379",
    });
  });

  it.each([
    ["redis://me:secret@cache.example:7000/2", "cache.example:7000"],
    ["rediss://cache.example", "cache.example"],
    ["redis://", "localhost"],
  ])("names the server of %s without its password", (url, place) => {
    expect(parseRedisOptions({ url }).place).toBe(place);
  });

  it("names the server of a client", () => {
    const socket = { host: "10.0.0.1", port: 7000 };
    const given = { ...client, options: { socket } };
    expect(parseRedisOptions({ client: given }).place).toBe("10.0.0.1:7000");
  });

  it.each([
    "localhost:6379",
    "http://me:secret@example",
    "redis:://me:sec@ret@x",
    "",
    6379 as never,
  ])("refuses the url %j, and does not repeat a password", (url) => {
    const parse = (): unknown => parseRedisOptions({ url });
    expect(parse).toThrow(/Invalid url:.*Write redis:\/\/host:port/);
    expect(parse).not.toThrow(/secret|sec@ret/);
  });

  it.each([
    ["a url beside a client", { url: "redis://x", client }],
    ["what is no client", { client: {} as RedisClientSource }],
    ["a client of a cluster", { client: { ...client, slots: [] } }],
    ["a prefix with braces", { prefix: "a{b}" }],
    ["no time for commands", { commandTimeoutMs: 0 }],
    ["endless time to connect", { connectTimeoutMs: Infinity }],
  ])("refuses %s", (_what, options) => {
    expect(() => parseRedisOptions(options)).toThrow(InvalidOptionError);
  });
});

describe("createRedisBackplane", () => {
  it("refuses to take a process for dead before its next word can come", () => {
    expect(() => createRedisBackplane({ heartbeatMs: 1_000, deadAfterMs: 1_500 })).toThrow(
      /Invalid deadAfterMs: 1500. Give at least twice heartbeatMs, which is 1000/,
    );
  });

  it.each(["heartbeatMs", "deadAfterMs", "orphanedMs", "ttlMs"])("refuses no %s", (option) => {
    expect(() => createRedisBackplane({ [option]: 0 })).toThrow(new RegExp(`Invalid ${option}: 0`));
  });

  it.each(["", "\ud83c"])("refuses the stream's name %j", async (name) => {
    const backplane = createRedisBackplane();
    const ignore = (): undefined => undefined;
    const listener = { onMessage: ignore, onGone: ignore, onLost: ignore };
    await expect(backplane.join(name, listener)).rejects.toThrow(InvalidOptionError);
    expect(() => backplane.store(name)).toThrow(InvalidOptionError);
  });
});

describe("createRedisStore", () => {
  it("names the server of a URL that the package redis refuses", async () => {
    const reading = createRedisStore({ url: "redis://:secret@cache.example/first" }).get("a", "k");
    await expect(reading).rejects.toThrow(/Invalid url: "cache.example". Check its user/);
  });

  it("says what to install when the package redis is missing", async () => {
    vi.doMock("redis", () => {
      throw new Error("Cannot find package 'redis'");
    });
    const reading = createRedisStore().get("a", "k");
    await expect(reading).rejects.toThrow(InvalidOptionError);
    await expect(reading).rejects.toThrow(/npm install redis/);
    vi.doUnmock("redis");
  });
});
