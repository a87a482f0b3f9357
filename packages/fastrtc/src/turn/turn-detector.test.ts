import { describe, expect, it } from "vitest";

import { AudioFrame } from "../media/audio-frame.ts";
import { TurnDetector } from "./turn-detector.ts";
import type { Utterance } from "./turn-detector.ts";
import { resolveTurnOptions } from "./turn-options.ts";
import type { TurnOptions } from "./turn-options.ts";
import type { VoiceActivityDetector } from "./voice-activity.ts";

const RATE = 16_000;

// Speech is whatever is loud: the audio itself is the script.
const loudness: VoiceActivityDetector = {
  process: (window) => (window.some((sample) => Math.abs(sample) > 0.25) ? 0.9 : 0.05),
  reset: () => undefined,
};

interface Heard {
  readonly events: string[];
  readonly utterances: Utterance[];
  say(...parts: readonly (readonly [durationMs: number, isSpeech: boolean])[]): void;
  readonly detector: TurnDetector;
}

function listen(options: TurnOptions = {}, sampleRate = RATE): Heard {
  const events: string[] = [];
  const utterances: Utterance[] = [];
  let nowMs = 0;
  const note = (event: string): void => void events.push(`${Math.round(nowMs)} ${event}`);
  const detector = new TurnDetector(
    { sampleRate, channels: 1 },
    loudness,
    resolveTurnOptions(options),
    {
      onSpeechStarted: () => note("started"),
      onBargeIn: () => note("barge-in"),
      onTurnEnded: (utterance) => {
        note("ended");
        utterances.push(utterance);
      },
    },
  );
  return {
    events,
    utterances,
    detector,
    say(...parts) {
      for (const [durationMs, isSpeech] of parts) {
        for (let at = 0; at < durationMs; at += 20) {
          const length = (Math.min(20, durationMs - at) * sampleRate) / 1000;
          const samples = new Int16Array(length).fill(isSpeech ? 16_000 : 10);
          nowMs += (1000 * length) / sampleRate;
          detector.push(AudioFrame.from([sampleRate, samples]));
        }
      }
    },
  };
}

const kinds = (heard: Heard): string[] => heard.events.map((event) => event.split(" ")[1]!);
const timeOf = (heard: Heard, kind: string): number =>
  Number(heard.events.find((event) => event.endsWith(kind))?.split(" ")[0]);

describe("TurnDetector", () => {
  it("begins a turn while the user still speaks, and ends it after the silence", () => {
    const heard = listen({ minSilenceMs: 600 });
    heard.say([1000, false], [1500, true], [1500, false]);
    expect(kinds(heard)).toEqual(["started", "barge-in", "ended"]);
    expect(timeOf(heard, "started")).toBeLessThanOrEqual(1000 + 96 + 52);
    expect(timeOf(heard, "ended")).toBeGreaterThanOrEqual(2500 + 560);
    expect(timeOf(heard, "ended")).toBeLessThanOrEqual(2500 + 600 + 52);
  });

  it("says how long ago the speech began and ended", () => {
    const heard = listen();
    heard.say([1000, false], [1500, true], [1500, false]);
    const [utterance] = heard.utterances;
    const endedAt = timeOf(heard, "ended");
    expect(Math.abs(endedAt - utterance!.speechStartAgoMs - 1000)).toBeLessThanOrEqual(52);
    expect(Math.abs(endedAt - utterance!.speechEndAgoMs - 2500)).toBeLessThanOrEqual(52);
  });

  it("keeps the first sound: the pre-roll stands before the speech", () => {
    const heard = listen({ preRollMs: 500 });
    heard.say([2000, false], [1000, true], [1000, false]);
    const { samples } = heard.utterances[0]!;
    const firstLoud = samples.findIndex((sample) => sample > 1000);
    const loud = samples.filter((sample) => sample > 1000).length;
    expect(loud).toBe(RATE);
    expect((firstLoud * 1000) / RATE).toBeGreaterThan(300);
    expect((firstLoud * 1000) / RATE).toBeLessThanOrEqual(500);
  });

  it("never ends a turn that has not begun", () => {
    const heard = listen();
    heard.say([5000, false]);
    heard.detector.endTurn();
    expect(heard.events).toEqual([]);
  });

  it("does not take a click for a turn, nor many clicks that stand apart", () => {
    const heard = listen();
    for (let i = 0; i < 20; i++) heard.say([30, true], [400, false]);
    expect(heard.events).toEqual([]);
  });

  it("bridges a pause that is shorter than the silence", () => {
    const heard = listen({ minSilenceMs: 600 });
    heard.say([800, true], [500, false], [800, true], [1000, false]);
    expect(kinds(heard)).toEqual(["started", "barge-in", "ended"]);
  });

  it("ends a turn in spite of a click within the silence", () => {
    const heard = listen({ minSilenceMs: 600, silenceToleranceMs: 64 });
    heard.say([1000, true], [300, false], [20, true], [350, false]);
    expect(kinds(heard)).toContain("ended");
  });

  it("answers one short word", () => {
    const heard = listen();
    heard.say([1000, false], [120, true], [1000, false]);
    expect(kinds(heard)).toEqual(["started", "ended"]);
  });

  it("counts speech, not time, towards a barge-in", () => {
    const heard = listen({ bargeInMs: 192 });
    heard.say([100, true], [450, false], [20, true], [1000, false]);
    expect(kinds(heard)).toEqual(["started", "ended"]);
  });

  it("ends a turn that is too long, and begins the next at once", () => {
    const heard = listen({ maxTurnMs: 2000, preRollMs: 100 });
    heard.say([5000, true], [1000, false]);
    expect(kinds(heard).filter((kind) => kind === "ended").length).toBe(3);
    for (const { samples } of heard.utterances) {
      expect(samples.length).toBeLessThanOrEqual((2001 * RATE) / 1000);
    }
  });

  it("hands over what was said when it is told to end the turn", () => {
    const heard = listen();
    heard.say([1000, true]);
    heard.detector.endTurn();
    expect(heard.utterances).toHaveLength(1);
    expect(heard.detector.inTurn).toBe(false);
  });

  it("forgets everything when it is reset", () => {
    const heard = listen();
    heard.say([1000, true]);
    heard.detector.reset();
    heard.say([2000, false]);
    expect(kinds(heard)).toEqual(["started", "barge-in"]);
  });

  it("finds the same turns at 48 kHz, and hands over audio at 48 kHz", () => {
    const heard = listen({}, 48_000);
    heard.say([1000, false], [1000, true], [1000, false]);
    expect(kinds(heard)).toEqual(["started", "barge-in", "ended"]);
    const loud = heard.utterances[0]!.samples.filter((sample) => sample > 1000).length;
    expect(loud).toBe(48_000);
  });
});
