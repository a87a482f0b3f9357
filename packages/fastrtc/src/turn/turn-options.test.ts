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

  it("derives what depends on the silence", () => {
    expect(resolveTurnOptions()).toMatchObject({ vadStopMs: 200, eagerSilenceMs: 325 });
    expect(resolveTurnOptions({ minSilenceMs: 100 })).toMatchObject({
      vadStopMs: 100,
      eagerSilenceMs: 50,
    });
  });

  it("fills in what is missing of endpointing, and learns only where it is asked to", () => {
    expect(resolveTurnOptions({ endpointing: { threshold: 0.7 } }).endpointing).toEqual({
      threshold: 0.7,
      minDelayMs: 300,
      maxDelayMs: 2000,
      timeoutMs: 1000,
    });
    expect(resolveTurnOptions().adaptive).toBeUndefined();
    expect(resolveTurnOptions({ adaptive: false }).adaptive).toBeUndefined();
    expect(resolveTurnOptions({ adaptive: true }).adaptive).toEqual({});
    expect(resolveTurnOptions({ adaptive: { factor: 2 } }).adaptive).toEqual({ factor: 2 });
  });

  it.each([
    ["turn.endpointing.threshold", { endpointing: { threshold: 2 } }],
    ["turn.endpointing.timeoutMs", { endpointing: { timeoutMs: 0 } }],
    ["turn.endpointing.maxDelayMs", { endpointing: { minDelayMs: 500, maxDelayMs: 400 } }],
    ["turn.interruptMs", { interruptMs: 100 }],
    ["turn.minWords", { minWords: 1.5 }],
    ["adaptive.factor", { adaptive: { factor: -1 } }],
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
