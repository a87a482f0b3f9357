import { describe, expect, it } from "vitest";

import type { Clock } from "../media/clock.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { TurnTimers } from "./turn-timers.ts";

function timers(clock: Clock): { readonly set: TurnTimers<string>; readonly expired: string[] } {
  const expired: string[] = [];
  return { set: new TurnTimers(clock, (name) => void expired.push(name)), expired };
}

describe("TurnTimers", () => {
  it("expires each name once, at its time", () => {
    const clock = new ManualClock(1000);
    const { set, expired } = timers(clock);
    set.arm("late", 1200);
    set.arm("soon", 1100);
    expect(set.isArmed("soon")).toBe(true);
    clock.advance(99);
    expect(expired).toEqual([]);
    clock.advance(1);
    expect(expired).toEqual(["soon"]);
    expect(set.isArmed("soon")).toBe(false);
    clock.advance(1000);
    expect(expired).toEqual(["soon", "late"]);
  });

  it("replaces a timer of the same name", () => {
    const clock = new ManualClock();
    const { set, expired } = timers(clock);
    set.arm("end", 100);
    set.arm("end", 300);
    clock.advance(200);
    expect(expired).toEqual([]);
    clock.advance(100);
    expect(expired).toEqual(["end"]);
  });

  it("cancels by name, and all", () => {
    const clock = new ManualClock();
    const { set, expired } = timers(clock);
    for (const name of ["a", "b", "c"]) set.arm(name, 100);
    set.cancel("b", "unknown");
    expect(set.isArmed("a")).toBe(true);
    set.clear();
    expect(clock.pendingTimers).toBe(0);
    clock.advance(200);
    expect(expired).toEqual([]);
  });

  it("does nothing for a timer that the clock runs after it was cancelled", () => {
    // A clock that had already taken the callback out of its queue.
    const callbacks: (() => void)[] = [];
    const clock: Clock = {
      now: () => 0,
      setTimeout: (callback) => {
        callbacks.push(callback);
        return { cancel: () => undefined };
      },
    };
    const { set, expired } = timers(clock);
    set.arm("end", 10);
    set.cancel("end");
    set.arm("other", 10);
    set.arm("other", 20);
    for (const callback of callbacks) callback();
    expect(expired).toEqual(["other"]);
  });

  it("waits for ever where that is the time, and never at once for a time far away", () => {
    const delays: number[] = [];
    const clock: Clock = {
      now: () => 0,
      setTimeout: (_callback, delayMs) => {
        delays.push(delayMs);
        return { cancel: () => undefined };
      },
    };
    const { set } = timers(clock);
    set.arm("never", Infinity);
    expect(set.isArmed("never")).toBe(false);
    set.arm("far", 1e15);
    set.arm("past", -5);
    expect(delays).toEqual([2 ** 31 - 1, 0]);
  });
});
