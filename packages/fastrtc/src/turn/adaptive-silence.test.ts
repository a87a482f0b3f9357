import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { InvalidOptionError } from "../errors.ts";
import { AdaptiveSilence } from "./adaptive-silence.ts";

function learned(pausesMs: readonly number[], options = {}): number | undefined {
  const silence = new AdaptiveSilence(options);
  for (const pauseMs of pausesMs) silence.learn(pauseMs);
  return silence.delayMs;
}

const times = (count: number, pauseMs: number): number[] => Array<number>(count).fill(pauseMs);

describe("AdaptiveSilence", () => {
  it("says nothing until it knows six pauses", () => {
    expect(learned(times(5, 400))).toBeUndefined();
    expect(learned(times(6, 400))).toBeDefined();
  });

  it("waits 1.4 times the geometric mean, drawn towards half a second at first", () => {
    expect(learned(times(6, 500))).toBeCloseTo(700);
    const few = learned(times(6, 250))!;
    expect(few).toBeGreaterThan(1.4 * 250);
    expect(few).toBeLessThan(700);
    // 33 pauses' weight against the six of the prior is where the decay of 0.97 leads.
    expect(learned(times(1000, 250))).toBeCloseTo(
      1.4 * Math.exp((33.33 * Math.log(250) + 6 * Math.log(500)) / 39.33),
      1,
    );
  });

  it("goes by the geometric mean: one long pause does not double the wait", () => {
    expect(learned([...times(9, 400), 4000])).toBeLessThan(1.3 * learned(times(10, 400))!);
  });

  it("forgets the pauses of long ago", () => {
    const changed = learned([...times(50, 300), ...times(50, 900)])!;
    expect(changed).toBeGreaterThan(1.2 * learned([...times(50, 900), ...times(50, 300)])!);
  });

  it("stays within its bounds, whatever it learns", () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { minLength: 6 }), (pausesMs) => {
        const delayMs = learned(pausesMs, { minMs: 350, maxMs: 800 }) ?? 350;
        expect(delayMs).toBeGreaterThanOrEqual(350);
        expect(delayMs).toBeLessThanOrEqual(800);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it("ignores what cannot be a pause", () => {
    expect(learned([0, -5, NaN, Infinity, 1, 0])).toBeUndefined();
  });

  it.each([{ factor: 0 }, { minMs: NaN }, { minMs: 500, maxMs: 400 }])("refuses %o", (options) => {
    expect(() => new AdaptiveSilence(options)).toThrow(InvalidOptionError);
  });
});
