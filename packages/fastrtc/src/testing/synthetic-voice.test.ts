import { describe, expect, it } from "vitest";

import { AudioFrame } from "../media/audio-frame.ts";
import { createSileroVad } from "../turn/silero.ts";
import { cough, toSaying } from "./synthetic-voice.ts";

const RATE = 16_000;
const WINDOW_MS = 32;

/** When Silero hears speech, in milliseconds from the first sample, and for how long. */
function detect(samples: Int16Array): { startMs: number; endMs: number; activeMs: number } {
  const vad = createSileroVad();
  const padded = new Float32Array(samples.length + 2 * RATE);
  samples.forEach((sample, i) => (padded[RATE + i] = sample / 32_768));
  const active: number[] = [];
  let isActive = false;
  for (let at = 0; at + 512 <= padded.length; at += 512) {
    isActive = vad.process(padded.subarray(at, at + 512)) >= (isActive ? 0.35 : 0.5);
    if (isActive) active.push((1000 * (at - RATE)) / RATE);
  }
  return {
    startMs: active[0] ?? NaN,
    endMs: (active.at(-1) ?? NaN) + WINDOW_MS,
    activeMs: active.length * WINDOW_MS,
  };
}

describe("a simulated voice", () => {
  it("is as long as people need for the words", () => {
    expect(toSaying("stop", RATE).endMs).toBe(300);
    expect(toSaying("What is the weather like in Paris?", 48_000).endMs).toBe(34 * 65);
  });

  it("is heard by Silero from beginning to end, whatever it says", () => {
    for (let i = 0; i < 48; i++) {
      const text = `${"words ".repeat(1 + (i % 7))}${i}`;
      const { audio, endMs } = toSaying(text, RATE);
      const heard = detect(audio.samples);
      expect(heard.startMs, text).toBeLessThan(100);
      expect(Math.abs(heard.endMs - endMs), text).toBeLessThan(100);
      expect(heard.activeMs, text).toBeGreaterThan(heard.endMs - heard.startMs - 3 * WINDOW_MS);
    }
  });

  it("is the same each time, and another one for other words", () => {
    const samples = (text: string): Int16Array => toSaying(text, RATE).audio.samples;
    expect(samples("hello there")).toEqual(samples("hello there"));
    expect(samples("hello there")).not.toEqual(samples("hello where"));
  });

  it("goes on for as long as there are words", () => {
    const { audio } = toSaying("a long story ".repeat(40), RATE);
    expect(detect(audio.samples).activeMs).toBeGreaterThan(0.97 * audio.durationMs);
  });
});

describe("a cough", () => {
  it("is enough to silence a reply, and too little to end it", () => {
    const { activeMs } = detect(cough(300, RATE).audio.samples);
    expect(activeMs).toBeGreaterThan(192);
    expect(activeMs).toBeLessThan(352);
  });
});

describe("a recording", () => {
  const sound = new Int16Array(RATE).fill(8000, 4000, 12_000);

  it("is said from its first sound to its last", () => {
    expect(toSaying([RATE, sound], RATE)).toMatchObject({ onsetMs: 250, endMs: 750 });
    const frame = new AudioFrame({ samples: sound, sampleRate: RATE });
    expect(toSaying(frame.toWav(), RATE)).toMatchObject({ onsetMs: 250, endMs: 750 });
    const fixture = { name: "yes", samples: sound, sampleRate: RATE };
    expect(toSaying(fixture, RATE)).toMatchObject({ label: "yes", onsetMs: 250 });
  });

  it("is refused when it is silent", () => {
    expect(() => toSaying([RATE, new Int16Array(100)], RATE)).toThrow(/a sound in it/);
  });
});
