import { describe, expect, it } from "vitest";

import { turnSteps } from "./trace-view.ts";

describe("turnSteps", () => {
  it("cuts a turn into steps from the end of the speech on", () => {
    const steps = turnSteps({
      index: 1,
      speechEndedAt: 1000,
      endedAt: 1640,
      replyStartedAt: 1640,
      firstFrameAt: 1900,
      firstPacketAt: 1901,
      firstAudibleAt: 1960,
    });
    expect(steps.map(({ startMs, durationMs }) => [startMs, durationMs])).toEqual([
      [0, 640],
      [640, 260],
      [900, 1],
      [901, 59],
    ]);
  });

  it("leaves out what is not known, and everything of a reply to nobody", () => {
    expect(turnSteps({ index: 1, speechEndedAt: 0, endedAt: 5 })).toHaveLength(1);
    expect(turnSteps({ index: 0, firstFrameAt: 1, firstPacketAt: 2 })).toEqual([]);
  });
});
