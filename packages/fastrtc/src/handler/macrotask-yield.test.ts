import { describe, expect, it } from "vitest";

import { MacrotaskYield } from "./macrotask-yield.ts";

describe("MacrotaskYield", () => {
  it("lets timers run while a loop never really waits", async () => {
    const others = new MacrotaskYield();
    let timerRan = false;
    setTimeout(() => (timerRan = true), 1);
    for (let step = 0; step < 10_000_000 && !(timerRan as boolean); step++) {
      const pause = others.check();
      if (pause) await pause;
      else await Promise.resolve();
    }
    expect(timerRan).toBe(true);
  });

  it("does not delay a loop that waits by itself", async () => {
    const others = new MacrotaskYield();
    for (let step = 0; step < 64; step++) {
      expect(others.check()).toBeUndefined();
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
});
