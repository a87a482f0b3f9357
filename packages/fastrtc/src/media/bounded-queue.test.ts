import fc from "fast-check";
import { expect, test } from "vitest";
import { InvalidOptionError } from "../errors.ts";
import { BoundedQueue } from "./bounded-queue.ts";
import type { OverflowPolicy } from "./bounded-queue.ts";

function drain<T>(queue: BoundedQueue<T>): T[] {
  const items: T[] = [];
  while (queue.size > 0) items.push(queue.shift()!);
  return items;
}

function filled(policy: OverflowPolicy): BoundedQueue<number> {
  const queue = new BoundedQueue<number>(3, policy);
  for (const item of [1, 2, 3]) expect(queue.push(item)).toBeUndefined();
  return queue;
}

test("drops the item that has waited longest", () => {
  const queue = filled("drop-oldest");
  expect(queue.push(4)).toBe(1);
  expect(drain(queue)).toEqual([2, 3, 4]);
});

test("puts an item in the place of the newest", () => {
  const queue = filled("drop-newest");
  expect(queue.push(4)).toBe(3);
  expect(drain(queue)).toEqual([1, 2, 4]);
});

test("rejects an item and returns it", () => {
  const queue = filled("reject");
  expect(queue.push(4)).toBe(4);
  expect(drain(queue)).toEqual([1, 2, 3]);
});

test("is empty and usable after clear", () => {
  const queue = filled("drop-oldest");
  queue.shift();
  queue.clear();
  expect(queue.size).toBe(0);
  expect(queue.shift()).toBeUndefined();
  queue.push(7);
  expect(drain(queue)).toEqual([7]);
});

test.each([0, -1, 1.5, NaN, Infinity])("refuses a capacity of %s", (capacity) => {
  expect(() => new BoundedQueue(capacity, "reject")).toThrow(InvalidOptionError);
});

test("behaves like an array that is cut to the capacity, whatever is done to it", () => {
  const policies = fc.constantFrom<OverflowPolicy>("drop-oldest", "drop-newest", "reject");
  const actions = fc.array(fc.constantFrom("push", "push", "push", "shift", "shift", "clear"));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), policies, actions, (capacity, policy, steps) => {
      const queue = new BoundedQueue<number>(capacity, policy);
      let model: number[] = [];
      steps.forEach((step, item) => {
        if (step === "clear") {
          queue.clear();
          model = [];
        } else if (step === "shift") {
          expect(queue.shift()).toBe(model.shift());
        } else if (model.length < capacity) {
          expect(queue.push(item)).toBeUndefined();
          model.push(item);
        } else if (policy === "reject") {
          expect(queue.push(item)).toBe(item);
        } else {
          expect(queue.push(item)).toBe(policy === "drop-oldest" ? model.shift() : model.pop());
          model.push(item);
        }
        expect(queue.size).toBe(model.length);
      });
      expect(drain(queue)).toEqual(model);
    }),
    { seed: 1 },
  );
});
