import { describe, expect, it } from "vitest";

import { UtteranceBuffer } from "./utterance-buffer.ts";

const count = (from: number, to: number): Int16Array =>
  Int16Array.from({ length: to - from }, (_, i) => from + i);

describe("UtteranceBuffer", () => {
  it("keeps the pre-roll and everything after the turn began", () => {
    const buffer = new UtteranceBuffer(100, 10_000);
    for (let at = 0; at < 5000; at += 50) buffer.push(count(at, at + 50));
    buffer.begin();
    for (let at = 5000; at < 8000; at += 50) buffer.push(count(at, at + 50));
    expect(buffer.copy()).toEqual(count(4900, 8000));
    expect(buffer.copy(1000)).toEqual(count(5900, 8000));
  });

  it("keeps less than the pre-roll when less has been heard", () => {
    const buffer = new UtteranceBuffer(100, 10_000);
    buffer.push(count(0, 30));
    buffer.begin();
    expect(buffer.copy()).toEqual(count(0, 30));
  });

  it("drops what is beyond the longest utterance, and says that it is full", () => {
    const buffer = new UtteranceBuffer(10, 100);
    buffer.begin();
    buffer.push(count(0, 80));
    expect(buffer.isFull).toBe(false);
    buffer.push(count(80, 160));
    expect(buffer.isFull).toBe(true);
    expect(buffer.copy()).toEqual(count(0, 100));
  });

  it("keeps only the pre-roll of a discarded turn", () => {
    const buffer = new UtteranceBuffer(10, 1000);
    buffer.begin();
    buffer.push(count(0, 500));
    buffer.discard();
    buffer.begin();
    expect(buffer.copy()).toEqual(count(490, 500));
  });

  it("forgets all but the last samples when it is told to", () => {
    const buffer = new UtteranceBuffer(10, 1000);
    buffer.begin();
    buffer.push(count(0, 500));
    expect(buffer.keepLast(100)).toBe(400);
    buffer.push(count(500, 510));
    expect(buffer.copy()).toEqual(count(400, 510));
    expect(buffer.keepLast(1000)).toBe(0);
  });

  it("serves one turn after another", () => {
    const buffer = new UtteranceBuffer(4, 100_000);
    for (let turn = 0; turn < 3; turn++) {
      buffer.push(count(0, 20));
      buffer.begin();
      buffer.push(count(20, 5000));
      expect(buffer.copy()).toEqual(count(16, 5000));
      buffer.discard();
    }
  });

  it("works without any pre-roll", () => {
    const buffer = new UtteranceBuffer(0, 100);
    buffer.push(count(0, 50));
    buffer.begin();
    buffer.push(count(50, 60));
    expect(buffer.copy()).toEqual(count(50, 60));
  });
});
