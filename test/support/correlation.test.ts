import { AudioFrame } from "fastrtc";
import { describe, expect, it } from "vitest";
import { similarity } from "./correlation.ts";
import { spokenSentences, withSilence } from "./spoken-sentences.ts";

const sentences = spokenSentences(8);
const [spoken, other] = sentences as [AudioFrame, AudioFrame];

function changed(frame: AudioFrame, change: (value: number, index: number) => number): AudioFrame {
  return new AudioFrame({ samples: frame.samples.map(change), sampleRate: frame.sampleRate });
}

describe("similarity", () => {
  it("is near 1 for the same sound, whenever and however loud it is heard", () => {
    const heard = withSilence(
      changed(spoken, (value) => value / 5),
      1234,
      777,
    );
    expect(similarity(spoken, heard)).toBeGreaterThan(0.99);
  });

  it("bears a jitter buffer that leaves out 15 ms here and repeats 20 ms there", () => {
    const heard = AudioFrame.concat([
      spoken.slice(0, 500),
      spoken.slice(515, 1200),
      spoken.slice(1180),
    ]);
    expect(similarity(spoken, heard)).toBeGreaterThan(0.8);
  });

  it("is low for every other sentence of the same voice", () => {
    const others = sentences.flatMap((a) =>
      sentences.filter((b) => b !== a).map((b) => similarity(a, withSilence(b, 300, 300))),
    );
    expect(Math.max(...others)).toBeLessThan(0.55);
  });

  it("is low for noise and nothing for silence", () => {
    let state = 1;
    const noise = changed(other, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return (state >>> 18) - 8192;
    });
    expect(similarity(spoken, noise)).toBeLessThan(0.3);
    expect(similarity(spoken, AudioFrame.silence(3000, 48_000))).toBe(0);
  });
});
