import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import {
  claimOf,
  ListenerLog,
  testBackplane,
  testSharedBackplane,
} from "../../test/backplane-contract.ts";
import type { BackplaneWorld } from "../../test/backplane-contract.ts";
import { testStoreBackend } from "../../test/store-contract.ts";
import { InvalidStateError, TransportError } from "../errors.ts";
import { silentLogger } from "../observe/logger.ts";
import { MemoryStore } from "../session/store/memory-store.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { ClusterBackplane, createClusterBackplane, defaultBackplane } from "./cluster-backplane.ts";
import { ClusterPrimary } from "./cluster-primary.ts";
import type { IpcChannel } from "./ipc-port.ts";

/** Both ends of a channel that carries JSON, as that of node does. */
function createChannel(): { primary: FakeChannel; worker: FakeChannel } {
  const [primary, worker] = [new FakeChannel(), new FakeChannel()];
  primary.other = worker;
  worker.other = primary;
  return { primary, worker };
}

class FakeChannel extends EventEmitter implements IpcChannel {
  other: FakeChannel | undefined;
  /** Whether the other end reads. */
  isStuck = false;
  /** What was sent to an end that does not read. */
  stuckChars = 0;

  send(message: unknown, callback: (error: Error | null) => void): void {
    const text = JSON.stringify(message);
    if (this.isStuck) {
      this.stuckChars += text.length;
      return;
    }
    setImmediate(() => {
      callback(null);
      this.other?.emit("message", JSON.parse(text) as unknown);
    });
  }

  cut(): void {
    const { other } = this;
    if (other) other.other = undefined;
    this.other = undefined;
    other?.emit("disconnect");
    this.emit("disconnect");
  }
}

interface ClusterWorld extends BackplaneWorld {
  connect(): Promise<ClusterBackplane>;
  readonly channels: Map<unknown, FakeChannel>;
  readonly primary: ClusterPrimary;
  readonly clock: ManualClock;
}

function createWorld(ttlMs = 60_000): ClusterWorld {
  const clock = new ManualClock();
  const createStore = (): MemoryStore => new MemoryStore({ clock, ttlMs });
  const primary = new ClusterPrimary({ clock, logger: silentLogger, createStore });
  const channels = new Map<unknown, FakeChannel>();
  return {
    channels,
    primary,
    clock,
    connect: async () => {
      const channel = createChannel();
      primary.attach(channel.primary);
      const backplane = new ClusterBackplane(channel.worker, { clock, logger: silentLogger });
      channels.set(backplane, channel.worker);
      return backplane;
    },
    wait: (durationMs) => clock.advanceAsync(durationMs),
    close: () => primary.close(),
  };
}

testBackplane("ClusterBackplane", async () => createWorld());

testSharedBackplane("ClusterBackplane", async () => {
  const world = createWorld();
  return {
    ...world,
    crash: async (backplane) => world.channels.get(backplane)?.cut(),
    noticedAfterMs: 100,
  };
});

testStoreBackend("ClusterBackplane", async () => {
  const world = createWorld(1000);
  const backplane = await world.connect();
  return { ...world, backend: backplane.store("voice"), ttlMs: 1000 };
});

describe("ClusterBackplane", () => {
  it("fails what waits and what comes when the channel is cut", async () => {
    const world = createWorld();
    const backplane = await world.connect();
    const node = await backplane.join("voice", new ListenerLog());
    const waiting = node.claim(claimOf("a"));
    world.channels.get(backplane)?.cut();
    await expect(waiting).rejects.toThrow(TransportError);
    await expect(node.find("a")).rejects.toThrow(TransportError);
    await expect(node.leave()).resolves.toBeUndefined();
    await world.close();
  });

  it("fails what comes after the primary process has closed", async () => {
    const world = createWorld();
    const backplane = await world.connect();
    const node = await backplane.join("voice", new ListenerLog());
    await world.primary.close();
    await new Promise(setImmediate);
    await expect(node.find("a")).rejects.toThrow(TransportError);
  });

  it("says what is missing when the primary process serves nobody", async () => {
    const clock = new ManualClock();
    const backplane = new ClusterBackplane(createChannel().worker, { clock });
    const joined = backplane.join("voice", new ListenerLog());
    const refusal = expect(joined).rejects.toThrow("serveClusterBackplane");
    await clock.advanceAsync(10_000);
    await refusal;
  });

  it("refuses messages to a worker that does not read, and serves the others", async () => {
    const world = createWorld();
    const [ours, theirs] = [await world.connect(), await world.connect()];
    const log = new ListenerLog();
    const node = await ours.join("voice", log);
    const stuck = await theirs.join("voice", new ListenerLog());
    world.channels.get(theirs)!.other!.isStuck = true;
    const text = "x".repeat(1_000_000);
    for (let i = 0; i < 80; i++) await node.send(stuck.id, text);
    await node.send(node.id, "hello");
    await new Promise(setImmediate);
    expect(log.messages).toEqual([[node.id, "hello"]]);
    expect(world.channels.get(theirs)!.other!.stuckChars).toBeLessThan(65_000_000);
    await world.close();
  });

  it("does not mind messages of the application on the same channel", async () => {
    const world = createWorld();
    const backplane = await world.connect();
    const node = await backplane.join("voice", new ListenerLog());
    const channel = world.channels.get(backplane)!;
    for (const message of [null, 1, "text", {}, { mark: "other" }, { kind: "answer", id: 1 }]) {
      channel.emit("message", message);
      channel.other!.emit("message", message);
    }
    expect(await node.count()).toBe(0);
    await world.close();
  });

  it("refuses a question that it does not know", async () => {
    const world = createWorld();
    const backplane = await world.connect();
    const node = await backplane.join("voice", new ListenerLog());
    const question = { op: "vote", node: node.id } as unknown as Parameters<
      typeof backplane.ask
    >[0];
    await expect(backplane.ask(question)).rejects.toThrow(InvalidStateError);
    await world.close();
  });

  it("is there in workers of `fastrtc start` only", () => {
    expect(defaultBackplane()).toBeUndefined();
    expect(() => createClusterBackplane()).toThrow(InvalidStateError);
  });
});
