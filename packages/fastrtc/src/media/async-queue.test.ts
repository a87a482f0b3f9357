import { expect, test } from "vitest";
import { InvalidOptionError } from "../errors.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { AsyncQueue } from "./async-queue.ts";

test("gives items in the order in which they were put in", async () => {
  const queue = new AsyncQueue<number>();
  queue.put(1);
  queue.put(2);
  expect([await queue.get(), await queue.get()]).toEqual([1, 2]);
});

test("hands an item to the consumer that has waited longest, and to no other", async () => {
  const queue = new AsyncQueue<string>();
  const first = queue.get();
  const second = queue.get();
  queue.put("a");
  queue.put("b");
  expect(await Promise.all([first, second])).toEqual(["a", "b"]);
  expect(queue.size).toBe(0);
});

test("gives up after the timeout, and leaves no timer and no consumer behind", async () => {
  const clock = new ManualClock();
  const queue = new AsyncQueue<string>({ clock });
  const got = queue.get({ timeoutMs: 100 });
  await clock.advanceAsync(99);
  queue.put("in time");
  expect(await got).toBe("in time");
  expect(clock.pendingTimers).toBe(0);

  const nothing = queue.get({ timeoutMs: 100 });
  await clock.advanceAsync(100);
  expect(await nothing).toBeUndefined();
  queue.put("for the next");
  expect(await queue.get()).toBe("for the next");
});

test("only looks when the timeout is 0", async () => {
  const clock = new ManualClock();
  const queue = new AsyncQueue<string>({ clock });
  expect(await queue.get({ timeoutMs: 0 })).toBeUndefined();
  expect(clock.pendingTimers).toBe(0);
});

test("rejects with the signal's reason and loses no item to the one who left", async () => {
  const queue = new AsyncQueue<string>();
  const controller = new AbortController();
  const got = queue.get({ signal: controller.signal });
  controller.abort(new Error("barge-in"));
  await expect(got).rejects.toThrow("barge-in");
  queue.put("kept");
  await expect(queue.get({ signal: controller.signal })).rejects.toThrow("barge-in");
  expect(await queue.get()).toBe("kept");
});

test("is not disturbed by a signal that aborts after the item came", async () => {
  const queue = new AsyncQueue<string>();
  const controller = new AbortController();
  const got = queue.get({ signal: controller.signal });
  queue.put("a");
  controller.abort();
  expect(await got).toBe("a");
});

test("gives what waits after close, then ends", async () => {
  const queue = new AsyncQueue<number>();
  queue.put(1);
  queue.put(2);
  queue.close();
  queue.close();
  expect(queue.put(3)).toBe(3);
  const seen: number[] = [];
  for await (const item of queue) seen.push(item);
  expect(seen).toEqual([1, 2]);
  expect(await queue.get()).toBeUndefined();
});

test("ends a loop that waits when it is closed", async () => {
  const queue = new AsyncQueue<number>();
  const seen: number[] = [];
  const loop = (async () => {
    for await (const item of queue) seen.push(item);
  })();
  queue.put(1);
  await Promise.resolve();
  queue.close();
  await loop;
  expect(seen).toEqual([1]);
});

test("goes on after a loop was left", async () => {
  const queue = new AsyncQueue<number>();
  queue.put(1);
  queue.put(2);
  for await (const item of queue) {
    expect(item).toBe(1);
    break;
  }
  expect(queue.isClosed).toBe(false);
  expect(await queue.get()).toBe(2);
});

test("drops the oldest at its bound and says which, unless told otherwise", () => {
  const queue = new AsyncQueue<number>({ capacity: 2 });
  expect([queue.put(1), queue.put(2), queue.put(3)]).toEqual([undefined, undefined, 1]);
  const strict = new AsyncQueue<number>({ capacity: 1, policy: "reject" });
  expect([strict.put(1), strict.put(2)]).toEqual([undefined, 2]);
});

test("forgets what waits on clear and goes on serving", async () => {
  const queue = new AsyncQueue<number>();
  queue.put(1);
  queue.clear();
  const got = queue.get();
  queue.put(2);
  expect(await got).toBe(2);
});

test("refuses a timeout that is no time", async () => {
  await expect(new AsyncQueue().get({ timeoutMs: -1 })).rejects.toThrow(InvalidOptionError);
});
