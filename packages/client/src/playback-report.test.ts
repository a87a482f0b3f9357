import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { PlaybackReport } from "./playback-report.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => vi.useRealTimers());

function report(levels: readonly number[]): { sent: unknown[]; report: PlaybackReport } {
  const sent: unknown[] = [];
  const queue = [...levels];
  return {
    sent,
    report: new PlaybackReport({
      readDelayMs: () => Promise.resolve(80),
      readLevel: () => Promise.resolve(queue.shift() ?? 0),
      send: (text) => sent.push(JSON.parse(text)),
    }),
  };
}

describe("PlaybackReport", () => {
  it("reports the first sound of a reply once", async () => {
    const { sent, report: playback } = report([0, 0, 0.001, 0.2, 0.3, 0.4]);
    playback.expectReply();
    await vi.advanceTimersByTimeAsync(60);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(sent).toEqual([{ type: "audible" }]);
    playback.close();
  });

  it("gives up on a reply without sound", async () => {
    const { sent, report: playback } = report([]);
    playback.expectReply();
    await vi.advanceTimersByTimeAsync(3100);
    expect(vi.getTimerCount()).toBe(1);
    playback.close();
    expect(sent).not.toContainEqual({ type: "audible" });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("reports how long audio takes, again and again", async () => {
    const { sent, report: playback } = report([]);
    await vi.advanceTimersByTimeAsync(4100);
    expect(sent).toEqual([
      { type: "playback", delayMs: 80 },
      { type: "playback", delayMs: 80 },
    ]);
    playback.close();
  });

  it("bears a connection that is down", async () => {
    const playback = new PlaybackReport({
      readDelayMs: () => Promise.resolve(1),
      readLevel: () => Promise.resolve(1),
      send: () => {
        throw new Error("closed");
      },
    });
    playback.expectReply();
    await expect(vi.advanceTimersByTimeAsync(100)).resolves.toBeDefined();
    playback.close();
  });
});
