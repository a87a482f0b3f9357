import { describe, expect, it } from "vitest";

import { NodeRoll } from "./node-roll.ts";

describe("NodeRoll", () => {
  it("says once that a node has gone, whoever says it first", () => {
    const roll = new NodeRoll();
    expect(roll.listed(roll.ask(), ["a", "b"], true)).toEqual([]);
    expect(roll.listed(roll.ask(), ["b"], true)).toEqual(["a"]);
    expect(roll.left("a")).toBe(false);
    expect(roll.left("b")).toBe(true);
    expect(roll.listed(roll.ask(), [], true)).toEqual([]);
  });

  it("does not tell of a node that it never heard of", () => {
    const roll = new NodeRoll();
    expect(roll.left("stranger")).toBe(false);
    expect(roll.listed(roll.ask(), [], true)).toEqual([]);
  });

  it("knows a node that has sent something before any list named it", () => {
    const roll = new NodeRoll();
    roll.heard("a");
    expect(roll.left("a")).toBe(true);
  });

  it("is not misled by a list that was on its way when a node went", () => {
    const roll = new NodeRoll();
    roll.heard("a");
    const asked = roll.ask();
    expect(roll.left("a")).toBe(true);
    expect(roll.listed(asked, ["a"], true)).toEqual([]);
    expect(roll.listed(roll.ask(), [], true)).toEqual([]);
  });

  it("takes back a node that a later list names: it was thought dead and lives", () => {
    const roll = new NodeRoll();
    roll.heard("a");
    roll.left("a");
    expect(roll.listed(roll.ask(), ["a"], true)).toEqual([]);
    expect(roll.listed(roll.ask(), [], true)).toEqual(["a"]);
  });

  it("gives nodes time to come back when the directory was lost", () => {
    const roll = new NodeRoll();
    roll.listed(roll.ask(), ["a", "b"], true);
    expect(roll.listed(roll.ask(), [], false)).toEqual([]);
    expect(roll.listed(roll.ask(), ["b"], true)).toEqual(["a"]);
  });
});
