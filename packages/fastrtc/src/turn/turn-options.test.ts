import { describe, expect, it } from "vitest";

import { InvalidOptionError } from "../errors.ts";
import { resolveTurnOptions } from "./turn-options.ts";

describe("resolveTurnOptions", () => {
  it("reads FastRTC's options in seconds, and lets ours win", () => {
    const algo = { audioChunkDuration: 0.8, startedTalkingThreshold: 0.2, speechThreshold: 0.1 };
    expect(resolveTurnOptions({}, { ...algo, maxContinuousSpeechS: 30 })).toMatchObject({
      minSilenceMs: 800,
      minSpeechMs: 200,
      silenceToleranceMs: 100,
      maxTurnMs: 30_000,
    });
    expect(resolveTurnOptions({ minSilenceMs: 300 }, algo).minSilenceMs).toBe(300);
  });

  it("keeps the two thresholds apart by default", () => {
    expect(resolveTurnOptions({ speechThreshold: 0.7 }).silenceThreshold).toBeCloseTo(0.55);
    expect(resolveTurnOptions({ speechThreshold: 0.1 }).silenceThreshold).toBe(0.01);
  });

  it.each([
    ["turn.minSilenceMs", { minSilenceMs: 0 }],
    ["turn.minSpeechMs", { minSpeechMs: NaN }],
    ["turn.preRollMs", { preRollMs: -1 }],
    ["turn.speechThreshold", { speechThreshold: 1.5 }],
    ["turn.silenceThreshold", { speechThreshold: 0.4, silenceThreshold: 0.5 }],
  ])("refuses a bad %s by name", (option, options) => {
    expect(() => resolveTurnOptions(options)).toThrow(InvalidOptionError);
    expect(() => resolveTurnOptions(options)).toThrow(option);
  });
});
