import { expect, test } from "vitest";
import { measureLevel } from "./level-meter.ts";

test("maps silence to 0, full scale to 1 and the middle in decibels to the middle", () => {
  expect(measureLevel(new Float32Array(64))).toBe(0);
  expect(measureLevel(new Float32Array(64).fill(1))).toBe(1);
  expect(measureLevel(new Float32Array(64).fill(10 ** (-30 / 20)))).toBeCloseTo(0.5, 5);
  expect(measureLevel(new Float32Array(64).fill(10 ** (-80 / 20)))).toBe(0);
});
