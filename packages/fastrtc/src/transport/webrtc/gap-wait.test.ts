import { expect, test } from "vitest";
import { GapWait } from "./gap-wait.ts";

test("measures jitter as RFC 3550 does", () => {
  const wait = new GapWait(48_000, 200);
  wait.observeArrival(0, 0);
  wait.observeArrival(36, 960);
  expect(wait.jitterMs).toBe(1);
  wait.observeArrival(36, 1920);
  expect(wait.jitterMs).toBeCloseTo(1 + (20 - 1) / 16, 9);
});

test("measures across the wrap of the timestamp", () => {
  const wait = new GapWait(48_000, 200);
  wait.observeArrival(0, 2 ** 32 - 480);
  wait.observeArrival(20, 480);
  expect(wait.jitterMs).toBe(0);
});

test("takes no jump of the sender's clock for jitter, nor another source's", () => {
  const wait = new GapWait(48_000, 200);
  wait.observeArrival(0, 0);
  wait.observeArrival(20, 2e9);
  wait.restart();
  wait.observeArrival(40, 2e9 + 24_000);
  expect(wait.jitterMs).toBe(0);
});

test("adds the round trip only where the answer can come in time", () => {
  const wait = new GapWait(48_000, 200);
  expect(wait.waitMs(undefined)).toBe(20);
  expect(wait.waitMs(50)).toBe(70);
  expect(wait.waitMs(180)).toBe(200);
  expect(wait.waitMs(181)).toBe(20);
});

test("learns from recoveries that waiting can save, and from no others", () => {
  const wait = new GapWait(48_000, 200);
  wait.observeRecovery(80);
  expect(wait.pathWaitMs).toBe(100);
  wait.observeRecovery(190);
  expect(wait.pathWaitMs).toBe(200);
  const far = new GapWait(48_000, 200);
  far.observeRecovery(201);
  far.observeRecovery(-Infinity);
  expect(far.pathWaitMs).toBe(20);
});
