import { AudioFrame } from "fastrtc";
import { expect, it } from "vitest";
import { tone, toneShares } from "./tone.ts";

it("finds a tone and not its neighbours, whatever pauses there are", () => {
  const sound = AudioFrame.concat([
    tone(500, 430),
    AudioFrame.silence(900, 48_000),
    tone(500, 410),
  ]);
  const [below, at, above] = toneShares(sound, [400, 500, 600]) as [number, number, number];
  expect(at).toBeGreaterThan(0.95);
  expect(below).toBeLessThan(0.01);
  expect(above).toBeLessThan(0.01);
});

it("finds both of two tones, and none in silence", () => {
  const [a, b] = [tone(500, 500), tone(700, 500)];
  const mixed = new AudioFrame({
    samples: a.samples.map((value, i) => (value + b.samples[i]!) / 2),
    sampleRate: 48_000,
  });
  for (const share of toneShares(mixed, [500, 700])) expect(share).toBeCloseTo(0.5, 1);
  expect(toneShares(AudioFrame.silence(500, 48_000), [500])).toEqual([0]);
});
