import { describe, expect, it } from "vitest";

import { AudioFrame } from "../media/audio-frame.ts";
import { FastRTCPause } from "./fastrtc-pause.ts";
import type { FastRTCPauseSetup } from "./fastrtc-pause.ts";
import type { VoiceActivityDetector } from "./voice-activity.ts";

const RATE = 16_000;
/** FastRTC's block. */
const BLOCK_MS = 600;

// Speech is whatever is loud: the audio itself is the script.
const loudness: VoiceActivityDetector = {
  process: (window) => (window.some((sample) => Math.abs(sample) > 0.25) ? 0.9 : 0.05),
  reset: () => undefined,
};

interface Pause {
  readonly atMs: number;
  readonly samples: Int16Array;
  readonly speechEndAgoMs: number;
}

interface Heard {
  readonly startsMs: number[];
  readonly pauses: Pause[];
  readonly detector: FastRTCPause;
  push(samples: Int16Array): void;
}

function listen(options: Partial<FastRTCPauseSetup> = {}): Heard {
  const setup = { sampleRate: RATE, channels: 1, vad: loudness, ...options } as const;
  const startsMs: number[] = [];
  const pauses: Pause[] = [];
  let nowMs = 0;
  const detector = new FastRTCPause(setup, {
    onSpeechStarted: () => startsMs.push(nowMs),
    onTurnEnded: (utterance) => pauses.push({ atMs: nowMs, ...utterance }),
  });
  return {
    startsMs,
    pauses,
    detector,
    push(samples) {
      const size = (setup.sampleRate / 50) * setup.channels;
      for (let at = 0; at < samples.length; at += size) {
        nowMs += 20;
        const part = samples.subarray(at, at + size);
        const layout = setup.channels === 2 ? "stereo" : "mono";
        detector.push(AudioFrame.from([setup.sampleRate, part, layout]));
      }
    },
  };
}

/** Silence with speech from one moment to another, and two seconds more. */
function speech(fromMs: number, toMs: number, samplesPerMs = RATE / 1000): Int16Array {
  return new Int16Array(Math.ceil((toMs + 2000) / 20) * 20 * samplesPerMs).fill(
    16_000,
    fromMs * samplesPerMs,
    toMs * samplesPerMs,
  );
}

/** What FastRTC makes of two seconds of speech that end at a moment of a block. */
function endingAt(phaseMs: number): { latencyMs: number } {
  const heard = listen();
  const endMs = 4 * BLOCK_MS + phaseMs;
  heard.push(speech(endMs - 2000, endMs));
  expect(heard.pauses).toHaveLength(1);
  return { latencyMs: heard.pauses[0]!.atMs - endMs };
}

describe("FastRTC's pauses", () => {
  it("come 0.60 to 1.18 s after the last sound, 0.89 s on average", () => {
    const latencies = Array.from({ length: 30 }, (_, i) => endingAt(20 * (i + 1)).latencyMs);
    expect(Math.min(...latencies)).toBe(600);
    expect(Math.max(...latencies)).toBe(1180);
    expect(latencies.reduce((sum, ms) => sum + ms) / latencies.length).toBe(890);
  });

  it("overlook speech that begins in the last 0.2 s of a block, and its first sounds are lost", () => {
    const losses: number[] = [];
    for (let phaseMs = 0; phaseMs < BLOCK_MS; phaseMs += 10) {
      const heard = listen();
      const onsetMs = 2 * BLOCK_MS + phaseMs;
      heard.push(speech(onsetMs, onsetMs + 2000));
      const startMs = heard.pauses[0]!.atMs - heard.pauses[0]!.samples.length / (RATE / 1000);
      losses.push(Math.max(0, startMs - onsetMs));
    }
    // A frame of 64 ms that begins after 350 ms is too late, so sound is from 384 ms on.
    expect(Math.max(...losses)).toBe(210);
    expect(losses.filter((ms) => ms > 0)).toHaveLength(21);
  });

  it("hand over whole blocks, the silent one last", () => {
    const heard = listen();
    heard.push(speech(BLOCK_MS + 100, 2 * BLOCK_MS + 300));
    expect(heard.startsMs).toEqual([2 * BLOCK_MS]);
    expect(heard.pauses.map(({ atMs }) => atMs)).toEqual([4 * BLOCK_MS]);
    const { samples, speechEndAgoMs } = heard.pauses[0]!;
    expect(samples).toEqual(
      speech(BLOCK_MS + 100, 2 * BLOCK_MS + 300).subarray(BLOCK_MS * 16, 4 * BLOCK_MS * 16),
    );
    // To within a frame of 64 ms: the speech ended 900 ms ago.
    expect(speechEndAgoMs).toBe(600 + 600 - 5 * 64);
  });

  it("cut a speaker off who pauses for 0.8 s at 70% of a block's moments", () => {
    let cuts = 0;
    for (let phaseMs = 0; phaseMs < BLOCK_MS; phaseMs += 10) {
      const heard = listen();
      const pauseMs = 2 * BLOCK_MS + phaseMs;
      const samples = speech(BLOCK_MS, pauseMs + 2000);
      heard.push(samples.fill(0, pauseMs * 16, (pauseMs + 800) * 16));
      if (heard.pauses.length > 1) cuts++;
    }
    expect(cuts / 60).toBeCloseTo(0.7, 1);
  });

  it("take a burst of 10 ms for a turn", () => {
    const heard = listen();
    heard.push(speech(BLOCK_MS + 200, BLOCK_MS + 210));
    expect(heard.pauses).toHaveLength(1);
  });

  it("never hear a word that falls into the end of a block", () => {
    const heard = listen();
    heard.push(speech(BLOCK_MS + 400, BLOCK_MS + 600));
    expect(heard.pauses).toEqual([]);
    expect(heard.startsMs).toEqual([]);
  });

  it("follow FastRTC's options", () => {
    const heard = listen({
      algoOptions: { audioChunkDuration: 0.3, maxContinuousSpeechS: 0.9 },
      modelOptions: { minSpeechDurationMs: 100 },
    });
    heard.push(speech(300, 1500));
    expect(heard.pauses.map(({ atMs }) => atMs)).toEqual([1200, 1800]);
  });

  it("count seconds of speech where a block can hold silence", () => {
    const heard = listen({
      algoOptions: { audioChunkDuration: 2, startedTalkingThreshold: 0.5 },
      modelOptions: { minSilenceDurationMs: 100, speechPadMs: 30 },
    });
    // 7 frames and the padding are 508 ms in the first block, 6 are 444 ms in the second.
    const samples = new Int16Array(8000 * 16);
    samples.fill(16_000, 640 * 16, 1088 * 16);
    heard.push(samples);
    expect(heard.startsMs).toEqual([2000]);
    const shorter = listen({
      algoOptions: { audioChunkDuration: 2, startedTalkingThreshold: 0.5 },
      modelOptions: { minSilenceDurationMs: 100, speechPadMs: 30 },
    });
    shorter.push(samples.fill(0, 1024 * 16));
    expect(shorter.startsMs).toEqual([]);
  });

  it("read stereo at other rates", () => {
    const heard = listen({ sampleRate: 48_000, channels: 2 });
    heard.push(speech(700, 1500, 96));
    expect(heard.pauses.map(({ atMs }) => atMs)).toEqual([2400]);
    expect(heard.pauses[0]!.samples).toHaveLength((2400 - 600) * 96);
  });

  it("can be asked for at once, and forgotten", () => {
    const heard = listen();
    heard.push(speech(100, 800).subarray(0, 900 * 16));
    heard.detector.endTurn();
    expect(heard.pauses[0]!.samples).toHaveLength(900 * 16);
    heard.detector.endTurn();
    expect(heard.pauses).toHaveLength(1);
    heard.push(speech(100, 800).subarray(0, 900 * 16));
    heard.detector.reset();
    expect(heard.detector.inTurn).toBe(false);
    heard.push(new Int16Array(3000 * 16));
    expect(heard.pauses).toHaveLength(1);
  });

  it("keep a session's memory bounded however long somebody speaks", () => {
    const heard = listen();
    heard.push(new Int16Array(200_000 * 16).fill(16_000));
    expect(heard.pauses.map(({ atMs }) => atMs)).toEqual([180_000]);
  });

  it("may come from a detector that restarts at each block", () => {
    let resets = 0;
    const vad = { ...loudness, reset: () => (resets += 1) };
    listen({ vad }).push(new Int16Array(3 * BLOCK_MS * 16));
    expect(resets).toBe(0);
    listen({ vad, restartsVad: true }).push(new Int16Array(3 * BLOCK_MS * 16));
    expect(resets).toBe(3);
  });

  it("refuse options that cannot work", () => {
    expect(() => listen({ modelOptions: { threshold: 2 } })).toThrow(/modelOptions.threshold/);
    expect(() => listen({ modelOptions: { speechPadMs: -1 } })).toThrow(/speechPadMs/);
    expect(() => listen({ algoOptions: { audioChunkDuration: 0 } })).toThrow(/audioChunkDuration/);
  });
});
