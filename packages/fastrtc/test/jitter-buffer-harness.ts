import { expect } from "vitest";
import type { EncodedChunk } from "../src/media/encoded-chunk.ts";
import { ManualClock } from "../src/testing/manual-clock.ts";
import { JitterBuffer } from "../src/transport/webrtc/jitter-buffer.ts";
import type { JitterBufferOptions } from "../src/transport/webrtc/jitter-buffer.ts";

// Packets of these tests: two bytes with a name, one with the length in units of 2.5 ms.
/** Samples in 20 ms at 48 kHz. */
export const FRAME = 960;

/** What came out, in short: `7` a packet, `?` concealed, `?<8` with the help of packet 8, `_` silence. */
function brief(chunks: readonly EncodedChunk[]): string {
  return chunks
    .map(({ data, fecData, silence }) => {
      if (data) return String(nameOf(data));
      if (fecData) return `?<${nameOf(fecData)}`;
      return silence ? "_" : "?";
    })
    .join(" ");
}

/** The name of the packet that a payload came with. */
export function nameOf(payload: Uint8Array): number {
  return (payload[0] ?? 0) * 256 + (payload[1] ?? 0);
}

/** A buffer over a clock that stands at 5,000 ms, and what came out of it. */
export function setUp(options: Partial<JitterBufferOptions> = {}) {
  const clock = new ManualClock(5000);
  const chunks: EncodedChunk[] = [];
  const times: number[] = [];
  const buffer = new JitterBuffer({
    clock,
    sampleRate: 48_000,
    durationOf: (payload) => (payload[2] ?? 0) * 120,
    onChunk: (chunk) => {
      chunks.push({
        ...chunk,
        data: chunk.data?.slice(),
        ...(chunk.fecData && { fecData: chunk.fecData.slice() }),
      });
      times.push(clock.now() - 5000);
    },
    ...options,
  });
  // One memory for all payloads: what the buffer does not copy is overwritten by the next.
  const shared = new Uint8Array(3);
  const push = (
    sequence: number,
    {
      timestamp = sequence * FRAME,
      ms = 20,
      ssrc = 1,
      name = sequence,
      empty = false,
    }: { timestamp?: number; ms?: number; ssrc?: number; name?: number; empty?: boolean } = {},
  ): void => {
    shared.set([(name >> 8) & 255, name & 255, ms / 2.5]);
    buffer.push({
      sequenceNumber: sequence & 0xffff,
      timestamp: timestamp >>> 0,
      payloadType: 111,
      ssrc,
      marker: false,
      payload: empty ? shared.subarray(0, 0) : shared,
    });
    shared.fill(255);
  };
  /** Pushes packets one by one, each followed by its time. */
  const stream = (from: number, to: number): void => {
    for (let sequence = from; sequence <= to; sequence++) {
      push(sequence);
      clock.advance(20);
    }
  };
  const out = (): string => brief(chunks);
  return { clock, chunks, times, buffer, push, stream, out };
}

/** Fails unless each chunk begins where the one before it ended. */
export function expectNoHoles(chunks: readonly EncodedChunk[]): void {
  let end = 0;
  for (const chunk of chunks) {
    expect(chunk.timestamp).toBe(end);
    end += chunk.durationSamples;
  }
}
