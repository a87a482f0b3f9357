import { describe, expect, it } from "vitest";

import { RecentAudio } from "./recent-audio.ts";

const RATE = 16_000;

function feed(recent: RecentAudio, seconds: number, from = 0): void {
  for (let at = 0; at < seconds * RATE; at += 512) {
    recent.push(Float32Array.from({ length: 512 }, (_, i) => from + at + i));
  }
}

describe("RecentAudio", () => {
  it("gives the turn and half a second before it", () => {
    const recent = new RecentAudio();
    feed(recent, 4);
    recent.mark(1000);
    const copy = recent.copy();
    expect(copy.length).toBe(1.5 * RATE);
    expect(copy.at(-1)).toBe(4 * RATE - 1);
    expect(copy[0]).toBe(4 * RATE - 1.5 * RATE);
  });

  it("gives the last eight seconds of a longer turn, in order", () => {
    const recent = new RecentAudio();
    recent.mark(0);
    feed(recent, 20);
    const copy = recent.copy();
    expect(copy.length).toBe(8 * RATE);
    expect(copy.every((value, i) => i === 0 || value === copy[i - 1]! + 1)).toBe(true);
  });

  it("gives nothing before anything was heard", () => {
    expect(new RecentAudio().copy().length).toBe(0);
  });
});
