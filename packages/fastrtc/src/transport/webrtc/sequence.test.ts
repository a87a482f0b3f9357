import fc from "fast-check";
import { expect, test } from "vitest";
import { unwrapSequence, unwrapTimestamp } from "./sequence.ts";

test("goes on across the end of 16 and of 32 bits, both ways", () => {
  expect(unwrapSequence(65_535, 0)).toBe(65_536);
  expect(unwrapSequence(65_536, 65_535)).toBe(65_535);
  expect(unwrapSequence(0, 65_535)).toBe(-1);
  expect(unwrapTimestamp(2 ** 32 - 1, 0)).toBe(2 ** 32);
  expect(unwrapTimestamp(0, 2 ** 32 - 1)).toBe(-1);
});

test("takes half the circle as behind", () => {
  expect(unwrapSequence(0, 32_767)).toBe(32_767);
  expect(unwrapSequence(0, 32_768)).toBe(-32_768);
  expect(unwrapTimestamp(0, 2 ** 31)).toBe(-(2 ** 31));
});

test("finds every number again that is near to the reference", () => {
  const reference = fc.integer({ min: -1e6, max: 2 ** 45 });
  fc.assert(
    fc.property(reference, fc.integer({ min: -32_768, max: 32_767 }), (from, by) => {
      const bits = (((from + by) % 65_536) + 65_536) % 65_536;
      expect(unwrapSequence(from, bits)).toBe(from + by);
    }),
    { seed: 1 },
  );
  fc.assert(
    fc.property(reference, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (from, by) => {
      const bits = (((from + by) % 2 ** 32) + 2 ** 32) % 2 ** 32;
      expect(unwrapTimestamp(from, bits)).toBe(from + by);
    }),
    { seed: 1 },
  );
});
