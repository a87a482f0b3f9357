import { expect, test } from "vitest";
import { changeRate } from "./change-rate.ts";

test("keeps duration and shape", () => {
  const ramp = Int16Array.from({ length: 480 }, (_, index) => index * 10);
  const half = changeRate(ramp, 24_000, 12_000);
  expect(half).toHaveLength(240);
  expect([...half.subarray(0, 3)]).toEqual([0, 20, 40]);
  expect([...changeRate(ramp, 24_000, 48_000).subarray(0, 4)]).toEqual([0, 5, 10, 15]);
  expect(changeRate(ramp, 44_100, 48_000)).toHaveLength(522);
  expect(changeRate(ramp, 24_000, 24_000)).toBe(ramp);
});
