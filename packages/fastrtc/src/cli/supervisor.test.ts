import { beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../observe/logger.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { Supervisor } from "./supervisor.ts";
import type { WorkerListener } from "./supervisor.ts";

interface FakeWorker {
  readonly listener: WorkerListener;
  readonly orders: string[];
}

describe("Supervisor", () => {
  let clock: ManualClock;
  let forked: FakeWorker[];
  let exitCode: number | undefined;
  let supervisor: Supervisor;

  function supervise(workers: number): void {
    supervisor = new Supervisor({
      workers,
      drainMs: 30_000,
      clock,
      logger: silentLogger,
      fork: (listener) => {
        const orders: string[] = [];
        forked.push({ listener, orders });
        return {
          pid: forked.length,
          drain: () => orders.push("drain"),
          kill: () => orders.push("kill"),
        };
      },
    });
    void supervisor.run().then((code) => (exitCode = code));
  }

  beforeEach(() => {
    clock = new ManualClock();
    forked = [];
    exitCode = undefined;
  });

  it("starts as many workers as it is told, and a new one for each that dies", async () => {
    supervise(3);
    expect(forked).toHaveLength(3);
    for (const { listener } of forked) listener.onStarted();
    await clock.advanceAsync(10_000);
    forked[1]!.listener.onExit("signal SIGKILL");
    await clock.advanceAsync(999);
    expect(forked).toHaveLength(3);
    await clock.advanceAsync(1);
    expect(forked).toHaveLength(4);
    expect(exitCode).toBeUndefined();
  });

  it("lets all drain when it is told to, starts none again, and returns 0", async () => {
    supervise(3);
    for (const { listener } of forked) listener.onStarted();
    await clock.advanceAsync(10_000);
    forked[0]!.listener.onExit("code 1");
    supervisor.drain();
    supervisor.drain();
    await clock.advanceAsync(10_000);
    expect(forked.map(({ orders }) => orders)).toEqual([[], ["drain"], ["drain"]]);
    forked[1]!.listener.onExit("code 0");
    await clock.advanceAsync(0);
    expect(exitCode).toBeUndefined();
    forked[2]!.listener.onExit("signal SIGTERM");
    await clock.advanceAsync(0);
    expect(exitCode).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it("kills those that take five seconds more than their time, and returns 1", async () => {
    supervise(2);
    supervisor.drain();
    forked[0]!.listener.onExit("code 0");
    await clock.advanceAsync(34_999);
    expect(forked[1]!.orders).toEqual(["drain"]);
    await clock.advanceAsync(1);
    expect(forked[1]!.orders).toEqual(["drain", "kill"]);
    forked[1]!.listener.onExit("signal SIGKILL");
    await clock.advanceAsync(0);
    expect(exitCode).toBe(1);
  });

  it("ends when it is told to while all workers are dead", async () => {
    supervise(1);
    forked[0]!.listener.onStarted();
    forked[0]!.listener.onExit("code 1");
    supervisor.drain();
    await clock.advanceAsync(60_000);
    expect(forked).toHaveLength(1);
    expect(exitCode).toBe(0);
  });

  it("ends all with 1 when the application cannot be loaded", async () => {
    supervise(2);
    forked[0]!.listener.onFailed("no such database");
    forked[0]!.listener.onExit("code 1");
    expect(forked[1]!.orders).toContain("kill");
    forked[1]!.listener.onExit("signal SIGKILL");
    await clock.advanceAsync(0);
    expect(exitCode).toBe(1);
    expect(forked).toHaveLength(2);
  });
});
