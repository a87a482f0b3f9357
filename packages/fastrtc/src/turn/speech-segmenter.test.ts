import { describe, expect, it } from "vitest";

import { SpeechSegmenter } from "./speech-segmenter.ts";
import { resolveTurnOptions } from "./turn-options.ts";
import type { TurnOptions } from "./turn-options.ts";

const WINDOW_MS = 32;

interface Heard {
  readonly events: string[];
  readonly segmenter: SpeechSegmenter;
  /** Whole windows of one probability. */
  push(probability: number, durationMs: number): Heard;
}

function listen(options: TurnOptions = {}): Heard {
  const events: string[] = [];
  const segmenter = new SpeechSegmenter(resolveTurnOptions({ minSpeechMs: 96, ...options }), {
    onSpeechWindow: (activeMs) => events.push(`window ${activeMs}`),
    onSpeechStarted: () => events.push("started"),
    onSpeechStopped: (silenceMs) => events.push(`stopped ${silenceMs}`),
    onSpeechAbandoned: () => events.push("abandoned"),
  });
  const heard: Heard = {
    events,
    segmenter,
    push(probability, durationMs) {
      for (let at = 0; at < durationMs; at += WINDOW_MS) segmenter.push(probability);
      return heard;
    },
  };
  return heard;
}

const withoutWindows = (heard: Heard): string[] =>
  heard.events.filter((event) => !event.startsWith("window"));

describe("SpeechSegmenter", () => {
  it("tells every window with speech, then that it started, then that it stopped", () => {
    const heard = listen().push(0.1, 320).push(0.9, 128);
    expect(heard.segmenter.isSpeaking).toBe(true);
    heard.push(0.1, 512);
    expect(heard.events).toEqual([
      "window 32",
      "window 64",
      "window 96",
      "started",
      "window 128",
      "stopped 224",
    ]);
    expect(heard.segmenter.isSpeaking).toBe(false);
    expect(heard.segmenter.isIdle).toBe(true);
  });

  it("takes a burst that is too short for a click", () => {
    const heard = listen().push(0.9, 64).push(0.1, 96);
    expect(heard.segmenter.isIdle).toBe(false);
    expect(heard.push(0.1, 32).events).toEqual(["window 32", "window 64", "abandoned"]);
    expect(heard.segmenter.isIdle).toBe(true);
  });

  it("does not add up clicks that stand apart", () => {
    const heard = listen();
    for (let i = 0; i < 20; i++) heard.push(0.9, 64).push(0.1, 128);
    expect(withoutWindows(heard)).toEqual(Array<string>(20).fill("abandoned"));
  });

  it("counts windows with speech only, not the gaps between them", () => {
    const heard = listen().push(0.9, 96).push(0.1, 160).push(0.9, 64);
    expect(heard.events.at(-1)).toBe("window 160");
  });

  it("keeps speech that fades above the lower threshold, once it is heard", () => {
    const heard = listen({ speechThreshold: 0.6, silenceThreshold: 0.4 });
    heard.push(0.5, 320);
    expect(heard.events).toEqual([]);
    heard.push(0.7, 32).push(0.5, 320);
    expect(heard.events.at(-1)).toBe("window 352");
  });

  it("bridges a gap that is shorter than the silence", () => {
    const heard = listen().push(0.9, 320).push(0.1, 192).push(0.9, 320).push(0.1, 224);
    expect(withoutWindows(heard)).toEqual(["started", "stopped 224"]);
  });

  it("does not begin the silence anew for a click within it", () => {
    const heard = listen({ vadStopMs: 320 }).push(0.9, 320).push(0.1, 128).push(0.9, 32);
    expect(withoutWindows(heard.push(0.1, 160))).toEqual(["started", "stopped 320"]);
    const speech = listen({ vadStopMs: 320 }).push(0.9, 320).push(0.1, 128).push(0.9, 64);
    expect(withoutWindows(speech.push(0.1, 288))).toEqual(["started"]);
  });

  it("never stops while a window holds speech", () => {
    const heard = listen().push(0.9, 320).push(0.1, 192).push(0.9, 32);
    expect(withoutWindows(heard)).toEqual(["started"]);
  });

  it("takes a probability that is not a number for silence", () => {
    const heard = listen().push(NaN, 320).push(0.9, 320).push(NaN, 224);
    expect(withoutWindows(heard)).toEqual(["started", "stopped 224"]);
  });

  it("forgets the burst when it is reset", () => {
    const heard = listen().push(0.9, 320);
    heard.segmenter.reset();
    expect(withoutWindows(heard.push(0.1, 1000))).toEqual(["started"]);
  });
});
