import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { speechWindows } from "../../test/silero-reference.ts";
import { createEnergyVad } from "./energy.ts";
import { createSileroVad } from "./silero.ts";
import {
  VAD_SAMPLE_RATE,
  VAD_WINDOW_SAMPLES,
  type VoiceActivityDetector,
} from "./voice-activity.ts";

const WINDOWS_PER_SECOND = VAD_SAMPLE_RATE / VAD_WINDOW_SAMPLES;

describe("createEnergyVad", () => {
  it("agrees with Silero about a recording in a quiet room", () => {
    const silence = Array.from({ length: 30 }, () => windowAt(-70));
    const windows = [...silence, ...speechWindows("demo-nogo"), ...silence];
    const energy = createEnergyVad();
    const silero = createSileroVad();
    const agreed = windows.filter((w) => energy.process(w) > 0.5 === silero.process(w) > 0.5);
    expect(agreed.length / windows.length).toBeGreaterThan(0.9);
  });

  it("hears nothing below the minimum level", () => {
    const vad = createEnergyVad({ minLevelDb: -50 });
    hear(vad, -90, 2);
    expect(vad.process(windowAt(-51))).toBeLessThan(0.5);
    expect(vad.process(windowAt(-49))).toBeGreaterThan(0.5);
  });

  it("gives a probability of one half at the threshold above the noise", () => {
    const vad = createEnergyVad({ thresholdDb: 10 });
    hear(vad, -40, 1);
    expect(vad.process(windowAt(-30))).toBeCloseTo(0.5, 1);
  });

  it("gets used to a noise at the given rate", () => {
    const vad = createEnergyVad({ thresholdDb: 8, noiseRiseDbPerSecond: 4 });
    hear(vad, -50, 1);
    // 20 dB louder: 12 dB must be made up for, 4 a second.
    expect(hear(vad, -30, 2.8)).toBeGreaterThan(0.5);
    expect(hear(vad, -30, 0.4)).toBeLessThan(0.5);
  });

  it("hears faint speech again soon after a noise has ended", () => {
    const vad = createEnergyVad();
    hear(vad, -20, 1);
    expect(vad.process(windowAt(-35))).toBeLessThan(0.5);
    hear(vad, -60, 1);
    expect(vad.process(windowAt(-35))).toBeGreaterThan(0.5);
  });

  it("does not take noise for speech after one lost packet", () => {
    const vad = createEnergyVad();
    hear(vad, -40, 1);
    vad.process(new Float32Array(VAD_WINDOW_SAMPLES));
    expect(vad.process(windowAt(-40))).toBeLessThan(0.5);
  });

  it("ignores a constant offset", () => {
    const vad = createEnergyVad();
    hear(vad, -90, 1);
    expect(vad.process(new Float32Array(VAD_WINDOW_SAMPLES).fill(0.3))).toBeLessThan(0.01);
  });

  it("forgets the noise when it is reset", () => {
    const vad = createEnergyVad();
    hear(vad, -60, 1);
    expect(vad.process(windowAt(-30))).toBeGreaterThan(0.5);
    vad.reset();
    expect(vad.process(windowAt(-30))).toBeLessThan(0.5);
  });

  it("gives a probability and recovers, whatever the samples are", () => {
    const anyWindow = fc.float32Array({
      minLength: VAD_WINDOW_SAMPLES,
      maxLength: VAD_WINDOW_SAMPLES,
    });
    fc.assert(
      fc.property(anyWindow, (window) => {
        const vad = createEnergyVad();
        const p = vad.process(window);
        expect(p >= 0 && p <= 1).toBe(true);
        hear(vad, -60, 5);
        expect(vad.process(windowAt(-20))).toBeGreaterThan(0.5);
      }),
      { seed: 1, numRuns: 30 },
    );
  });

  it.each([{ thresholdDb: NaN }, { thresholdDb: -1 }, { minLevelDb: Infinity }])(
    "refuses %o",
    (options) => {
      expect(() => createEnergyVad(options)).toThrow(Object.keys(options)[0]);
    },
  );

  it("takes an option that is undefined for one that is not given", () => {
    // Plain JavaScript can do this, whatever the types say.
    const options = { thresholdDb: undefined } as unknown as { thresholdDb: number };
    expect(() => createEnergyVad(options)).not.toThrow();
  });
});

/** Plays a steady sound and returns the last probability. */
function hear(vad: VoiceActivityDetector, levelDb: number, seconds: number): number {
  let probability = 0;
  for (let i = 0; i < seconds * WINDOWS_PER_SECOND; i++)
    probability = vad.process(windowAt(levelDb));
  return probability;
}

/** A square wave, whose level is its amplitude. */
function windowAt(levelDb: number): Float32Array {
  const amplitude = 10 ** (levelDb / 20);
  return Float32Array.from({ length: VAD_WINDOW_SAMPLES }, (_, i) =>
    i % 16 < 8 ? amplitude : -amplitude,
  );
}
