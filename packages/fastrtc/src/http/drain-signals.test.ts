import { EventEmitter } from "node:events";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { silentLogger } from "../observe/logger.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { drainOnSignals, DrainSignals } from "./drain-signals.ts";
import type { Drainable } from "./drain-signals.ts";

/** A stream that drains when the test lets it. */
class FakeStream implements Drainable {
  readonly times: number[] = [];
  #done: (() => void) | undefined;
  failure: Error | undefined;

  async drain(timeoutMs: number): Promise<void> {
    this.times.push(timeoutMs);
    if (this.failure) throw this.failure;
    await new Promise<void>((resolve) => {
      this.#done = resolve;
    });
  }

  finish(): void {
    this.#done?.();
  }
}

describe("DrainSignals", () => {
  const raise = vi.fn();
  let clock: ManualClock;
  let source: EventEmitter;
  let signals: DrainSignals;

  const settle = (): Promise<void> => clock.advanceAsync(0);
  const listeners = (): number => source.listenerCount("SIGTERM") + source.listenerCount("SIGINT");

  beforeEach(() => {
    raise.mockClear();
    clock = new ManualClock();
    source = new EventEmitter();
    signals = new DrainSignals({
      source: Object.assign(source, { raise }),
      timeoutMs: () => 30_000,
      clock,
      logger: silentLogger,
    });
  });

  it.each(["SIGTERM", "SIGINT"])(
    "drains every stream on %s, and then ends as it says",
    async (signal) => {
      const [one, two] = [new FakeStream(), new FakeStream()];
      signals.add(one);
      signals.add(two);
      source.emit(signal, signal);
      expect([one.times, two.times]).toEqual([[30_000], [30_000]]);
      one.finish();
      await settle();
      expect(raise).not.toHaveBeenCalled();
      two.finish();
      await settle();
      expect(raise.mock.calls).toEqual([[signal]]);
      expect(listeners()).toBe(0);
      expect(clock.pendingTimers).toBe(0);
    },
  );

  it("leaves the end to the application where that listens itself", async () => {
    const stream = new FakeStream();
    source.on("SIGTERM", () => undefined);
    signals.add(stream);
    source.emit("SIGTERM", "SIGTERM");
    stream.finish();
    await settle();
    expect(raise).not.toHaveBeenCalled();
    expect(listeners()).toBe(1);
  });

  it("ends all the same when a stream fails to drain, or never does", async () => {
    const [broken, stuck] = [new FakeStream(), new FakeStream()];
    broken.failure = new Error("broken");
    signals.add(broken);
    signals.add(stuck);
    source.emit("SIGTERM", "SIGTERM");
    await clock.advanceAsync(34_999);
    expect(raise).not.toHaveBeenCalled();
    await clock.advanceAsync(1);
    expect(raise).toHaveBeenCalledTimes(1);
  });

  it("takes a signal that comes twice at once for one, and a later one for impatience", async () => {
    const stream = new FakeStream();
    signals.add(stream);
    source.emit("SIGINT", "SIGINT");
    source.emit("SIGINT", "SIGINT");
    clock.advance(2_000);
    source.emit("SIGTERM", "SIGTERM");
    expect(raise).not.toHaveBeenCalled();
    expect(stream.times).toHaveLength(1);
    source.emit("SIGINT", "SIGINT");
    expect(raise.mock.calls).toEqual([["SIGINT"]]);
    stream.finish();
    await settle();
    expect(raise).toHaveBeenCalledTimes(1);
  });

  it("drains a stream that is launched meanwhile", async () => {
    const [early, late] = [new FakeStream(), new FakeStream()];
    signals.add(early);
    source.emit("SIGTERM", "SIGTERM");
    signals.add(late);
    early.finish();
    await settle();
    expect(late.times).toEqual([30_000]);
    expect(raise).not.toHaveBeenCalled();
    late.finish();
    await settle();
    expect(raise).toHaveBeenCalledTimes(1);
  });

  it("listens once for a hundred streams, and not at all once they are closed", () => {
    const removals = Array.from({ length: 100 }, () => signals.add(new FakeStream()));
    expect(listeners()).toBe(2);
    for (const remove of removals) {
      remove();
      remove();
    }
    expect(listeners()).toBe(0);
    signals.add(new FakeStream());
    expect(listeners()).toBe(2);
  });

  it("leaves no listener at this process behind after a hundred streams", () => {
    const count = (): number => process.listenerCount("SIGTERM") + process.listenerCount("SIGINT");
    const before = count();
    const removals = Array.from({ length: 100 }, () => drainOnSignals(new FakeStream()));
    expect(count()).toBe(before + 2);
    for (const remove of removals) remove();
    expect(count()).toBe(before);
  });
});
