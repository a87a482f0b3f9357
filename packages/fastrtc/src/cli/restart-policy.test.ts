import { describe, expect, it } from "vitest";
import { RestartPolicy } from "./restart-policy.ts";
import type { WorkerEnd } from "./restart-policy.ts";

function endOf(change: Partial<WorkerEnd> = {}): WorkerEnd {
  return { slot: 1, livedMs: 10_000, failedToLoad: false, othersRunning: 1, ...change };
}

function running(): RestartPolicy {
  const policy = new RestartPolicy();
  policy.onStarted();
  return policy;
}

describe("RestartPolicy", () => {
  it("waits a second, and twice as long each time, up to thirty", () => {
    const policy = running();
    const pauses = Array.from({ length: 8 }, () => policy.decide(endOf()));
    expect(pauses).toEqual(
      [1, 2, 4, 8, 16, 30, 30, 30].map((seconds) => ({ kind: "restart", pauseMs: seconds * 1000 })),
    );
  });

  it("begins again with a second after a minute of life, and for each worker by itself", () => {
    const policy = running();
    for (let i = 0; i < 4; i++) policy.decide(endOf());
    expect(policy.decide(endOf({ slot: 2 }))).toMatchObject({ pauseMs: 1000 });
    expect(policy.decide(endOf({ livedMs: 59_999 }))).toMatchObject({ pauseMs: 16_000 });
    expect(policy.decide(endOf({ livedMs: 60_000 }))).toMatchObject({ pauseMs: 1000 });
  });

  it("gives up at once when the application has never been loaded", () => {
    const decision = new RestartPolicy().decide(
      endOf({ livedMs: 300, failedToLoad: true, othersRunning: 0 }),
    );
    expect(decision).toEqual({ kind: "give-up" });
  });

  it("does not give up on an application that has run before because it cannot be loaded now", () => {
    const decision = running().decide(
      endOf({ livedMs: 300, failedToLoad: true, othersRunning: 0 }),
    );
    expect(decision).toEqual({ kind: "restart", pauseMs: 1000 });
  });

  it("gives up after five starts in a row that failed, while none runs", () => {
    const policy = running();
    const early = endOf({ livedMs: 300, othersRunning: 0 });
    for (let i = 0; i < 4; i++) expect(policy.decide(early).kind).toBe("restart");
    expect(policy.decide(early)).toEqual({ kind: "give-up" });
  });

  it("does not give up while another worker runs, nor after one that has lived", () => {
    const policy = running();
    for (let i = 0; i < 20; i++) {
      expect(policy.decide(endOf({ livedMs: 300 })).kind).toBe("restart");
    }
    expect(policy.decide(endOf({ livedMs: 5000, othersRunning: 0 })).kind).toBe("restart");
    expect(policy.decide(endOf({ livedMs: 300, othersRunning: 0 })).kind).toBe("restart");
  });
});
