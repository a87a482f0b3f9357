/**
 * What 20 ms of sound cost to encode, decode and resample, and what each encoder setting loses.
 *
 *   tsx bench/codec.ts          tables
 *   tsx bench/codec.ts --json   one JSON object
 *
 * Microseconds of CPU time of the whole process, mono, 32 kbit/s, least of some passes over 8 s of
 * synthetic speech. `distanceDb` compares settings: how far the decoded sound's spectrum is from the
 * original's, the mean over frames and bands of speech; lower is nearer. A full-duplex session of
 * 20 ms packets spends 50 times one encode and one decode a second.
 */

import { createOpusDecoder } from "../packages/fastrtc/src/codec/opus-decoder.ts";
import { createOpusEncoder } from "../packages/fastrtc/src/codec/opus-encoder.ts";
import type { OpusImplementation } from "../packages/fastrtc/src/codec/opus-encoder-engine.ts";
import { StreamingResampler } from "../packages/fastrtc/src/media/resampler.ts";
import { speechLike } from "../packages/fastrtc/src/testing/synthetic-audio.ts";

const DURATION_MS = 8000;
const FRAMES = DURATION_MS / 20;
const PASSES = 4;
// libopus looks ahead this far when it may choose its modes.
const ENCODER_DELAY_MS = 6.5;

const RATES = [16_000, 24_000, 48_000] as const;
// From complexity 7 on libopus listens for music, takes our synthetic voice for it, and does less.
const VOICE = { signal: "voice" } as const;
const IMPLEMENTATIONS: readonly OpusImplementation[] = ["native", "wasm"];
const COMPLEXITIES = [0, 2, 3, 5, 9] as const;
const RATE_PAIRS = [
  [48_000, 16_000],
  [24_000, 48_000],
  [24_000, 16_000],
  [16_000, 48_000],
  [8000, 16_000],
  [44_100, 48_000],
] as const;

type Rate = (typeof RATES)[number];

const speech = new Map(RATES.map((rate) => [rate, speechLike(rate, DURATION_MS)]));

const result = {
  encode: RATES.flatMap((sampleRate) =>
    COMPLEXITIES.map((complexity) => ({
      sampleRate,
      complexity,
      ...encodeRow(sampleRate, complexity),
    })),
  ),
  decode: RATES.map((sampleRate) => ({ sampleRate, ...decodeRow(sampleRate) })),
  resample: RATE_PAIRS.map(([inputRate, outputRate]) => ({
    inputRate,
    outputRate,
    toInt16Us: resampleUs(inputRate, outputRate, "process"),
    toFloat32Us: resampleUs(inputRate, outputRate, "processToFloat32"),
  })),
};

if (process.argv.includes("--json")) {
  console.log(JSON.stringify(result));
} else {
  for (const [title, rows] of Object.entries(result)) {
    console.log(title);
    console.table(rows);
  }
}

function encodeRow(sampleRate: Rate, complexity: number): Record<string, number> {
  const row: Record<string, number> = {};
  for (const implementation of IMPLEMENTATIONS) {
    const encoder = createOpusEncoder({ ...VOICE, sampleRate, complexity, implementation });
    row[`${implementation}Us`] = cpuUsPerFrame(() => {
      for (const frame of framesOf(sampleRate)) encoder.encode(frame);
    });
    encoder.free();
  }
  const packets = encodeAll(sampleRate, complexity);
  const bytes = packets.reduce((sum, packet) => sum + packet.length, 0);
  row["bitrateBps"] = Math.round((bytes * 8 * 1000) / DURATION_MS);
  row["distanceDb"] = round(spectralDistanceDb(sampleRate, decodeAll(sampleRate, packets)));
  return row;
}

function decodeRow(sampleRate: Rate): Record<string, number> {
  const packets = encodeAll(sampleRate, 5, 20);
  const gap = sampleRate / 50;
  const decoder = createOpusDecoder({ sampleRate });
  const row = {
    decodeUs: cpuUsPerFrame(() => {
      for (const packet of packets) decoder.decode(packet);
    }),
    // Each second packet: a gap after a good packet is what happens.
    decodeAndConcealUs: cpuUsPerFrame(() => {
      packets.forEach((packet, i) => (i % 2 ? decoder.conceal(gap) : decoder.decode(packet)));
    }),
    decodeAndFecUs: cpuUsPerFrame(() => {
      packets.forEach((packet, i) =>
        i % 2 ? decoder.conceal(gap, packets[i + 1]) : decoder.decode(packet),
      );
    }),
  };
  decoder.free();
  return row;
}

function resampleUs(
  inputRate: number,
  outputRate: number,
  method: "process" | "processToFloat32",
): number {
  const resampler = new StreamingResampler(inputRate, outputRate);
  const frame = speechLike(inputRate, 20);
  return cpuUsPerFrame(() => {
    for (let i = 0; i < FRAMES; i++) resampler[method](frame);
  });
}

function encodeAll(sampleRate: Rate, complexity: number, packetLossPercent = 0): Uint8Array[] {
  const encoder = createOpusEncoder({ ...VOICE, sampleRate, complexity, packetLossPercent });
  const packets = framesOf(sampleRate).map((frame) => encoder.encode(frame));
  encoder.free();
  return packets;
}

function decodeAll(sampleRate: Rate, packets: readonly Uint8Array[]): Int16Array {
  const decoder = createOpusDecoder({ sampleRate });
  const samples = new Int16Array((DURATION_MS / 1000) * sampleRate);
  packets.forEach((packet, i) => {
    samples.set(decoder.decode(packet), (i * sampleRate) / 50);
  });
  decoder.free();
  return samples;
}

function framesOf(sampleRate: Rate): Int16Array[] {
  const samples = speech.get(sampleRate) ?? new Int16Array(0);
  const size = sampleRate / 50;
  return Array.from({ length: FRAMES }, (_, i) => samples.subarray(i * size, (i + 1) * size));
}

/** Returns the least CPU time of the passes, after one to warm up, for each of its frames. */
function cpuUsPerFrame(pass: () => void): number {
  pass();
  let least = Infinity;
  for (let i = 0; i < PASSES; i++) {
    const before = process.cpuUsage();
    pass();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, user + system);
  }
  return round(least / FRAMES);
}

function spectralDistanceDb(sampleRate: Rate, decoded: Int16Array): number {
  const original = speech.get(sampleRate) ?? new Int16Array(0);
  const delay = (ENCODER_DELAY_MS * sampleRate) / 1000;
  const size = sampleRate === 48_000 ? 1024 : 512;
  let sum = 0;
  let count = 0;
  for (let at = 0; at + size + delay < original.length; at += size / 2) {
    const expected = bandLevelsDb(original, at, size, sampleRate);
    if (Math.max(...expected) < 60) continue;
    const actual = bandLevelsDb(decoded, at + delay, size, sampleRate);
    // Bands 50 dB below the loudest are masked or silent.
    const floor = Math.max(...expected) - 50;
    expected.forEach((level, band) => {
      sum += Math.abs(Math.max(level, floor) - Math.max(actual[band] ?? 0, floor));
      count++;
    });
  }
  return sum / count;
}

/** Returns the power in bands of a third of an octave or 200 Hz, whichever is wider. */
function bandLevelsDb(samples: Int16Array, at: number, size: number, sampleRate: number): number[] {
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    real[i] = (samples[at + i] ?? 0) * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
  }
  fourier(real, imaginary);
  const levels: number[] = [];
  // Above 8 kHz synthetic speech is mere hiss.
  for (let low = 100; low < 8000 && low < sampleRate / 2;) {
    const high = Math.max(low + 200, low * 1.26);
    let power = 1;
    for (let k = Math.ceil((low * size) / sampleRate); k < (high * size) / sampleRate; k++) {
      power += ((real[k] ?? 0) ** 2 + (imaginary[k] ?? 0) ** 2) / size;
    }
    levels.push(10 * Math.log10(power));
    low = high;
  }
  return levels;
}

/** Transforms in place; the length is a power of two. */
function fourier(real: Float64Array, imaginary: Float64Array): void {
  const size = real.length;
  if (size === 1) return;
  const half = size / 2;
  const part = (offset: number): [Float64Array, Float64Array] => [
    real.filter((_, i) => i % 2 === offset),
    imaginary.filter((_, i) => i % 2 === offset),
  ];
  const [evenReal, evenImaginary] = part(0);
  const [oddReal, oddImaginary] = part(1);
  fourier(evenReal, evenImaginary);
  fourier(oddReal, oddImaginary);
  for (let k = 0; k < half; k++) {
    const cos = Math.cos((2 * Math.PI * k) / size);
    const sin = -Math.sin((2 * Math.PI * k) / size);
    const turnedReal = (oddReal[k] ?? 0) * cos - (oddImaginary[k] ?? 0) * sin;
    const turnedImaginary = (oddReal[k] ?? 0) * sin + (oddImaginary[k] ?? 0) * cos;
    real[k] = (evenReal[k] ?? 0) + turnedReal;
    imaginary[k] = (evenImaginary[k] ?? 0) + turnedImaginary;
    real[k + half] = (evenReal[k] ?? 0) - turnedReal;
    imaginary[k + half] = (evenImaginary[k] ?? 0) - turnedImaginary;
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
