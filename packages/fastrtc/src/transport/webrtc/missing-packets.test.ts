import { expect, test } from "vitest";
import { setUp } from "../../../test/jitter-buffer-harness.ts";

function setUpRequests(roundTripMs?: number) {
  const requests: { readonly atMs: number; readonly list: readonly number[] }[] = [];
  const set = setUp({
    onMissing: (list, ssrc) => {
      expect(ssrc).toBe(1);
      requests.push({ atMs: set.clock.now() - 5000, list });
    },
    roundTripMs: () => roundTripMs,
  });
  return { ...set, requests };
}

test("asks once for what is missing, after a grace for reordering", () => {
  const { clock, push, requests } = setUpRequests(30);
  push(65_534);
  push(65_537);
  clock.advance(9);
  expect(requests).toEqual([]);
  clock.advance(100);
  expect(requests).toEqual([{ atMs: 10, list: [65_535, 0] }]);
});

test("does not ask for what came within the grace", () => {
  const { clock, push, requests } = setUpRequests(30);
  push(1);
  push(3);
  clock.advance(8);
  push(2);
  push(4);
  clock.advance(100);
  expect(requests).toEqual([]);
});

test("asks for what is still missing only", () => {
  const { push, clock, requests } = setUpRequests(30);
  for (const sequence of [1, 3, 5, 7]) push(sequence);
  push(2);
  push(6);
  clock.advance(10);
  expect(requests).toEqual([{ atMs: 10, list: [4] }]);
});

test("waits for the answer's round trip", () => {
  const { clock, push, out } = setUpRequests(80);
  push(1);
  push(3);
  clock.advance(10 + 80 + 5);
  push(2);
  expect(out()).toBe("1 2 3");
});

test("asks a second time a round trip later where there is time", () => {
  const { clock, push, requests, buffer } = setUpRequests(20);
  push(1);
  push(3);
  // The answer takes 75 ms, and gaps are waited for that long from then on.
  clock.advance(75);
  push(2);
  push(5);
  requests.length = 0;
  expect(buffer.stats().waitMs).toBeGreaterThan(75);
  clock.advance(200);
  expect(requests).toEqual([
    { atMs: 75 + 10, list: [4] },
    { atMs: 75 + 10 + 20, list: [4] },
  ]);
});

test("does not ask when no answer can come in time, and does not wait for one", () => {
  const { clock, push, requests, out, buffer } = setUpRequests(300);
  push(1);
  push(3);
  expect(buffer.stats().waitMs).toBeLessThan(40);
  clock.advance(40);
  expect(requests).toEqual([]);
  expect(out()).toBe("1 ?<3 3");
});

test("asks without knowing the round trip", () => {
  const { clock, push, requests } = setUpRequests(undefined);
  push(1);
  push(3);
  clock.advance(10);
  expect(requests).toHaveLength(1);
});
