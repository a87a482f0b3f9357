import { describe, expect, it } from "vitest";
import {
  SMART_TURN_BANDS,
  SMART_TURN_FRAMES,
  SMART_TURN_SAMPLES,
  SmartTurnFeatures,
} from "./smart-turn-features.ts";

const tone = (hz: number, length: number): Float32Array =>
  Float32Array.from({ length }, (_, n) => 0.5 * Math.sin((2 * Math.PI * hz * n) / 16_000));

function noise(length: number): Float32Array {
  let seed = 1;
  return Float32Array.from({ length }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32 - 0.5;
  });
}

const TOLERANCE = 1e-4;

function expectClose(actual: number, expected: number, what: string): void {
  expect(Math.abs(actual - expected), `${what}: ${actual}, not ${expected}`).toBeLessThan(
    TOLERANCE,
  );
}

// Computed in numpy by the steps of the model's authors, and equal to what their code gives.
const GOLDEN: readonly {
  readonly signal: string;
  readonly audio: Float32Array;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly points: readonly (readonly [band: number, frame: number, value: number])[];
}[] = [
  {
    signal: "a tone of 1 kHz, 8 s",
    audio: tone(1000, SMART_TURN_SAMPLES),
    mean: -0.23862,
    min: -0.334576,
    max: 1.665424,
    points: [
      [0, 0, 1.02552],
      [25, 0, 1.56127],
      [24, 400, 1.36795],
      [25, 400, 1.5669],
      [26, 400, 1.66542],
      [40, 400, -0.33458],
      [25, 799, 1.569],
      [40, 799, 0.38184],
    ],
  },
  {
    signal: "a tone of 440 Hz, 1 s, which is padded at the front",
    audio: tone(440, 16_000),
    mean: -0.096046,
    min: -0.110252,
    max: 1.889748,
    points: [
      [0, 0, -0.11025],
      [25, 798, -0.11025],
      [25, 799, 0.63591],
      [40, 799, 0.367],
    ],
  },
  {
    signal: "silence, 8 s",
    audio: new Float32Array(SMART_TURN_SAMPLES),
    mean: -1.5,
    min: -1.5,
    max: -1.5,
    points: [
      [0, 0, -1.5],
      [79, 799, -1.5],
    ],
  },
  {
    signal: "noise, 9 s, whose first second is left out",
    audio: noise(144_000),
    mean: 1.112017,
    min: 0.196555,
    max: 1.369207,
    points: [
      [0, 0, 0.92381],
      [25, 1, 1.20162],
      [40, 400, 1.13573],
      [79, 799, 1.16116],
    ],
  },
];

describe("SmartTurnFeatures", () => {
  it.each(GOLDEN)("equals whisper's log-mel of $signal", ({ audio, mean, min, max, points }) => {
    const spectrogram = new SmartTurnFeatures().extract(audio);

    expect(spectrogram).toHaveLength(SMART_TURN_BANDS * SMART_TURN_FRAMES);
    const sum = spectrogram.reduce((total, value) => total + value, 0);
    expectClose(sum / spectrogram.length, mean, "mean");
    expectClose(Math.min(...spectrogram), min, "minimum");
    expectClose(Math.max(...spectrogram), max, "maximum");
    for (const [band, frame, value] of points) {
      expectClose(spectrogram[band * SMART_TURN_FRAMES + frame]!, value, `[${band},${frame}]`);
    }
  });

  it("carries nothing over from one turn to the next", () => {
    const reused = new SmartTurnFeatures();
    reused.extract(noise(144_000));

    const after = reused.extract(tone(440, 16_000)).slice();

    expect(after).toEqual(new SmartTurnFeatures().extract(tone(440, 16_000)));
  });

  it("takes an empty turn for silence", () => {
    const spectrogram = new SmartTurnFeatures().extract(new Float32Array(0));

    expect(new Set(spectrogram)).toEqual(new Set([-1.5]));
  });
});
