import { expect, test } from "vitest";
import { AudioFrame } from "../media/audio-frame.ts";
import type { EncodedChunk } from "../media/encoded-chunk.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { MemoryTransport } from "../testing/memory-transport.ts";
import { fitTone, tone } from "../testing/synthetic-audio.ts";
import { Outbound } from "./outbound.ts";

const FORMAT = { codec: "pcm16", sampleRate: 48_000, channels: 1 } as const;

interface SentChunk {
  readonly atMs: number;
  readonly timestampMs: number;
  readonly isSilent: boolean;
}

interface Harness {
  readonly clock: ManualClock;
  readonly outbound: Outbound;
  readonly transport: MemoryTransport;
  readonly sent: SentChunk[];
}

function setUp(sampleRate = 24_000): Harness {
  const clock = new ManualClock();
  const transport = new MemoryTransport();
  const sent: SentChunk[] = [];
  const send = transport.sendAudio.bind(transport);
  transport.sendAudio = (chunk: EncodedChunk) => {
    send(chunk);
    sent.push({
      atMs: clock.now(),
      timestampMs: chunk.timestamp / 48,
      isSilent: chunk.data?.every((byte) => byte === 0) ?? true,
    });
  };
  const outbound = new Outbound({
    transport,
    format: FORMAT,
    sampleRate,
    channels: 1,
    encoder: {},
    clock,
  });
  return { clock, outbound, transport, sent };
}

function sound(durationMs: number, sampleRate = 24_000, frequencyHz = 440): AudioFrame {
  const count = (durationMs * sampleRate) / 1000;
  return AudioFrame.fromFloat32(tone(frequencyHz, sampleRate, count), sampleRate);
}

test("puts no silence in the place of a live frame that is late", () => {
  const { clock, outbound, sent } = setUp();
  // A source that is 19 ms late once, and then on time again.
  for (const gapMs of [20, 20, 39, 1, 20]) {
    void outbound.write(sound(20));
    clock.advance(gapMs);
  }
  expect(sent.map(({ timestampMs }) => timestampMs)).toEqual([0, 20, 40, 60, 80]);
  expect(sent.map(({ atMs }) => atMs)).toEqual([0, 20, 40, 79, 80]);
  expect(sent.some(({ isSilent }) => isSilent)).toBe(false);
});

test("sends a live source's frames as they come, and holds one timer for it", () => {
  const { clock, outbound, sent } = setUp();
  for (let i = 0; i < 10; i++) {
    void outbound.write(sound(20));
    expect(sent).toHaveLength(i + 1);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(20);
  }
});

test("follows a source that falls silent with five silent frames, and then with nothing", () => {
  const { clock, outbound, sent } = setUp(48_000);
  void outbound.write(sound(20, 48_000));
  clock.advance(39);
  expect(sent).toHaveLength(1);
  clock.advance(1000);
  expect(sent.map(({ isSilent }) => isSilent)).toEqual([false, true, true, true, true, true]);
  expect(clock.pendingTimers).toBe(0);
});

test("follows what was flushed with silence at once", () => {
  const { clock, outbound, sent } = setUp();
  void outbound.write(sound(30));
  outbound.flush();
  clock.advance(60);
  expect(sent.map(({ atMs }) => atMs)).toEqual([0, 20, 40, 60]);
  expect(sent.map(({ isSilent }) => isSilent)).toEqual([false, false, true, true]);
});

test("encodes sound of a higher rate than the handler's with its highs", () => {
  const { clock, outbound, transport } = setUp(24_000);
  void outbound.write(sound(400, 48_000, 15_000));
  clock.advance(400);
  expect(fitTone(transport.heard.slice(0, 9600), 15_000, 48_000).signalToNoiseDb).toBeGreaterThan(
    60,
  );
});

test("converts what follows to the rate that is encoded at", () => {
  const { clock, outbound, transport } = setUp(24_000);
  void outbound.write(sound(200, 48_000));
  clock.advance(200);
  void outbound.write(sound(400, 16_000));
  outbound.flush();
  clock.advance(500);
  const converted = transport.heard.slice(14_400, 24_000);
  expect(fitTone(converted, 440, 48_000).signalToNoiseDb).toBeGreaterThan(60);
});

test("takes sound of any rate while other sound waits", () => {
  const { clock, outbound, transport } = setUp(24_000);
  void outbound.write(sound(200, 24_000));
  void outbound.write(sound(200, 48_000));
  outbound.flush();
  clock.advance(500);
  expect(
    fitTone(transport.heard.slice(10_560, 18_240), 440, 48_000).signalToNoiseDb,
  ).toBeGreaterThan(60);
});
