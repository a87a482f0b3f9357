import fc from "fast-check";
import { expect, test } from "vitest";
import type { EncodedChunk } from "../../media/encoded-chunk.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { JitterBuffer } from "./jitter-buffer.ts";

const FRAME = 960;

/** What the network does to one packet. */
interface Fate {
  readonly isLost: boolean;
  readonly delayMs: number;
  /** When a second copy comes, after the first. */
  readonly copyAfterMs: number | undefined;
  /** What the sender's silence before it takes, with its timestamp going on. */
  readonly pauseMs: number;
}

interface Arrival {
  readonly atMs: number;
  readonly index: number;
}

const fate: fc.Arbitrary<Fate> = fc.record({
  isLost: fc.oneof(
    { weight: 9, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  delayMs: fc.oneof(
    { weight: 6, arbitrary: fc.double({ min: 0, max: 5, noNaN: true }) },
    { weight: 2, arbitrary: fc.double({ min: 0, max: 80, noNaN: true }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 500 }) },
  ),
  copyAfterMs: fc.oneof(
    { weight: 9, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 700 }) },
  ),
  pauseMs: fc.oneof(
    { weight: 15, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 400 }) },
  ),
});

const path = fc.record({
  fates: fc.array(fate, { minLength: 1, maxLength: 200 }),
  // Near the ends of both circles, so that most runs cross them.
  firstSequence: fc.integer({ min: 65_400, max: 65_600 }),
  firstTimestamp: fc.integer({ min: 2 ** 32 - 200 * FRAME, max: 2 ** 32 + FRAME }),
  roundTripMs: fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }),
});

interface Given {
  readonly fates: readonly Fate[];
  readonly firstSequence: number;
  readonly firstTimestamp: number;
  readonly roundTripMs: number | undefined;
}

/** Sends packets by their fates, and lets `tailMs` pass after the last of at most `most` arrivals. */
function run(given: Given, { tailMs = 1000, most = Infinity } = {}) {
  const { fates, firstSequence, firstTimestamp, roundTripMs } = given;
  const arrivals: Arrival[] = [];
  const timestamps: number[] = [];
  let sentMs = 0;
  fates.forEach(({ isLost, delayMs, copyAfterMs, pauseMs }, index) => {
    sentMs += pauseMs;
    timestamps.push(firstTimestamp + Math.round(sentMs * 48));
    const atMs = sentMs + delayMs;
    if (!isLost) arrivals.push({ atMs, index });
    if (!isLost && copyAfterMs !== undefined) arrivals.push({ atMs: atMs + copyAfterMs, index });
    sentMs += 20;
  });
  arrivals.sort((a, b) => a.atMs - b.atMs);

  const clock = new ManualClock();
  const chunks: EncodedChunk[] = [];
  const delivered = new Map<number, number>();
  const requested: number[] = [];
  const buffer = new JitterBuffer({
    clock,
    sampleRate: 48_000,
    durationOf: () => FRAME,
    onChunk: (chunk) => {
      chunks.push(chunk);
      if (!chunk.data) return;
      const index = chunk.data[0]! * 256 + chunk.data[1]!;
      if (delivered.has(index)) throw new Error(`${index} was delivered twice`);
      delivered.set(index, clock.now());
    },
    onMissing: (sequenceNumbers) => requested.push(...sequenceNumbers),
    roundTripMs: () => roundTripMs,
  });
  const payload = new Uint8Array(2);
  arrivals.length = Math.min(arrivals.length, most);
  for (const { atMs, index } of arrivals) {
    clock.advance(atMs - clock.now());
    payload.set([index >> 8, index & 255]);
    buffer.push({
      sequenceNumber: (firstSequence + index) & 0xffff,
      timestamp: timestamps[index]! >>> 0,
      payloadType: 111,
      ssrc: 5,
      marker: false,
      payload,
    });
    payload.fill(255);
    if (clock.pendingTimers !== 1) throw new Error("not exactly one timer");
  }
  clock.advance(tailMs);
  return { arrivals, chunks, delivered, requested, buffer, clock };
}

test("gives an ordered timeline without holes, whatever the network does", () => {
  fc.assert(
    fc.property(path, (given) => {
      const { chunks, delivered } = run(given);
      let end = 0;
      for (const chunk of chunks) {
        expect(chunk.timestamp).toBe(end);
        expect(chunk.durationSamples).toBeGreaterThan(0);
        end += chunk.durationSamples;
      }
      const order = [...delivered.keys()];
      expect(order).toEqual([...order].sort((a, b) => a - b));
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("delivers every packet that is in time exactly once, and accounts for all others", () => {
  fc.assert(
    fc.property(path, (given) => {
      const { arrivals, delivered, buffer } = run(given);
      const stats = buffer.stats();
      if (arrivals.length === 0) return;
      expect(stats.received).toBe(arrivals.length);
      expect(stats.received).toBe(delivered.size + stats.late + stats.duplicates);
      const order = [...delivered.keys()];
      expect(delivered.size + stats.lost).toBe(order.at(-1)! - order[0]! + 1);

      // In time is what comes before, or less than the least wait after, all its successors.
      let next = Infinity;
      const firstSuccessorMs = new Map<number, number>();
      const earliest = new Map<number, number>();
      for (const { atMs, index } of arrivals) {
        if (!earliest.has(index)) earliest.set(index, atMs);
      }
      for (let index = given.fates.length - 1; index >= 0; index--) {
        firstSuccessorMs.set(index, next);
        next = Math.min(next, earliest.get(index) ?? Infinity);
      }
      for (const [index, atMs] of earliest) {
        const isAfterFirst = index >= arrivals[0]!.index;
        if (isAfterFirst && atMs < firstSuccessorMs.get(index)! + 20) {
          expect(delivered.has(index)).toBe(true);
        }
      }
    }),
    { seed: 2, numRuns: 300 },
  );
});

test("holds no packet longer than the longest wait, and asks for none more than twice", () => {
  fc.assert(
    fc.property(path, (given) => {
      const { arrivals, delivered, requested } = run(given);
      for (const { atMs, index } of arrivals) {
        const deliveredMs = delivered.get(index);
        // A gap behind a gap is waited for from its own beginning: never longer than one wait.
        if (deliveredMs !== undefined) expect(deliveredMs).toBeLessThanOrEqual(atMs + 201);
      }
      const times = new Map<number, number>();
      for (const sequence of requested) times.set(sequence, (times.get(sequence) ?? 0) + 1);
      for (const count of times.values()) expect(count).toBeLessThanOrEqual(2);
    }),
    { seed: 3, numRuns: 300 },
  );
});

test("adds no delay and fills nothing in where packets keep their order, up to 19 ms late", () => {
  const delays = fc.array(fc.double({ min: 0, max: 19, noNaN: true }), {
    minLength: 1,
    maxLength: 300,
  });
  fc.assert(
    fc.property(delays, (delaysMs) => {
      const fates = delaysMs.map((delayMs) => {
        return { isLost: false, delayMs, copyAfterMs: undefined, pauseMs: 0 };
      });
      const given = { fates, firstSequence: 65_500, firstTimestamp: 0, roundTripMs: 50 };
      const { arrivals, delivered, buffer } = run(given, { tailMs: 0 });
      for (const { atMs, index } of arrivals) expect(delivered.get(index)).toBeCloseTo(atMs, 6);
      expect(buffer.stats()).toMatchObject({ filledMs: 0, lost: 0, late: 0, duplicates: 0 });
    }),
    { seed: 4, numRuns: 100 },
  );
});

test("never lags behind real time by more than the network's delay and the time to fill", () => {
  fc.assert(
    fc.property(path, (given) => {
      const { chunks, clock, arrivals } = run(given);
      if (arrivals.length === 0) return;
      const last = chunks.at(-1)!;
      const outMs = (last.timestamp + last.durationSamples) / 48;
      expect(outMs).toBeGreaterThan(clock.now() - arrivals[0]!.atMs - 500 - 220);
    }),
    { seed: 5, numRuns: 100 },
  );
});

test("leaves no timer and gives nothing after close, at whatever moment", () => {
  fc.assert(
    fc.property(path, fc.nat(200), fc.nat(300), (given, most, tailMs) => {
      const { buffer, clock, chunks } = run(given, { most, tailMs });
      const before = chunks.length;
      buffer.close();
      expect(clock.pendingTimers).toBe(0);
      clock.advance(10_000);
      expect(chunks).toHaveLength(before);
    }),
    { seed: 6, numRuns: 100 },
  );
});
