/**
 * What inbound ordering and outbound pacing cost.
 *
 * Run: `node --expose-gc --import tsx bench/jitter.ts [--json]`. Without `--expose-gc` it measures
 * no allocations.
 */

import { cpus } from "node:os";
import { systemClock } from "../packages/fastrtc/src/media/clock.ts";
import type { Clock } from "../packages/fastrtc/src/media/clock.ts";
import { PlayoutPacer } from "../packages/fastrtc/src/media/playout-pacer.ts";
import { JitterBuffer } from "../packages/fastrtc/src/transport/webrtc/jitter-buffer.ts";

const PACKETS = 1_000_000;
const PACERS = 200;
const PACING_MS = 5000;

interface PushCost {
  readonly nsPerPacket: number;
  readonly bytesPerPacket: number | undefined;
  readonly timersPerPacket: number;
}

/**
 * Pushes a track as fast as it goes, 20 ms of a clock apart per packet.
 *
 * @param orderOf - The sequence number of the packet that comes as the n-th.
 */
function measurePush(orderOf: (n: number) => number): PushCost {
  let nowMs = 0;
  let timers = 0;
  let due: { readonly atMs: number; readonly callback: () => void } | undefined;
  const clock: Clock = {
    now: () => nowMs,
    setTimeout: (callback, delayMs) => {
      timers++;
      const timer = { atMs: nowMs + delayMs, callback };
      due = timer;
      return {
        cancel: () => {
          if (due === timer) due = undefined;
        },
      };
    },
  };
  let chunks = 0;
  const buffer = new JitterBuffer({
    clock,
    sampleRate: 48_000,
    durationOf: () => 960,
    onChunk: () => chunks++,
  });
  const payload = new Uint8Array(80);
  const packet = {
    sequenceNumber: 0,
    timestamp: 0,
    payloadType: 111,
    ssrc: 1,
    marker: false,
    payload,
  };
  const push = (from: number, count: number): void => {
    for (let n = from; n < from + count; n++) {
      const sequence = orderOf(n);
      packet.sequenceNumber = sequence & 0xffff;
      packet.timestamp = (sequence * 960) >>> 0;
      buffer.push(packet);
      nowMs += 20;
      while (due && due.atMs <= nowMs) {
        const { callback } = due;
        due = undefined;
        callback();
      }
    }
  };
  push(0, PACKETS);
  timers = 0;
  const startNs = process.hrtime.bigint();
  push(PACKETS, PACKETS);
  const ns = Number(process.hrtime.bigint() - startNs);
  const timersPerPacket = timers / PACKETS;

  // Few enough packets that the young generation is not collected between the two readings.
  let bytesPerPacket: number | undefined;
  if (globalThis.gc) {
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    push(2 * PACKETS, 2000);
    bytesPerPacket = (process.memoryUsage().heapUsed - before) / 2000;
  }
  buffer.close();
  if (chunks < 2 * PACKETS) throw new Error("packets got lost");
  return { nsPerPacket: ns / PACKETS, bytesPerPacket, timersPerPacket };
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

/** Lets pacers run in real time, and takes what the process costs without them away. */
async function measurePacing(): Promise<Record<string, number>> {
  const frame = new Uint8Array(80);
  const latenessMs: number[] = [];
  const pacers = Array.from({ length: PACERS }, () => {
    let startMs: number | undefined;
    return new PlayoutPacer<Uint8Array>({
      clock: systemClock,
      sampleRate: 48_000,
      nextFrame: () => frame,
      send: (_frame, { timestampSamples }) => {
        const nowMs = performance.now();
        startMs ??= nowMs;
        latenessMs.push(nowMs - startMs - timestampSamples / 48);
      },
    });
  });
  const idle = process.cpuUsage();
  await sleep(PACING_MS / 5);
  const idleSpent = process.cpuUsage(idle);
  const idleUs = (idleSpent.user + idleSpent.system) * 5;
  for (const pacer of pacers) {
    await sleep(Math.random() * 5);
    pacer.start();
  }
  await sleep(1000);
  latenessMs.length = 0;
  const start = process.cpuUsage();
  const startMs = performance.now();
  await sleep(PACING_MS);
  const spent = process.cpuUsage(start);
  const wallMs = performance.now() - startMs;
  for (const pacer of pacers) pacer.stop();
  const us = spent.user + spent.system - idleUs;
  latenessMs.sort((a, b) => a - b);
  return {
    pacers: PACERS,
    framesPerSecond: (latenessMs.length / wallMs) * 1000,
    cpuPercent: us / wallMs / 10,
    cpuUsPerFrame: us / latenessMs.length,
    latenessP50Ms: latenessMs[Math.floor(latenessMs.length * 0.5)] ?? NaN,
    latenessP99Ms: latenessMs[Math.floor(latenessMs.length * 0.99)] ?? NaN,
  };
}

const results = {
  node: process.version,
  cpu: cpus()[0]?.model,
  pushClean: measurePush((n) => n),
  // Every tenth and its successor change places.
  pushReordered: measurePush((n) => (n % 10 === 1 ? n + 1 : n % 10 === 2 ? n - 1 : n)),
  pacing: await measurePacing(),
};

if (process.argv.includes("--json")) console.log(JSON.stringify(results));
else console.dir(results);
