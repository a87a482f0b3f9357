import { describe, expect, it } from "vitest";
import { ManualClock } from "../../testing/manual-clock.ts";
import { silentLogger } from "../../observe/logger.ts";
import {
  claimOf,
  ListenerLog,
  testBackplane,
  testSharedBackplane,
} from "../../../test/backplane-contract.ts";
import { InvalidStateError } from "../../errors.ts";
import type { Backplane } from "./backplane.ts";
import { BackplaneHub } from "./backplane-hub.ts";
import { MemoryBackplane } from "./memory-backplane.ts";

testBackplane("MemoryBackplane", async () => {
  const clock = new ManualClock();
  const backplane = new MemoryBackplane({ clock });
  return {
    connect: async () => backplane,
    wait: (durationMs) => clock.advanceAsync(durationMs),
    close: () => backplane.close(),
  };
});

testSharedBackplane("MemoryBackplane with a shared hub", async () => {
  const clock = new ManualClock();
  const hub = new BackplaneHub({ clock, logger: silentLogger });
  const processes = new Map<Backplane, MemoryBackplane>();
  return {
    connect: async () => {
      const backplane = new MemoryBackplane({ hub });
      processes.set(backplane, backplane);
      return backplane;
    },
    wait: (durationMs) => clock.advanceAsync(durationMs),
    crash: async (backplane) => processes.get(backplane)?.crash(),
    noticedAfterMs: 100,
    close: () => hub.close(),
  };
});

describe("MemoryBackplane", () => {
  it("forgets the sessions of a process that died when nobody resumes them in time", async () => {
    const clock = new ManualClock();
    const hub = new BackplaneHub({ clock, orphanedMs: 500 });
    const [dying, living] = [new MemoryBackplane({ hub }), new MemoryBackplane({ hub })];
    const dead = await dying.join("voice", new ListenerLog());
    const node = await living.join("voice", new ListenerLog());
    await dead.claim(claimOf("a"));
    dying.crash();
    expect(await node.find("a")).toMatchObject({ isLive: false });
    clock.advance(500);
    expect(await node.find("a")).toBeUndefined();
    await hub.close();
  });

  it("calls listeners outside of whoever sends", async () => {
    const backplane = new MemoryBackplane();
    const log = new ListenerLog();
    const node = await backplane.join("voice", log);
    const sent = node.send(node.id, "hello");
    expect(log.messages).toEqual([]);
    await sent;
    await Promise.resolve();
    expect(log.messages).toEqual([[node.id, "hello"]]);
    await backplane.close();
  });

  it("lets nobody in that has left, and does not mind what ends late", async () => {
    const backplane = new MemoryBackplane();
    const node = await backplane.join("voice", new ListenerLog());
    await node.claim(claimOf("a"));
    await backplane.close();
    await expect(node.claim(claimOf("b"))).rejects.toThrow(InvalidStateError);
    await expect(node.release("a", 1000)).resolves.toBeUndefined();
    await expect(backplane.join("voice", new ListenerLog())).rejects.toThrow(InvalidStateError);
  });

  it("does not put a successor out when its predecessor leaves twice", async () => {
    const backplane = new MemoryBackplane();
    const first = await backplane.join("voice", new ListenerLog());
    await first.leave();
    const second = await backplane.join("voice", new ListenerLog());
    await first.leave();
    await backplane.close();
    await expect(second.claim(claimOf("a"))).rejects.toThrow(InvalidStateError);
  });
});
