import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { PieceOrder } from "./piece-order.ts";

function ordered(orders: readonly number[]): [order: number, missing: number][] {
  const out: [number, number][] = [];
  const pieces = new PieceOrder((data, missing) => out.push([data[0]!, missing]));
  for (const order of orders) pieces.push(Uint8Array.of(order), order);
  return out;
}

describe("PieceOrder", () => {
  it("passes pieces on at once where they are in order, from any number on", () => {
    expect(ordered([7, 8, 9])).toEqual([
      [7, 0],
      [8, 0],
      [9, 0],
    ]);
  });

  it("puts pieces that are at most five places late in order and loses none", () => {
    const shuffled = fc
      .array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 60 })
      .map((delays) =>
        delays
          .map((delay, index) => ({ order: index + 1, at: index + delay }))
          .sort((a, b) => a.at - b.at || a.order - b.order)
          .map(({ order }) => order),
      );
    fc.assert(
      fc.property(shuffled, (orders) => {
        const all = [0, ...orders];
        expect(ordered(all)).toEqual(all.map((_, index) => [index, 0]));
      }),
      { seed: 5 },
    );
  });

  it("gives a gap up when six pieces wait behind it, and says how many are missing", () => {
    expect(ordered([1, 4, 5, 6, 7, 8])).toEqual([[1, 0]]);
    expect(ordered([1, 4, 5, 6, 7, 8, 9]).slice(1, 3)).toEqual([
      [4, 2],
      [5, 0],
    ]);
  });

  it("drops what comes twice, or after it was given up", () => {
    expect(ordered([1, 2, 2, 1, 4, 4, 3]).map(([order]) => order)).toEqual([1, 2, 3, 4]);
    expect(ordered([1, 3, 4, 5, 6, 7, 8, 2]).map(([order]) => order)).toEqual([
      1, 3, 4, 5, 6, 7, 8,
    ]);
  });

  it("begins anew where the count jumps", () => {
    const out: number[] = [];
    const pieces = new PieceOrder((_, missing) => out.push(missing));
    for (const order of [1, 3, 100_000, 100_001, 1, 2]) pieces.push(new Uint8Array(1), order);
    expect(out).toEqual([0, 0, 0, 0, 0]);
  });
});
