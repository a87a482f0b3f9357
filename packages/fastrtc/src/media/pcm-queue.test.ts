import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { PcmQueue } from "./pcm-queue.ts";

describe("PcmQueue", () => {
  it("gives in frames what was written in pieces", () => {
    const pieces = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 480 }), (lengths, frameSize) => {
        const queue = new PcmQueue(1);
        let value = 0;
        for (const length of lengths) queue.push(Int16Array.from({ length }, () => ++value));
        const total = value;
        let expected = 0;
        while (queue.sampleCount > 0) {
          for (const sample of queue.take(frameSize)) {
            expect(sample).toBe(expected < total ? ++expected : 0);
          }
        }
        expect(expected).toBe(total);
      }),
    );
  });

  it("says how much of each piece is taken, as it is", () => {
    const queue = new PcmQueue(2);
    const taken: string[] = [];
    queue.push(new Int16Array(100), (count) => taken.push(`first ${count}`));
    queue.push(new Int16Array(100), (count) => taken.push(`second ${count}`));
    queue.take(30);
    queue.take(30);
    expect(taken).toEqual(["first 30", "first 20", "second 10"]);
  });

  it("drops everything when it is cleared, also the rest of a begun piece", () => {
    const queue = new PcmQueue(1);
    queue.push(new Int16Array(100).fill(7));
    queue.take(50);
    queue.clear();
    queue.push(new Int16Array(10).fill(9));
    expect([...queue.take(12)]).toEqual([...new Array<number>(10).fill(9), 0, 0]);
  });
});
