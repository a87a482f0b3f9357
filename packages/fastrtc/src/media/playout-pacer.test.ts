import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidOptionError } from "../errors.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { Clock } from "./clock.ts";
import { PlayoutPacer } from "./playout-pacer.ts";
import type { PlayoutPacerOptions } from "./playout-pacer.ts";

interface Sent {
  readonly atMs: number;
  readonly frame: number;
  /** The timestamp in frames. */
  readonly index: number;
  readonly first: boolean;
}

/** A pacer of 20 ms frames whose owner keeps them in a list. */
function setUp(
  options: Partial<PlayoutPacerOptions<number>> = {},
  time: ManualClock = new ManualClock(1000),
) {
  const frames: number[] = [];
  const sent: Sent[] = [];
  const pacer = new PlayoutPacer<number>({
    clock: time,
    sampleRate: 48_000,
    nextFrame: () => frames.shift(),
    send: (frame, { timestampSamples, first }) =>
      sent.push({ atMs: time.now() - 1000, frame, index: timestampSamples / 960, first }),
    ...options,
  });
  let made = 0;
  const put = (count = 1): void => {
    for (let i = 0; i < count; i++) frames.push(made++);
    pacer.wake();
  };
  return { time, frames, sent, pacer, put };
}

const times = (sent: readonly Sent[]): number[] => sent.map(({ atMs }) => atMs);
const indexes = (sent: readonly Sent[]): number[] => sent.map(({ index }) => index);

/** Fires every timer late, as an event loop does. */
function lateClock(time: ManualClock, latenessMs: () => number): Clock {
  return {
    now: () => time.now(),
    setTimeout: (callback, delayMs) => time.setTimeout(callback, delayMs + latenessMs()),
  };
}

test("sends the first frame at once and the others one frame's time apart", () => {
  const { time, sent, pacer, put } = setUp();
  pacer.start();
  time.advance(7);
  put(3);
  expect(times(sent)).toEqual([7]);
  time.advance(100);
  expect(times(sent)).toEqual([7, 27, 47]);
  expect(indexes(sent)).toEqual([0, 1, 2]);
  expect(sent.map(({ first }) => first)).toEqual([true, false, false]);
});

test("holds no timer while there is nothing to send", () => {
  const { time, pacer, put } = setUp();
  pacer.start();
  expect(time.pendingTimers).toBe(0);
  put();
  expect(pacer.isActive).toBe(true);
  time.advance(20);
  expect(pacer.isActive).toBe(false);
  expect(time.pendingTimers).toBe(0);
});

test("sends nothing before start, and what waits at start", () => {
  const { sent, pacer, put } = setUp();
  put();
  expect(sent).toEqual([]);
  pacer.start();
  expect(sent).toHaveLength(1);
});

test("sends nothing after stop, and no faster when it is started again at once", () => {
  const { time, sent, pacer, put } = setUp();
  pacer.start();
  put(10);
  time.advance(5);
  pacer.stop();
  expect(time.pendingTimers).toBe(0);
  pacer.start();
  time.advance(20);
  expect(times(sent)).toEqual([0, 20]);
  pacer.stop();
  time.advance(1000);
  expect(sent).toHaveLength(2);
});

test("can be stopped by the one it sends to", () => {
  const { time, sent, pacer, put } = setUp({
    send: () => {
      pacer.stop();
    },
  });
  pacer.start();
  put(2);
  expect(time.pendingTimers).toBe(0);
  expect(sent).toEqual([]);
});

test("does not mind being woken by the one it pulls from or sends to", () => {
  const time = new ManualClock();
  let count = 0;
  let sends = 0;
  const pacer: PlayoutPacer<number> = new PlayoutPacer<number>({
    clock: time,
    sampleRate: 48_000,
    nextFrame: () => {
      pacer.wake();
      return count++ < 3 ? count : undefined;
    },
    send: () => {
      sends++;
      pacer.wake();
    },
  });
  pacer.start();
  expect(sends).toBe(1);
  expect(time.pendingTimers).toBe(1);
  time.advance(1000);
  expect(sends).toBe(3);
});

test("keeps timestamps and deadlines when the producer is late by less than a frame", () => {
  const { time, sent, pacer, put } = setUp();
  pacer.start();
  put(2);
  time.advance(20 + 20 + 15);
  put(3);
  time.advance(1000);
  expect(times(sent)).toEqual([0, 20, 55, 60, 80]);
  expect(indexes(sent)).toEqual([0, 1, 2, 3, 4]);
  expect(sent.filter(({ first }) => first)).toHaveLength(1);
});

test("catches up with a producer that was late within the bound", () => {
  const { time, sent, pacer, put } = setUp();
  pacer.start();
  put(2);
  time.advance(20 + 20 + 70);
  put(6);
  time.advance(1000);
  expect(times(sent)).toEqual([0, 20, 110, 110, 130, 130, 150, 150]);
  expect(indexes(sent)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(sent.filter(({ first }) => first)).toHaveLength(1);
});

test("catches up no faster when the late frames are given one by one", () => {
  const { time, sent, pacer, put } = setUp();
  pacer.start();
  put();
  time.advance(100);
  for (let i = 0; i < 5; i++) put();
  time.advance(1000);
  expect(times(sent)).toEqual([0, 100, 100, 120, 120, 140]);
  expect(indexes(sent)).toEqual([0, 1, 2, 3, 4, 5]);
});

test("sets no timer while no frame is expected, and waits for the deadline when woken early", () => {
  let waiting = 1;
  const time = new ManualClock();
  const sentAtMs: number[] = [];
  const pacer = new PlayoutPacer<number>({
    clock: time,
    sampleRate: 48_000,
    nextFrame: () => (waiting-- > 0 ? 1 : undefined),
    hasFrame: () => waiting > 0,
    send: () => sentAtMs.push(time.now()),
  });
  pacer.start();
  expect(time.pendingTimers).toBe(0);
  time.advance(15);
  waiting = 1;
  pacer.wake();
  time.advance(1000);
  expect(sentAtMs).toEqual([0, 20]);
});

test("advances the timestamp by the pause in whole frames, and sends at once after it", () => {
  const { time, sent, pacer, put } = setUp();
  pacer.start();
  put(2);
  time.advance(1009);
  put(2);
  time.advance(100);
  expect(times(sent)).toEqual([0, 20, 1009, 1029]);
  expect(indexes(sent)).toEqual([0, 1, 50, 51]);
  expect(sent.map(({ first }) => first)).toEqual([true, false, true, false]);
});

test("counts from the first frame sent, not from a wake without one", () => {
  const { time, sent, pacer, put } = setUp();
  pacer.start();
  time.advance(500);
  pacer.wake();
  time.advance(500);
  put();
  expect(indexes(sent)).toEqual([0]);
});

test("stays within a frame of real time over many pauses", () => {
  const { time, sent, pacer, put } = setUp();
  pacer.start();
  for (let i = 0; i < 200; i++) {
    put(3);
    time.advance(60 + 139.9);
  }
  for (const { atMs, index } of sent) expect(Math.abs(index * 20 - atMs)).toBeLessThan(20);
});

test("waits for the prebuffer after a pause only", () => {
  const { time, sent, pacer, put } = setUp({ prebufferFrames: 2 });
  pacer.start();
  put();
  time.advance(30);
  put();
  time.advance(60 - 30);
  expect(times(sent)).toEqual([40, 60]);
  time.advance(20 + 10);
  put();
  expect(times(sent)).toEqual([40, 60, 90]);
});

test("sends two frames a tick until a stall within the bound is caught up", () => {
  const time = new ManualClock(1000);
  const stalls = [70];
  const { sent, pacer, put } = setUp({ clock: lateClock(time, () => stalls.pop() ?? 0) }, time);
  pacer.start();
  put(9);
  time.advance(1000);
  expect(times(sent)).toEqual([0, 90, 90, 110, 110, 130, 130, 140, 160]);
  expect(indexes(sent)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test("begins anew after a longer stall instead of sending in a burst", () => {
  const time = new ManualClock(1000);
  const stalls = [490];
  const { sent, pacer, put } = setUp({ clock: lateClock(time, () => stalls.pop() ?? 0) }, time);
  pacer.start();
  put(4);
  time.advance(1000);
  expect(times(sent)).toEqual([0, 510, 530, 550]);
  expect(indexes(sent)).toEqual([0, 25, 26, 27]);
  expect(sent.map(({ first }) => first)).toEqual([true, true, false, false]);
});

test("waits again when a timer fires early", () => {
  const time = new ManualClock(1000);
  const early: Clock = {
    now: () => time.now(),
    setTimeout: (callback, delayMs) => time.setTimeout(callback, Math.max(1, delayMs - 7)),
  };
  const { sent, pacer, put } = setUp({ clock: early }, time);
  pacer.start();
  put(3);
  time.advance(19 - 1);
  expect(sent).toHaveLength(1);
  time.advance(1000);
  expect(sent).toHaveLength(3);
  expect(sent[2]!.atMs).toBeGreaterThanOrEqual(39);
});

describe("with a lead", () => {
  const LEAD = { leadMs: 60 };

  test("sends twice as fast after a pause until the lead is won, and keeps it", () => {
    const { time, sent, pacer, put } = setUp(LEAD);
    pacer.start();
    put(10);
    time.advance(1000);
    expect(times(sent)).toEqual([0, 0, 20, 20, 40, 40, 60, 80, 100, 120]);
    expect(indexes(sent)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(sent.filter(({ first }) => first)).toHaveLength(1);
  });

  test("wins it again after the next pause, at the timestamp of real time", () => {
    const { time, sent, pacer, put } = setUp(LEAD);
    pacer.start();
    put(7);
    time.advance(1009);
    put(8);
    time.advance(1000);
    expect(times(sent.slice(7))).toEqual([1009, 1009, 1029, 1029, 1049, 1049, 1069, 1089]);
    expect(indexes(sent.slice(7))).toEqual([50, 51, 52, 53, 54, 55, 56, 57]);
    expect(sent.flatMap(({ first }, at) => (first ? [at] : []))).toEqual([0, 7]);
  });

  test("spends it on a late producer, and wins it back at the timestamps of before", () => {
    const { time, sent, pacer, put } = setUp(LEAD);
    pacer.start();
    put(7);
    // The eighth is due at 80 and is to be heard at 140: until then nobody hears that it is late.
    time.advance(135);
    put(6);
    time.advance(1000);
    expect(times(sent.slice(7))).toEqual([135, 135, 155, 155, 160, 180]);
    expect(indexes(sent)).toEqual([...Array(13).keys()]);
    expect(sent.filter(({ first }) => first)).toHaveLength(1);
  });

  test.each([
    ["does not begin anew after a stall of the lead and what may be caught up", 160, 7],
    ["begins anew after a longer one", 162, 11],
  ])("%s", (_, stallMs, index) => {
    const { time, sent, pacer, put } = setUp(LEAD);
    pacer.start();
    put(7);
    // When the eighth is due.
    time.advance(80 + stallMs);
    put();
    expect(times(sent.slice(7))).toEqual([80 + stallMs]);
    expect(sent.at(-1)).toMatchObject({ index: index === 7 ? 7 : 12, first: index !== 7 });
  });

  test("holds nothing back of a producer that speaks in real time", () => {
    const { time, sent, pacer, put } = setUp(LEAD);
    pacer.start();
    for (let i = 0; i < 50; i++) {
      put();
      time.advance(20);
    }
    expect(times(sent)).toEqual(Array.from({ length: 50 }, (_, i) => 20 * i));
    expect(indexes(sent)).toEqual([...Array(50).keys()]);
    expect(sent.filter(({ first }) => first)).toHaveLength(1);
  });
});

describe("over an hour of timers that are 0 to 15 ms late", () => {
  const HOUR_MS = 3_600_000;

  test("never drifts and never sends three frames within half a frame's time", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 2 }), (seed) => {
        const time = new ManualClock();
        let count = 0;
        let worstMs = 0;
        let previousMs = -Infinity;
        let beforeMs = -Infinity;
        let closest = Infinity;
        let state = seed;
        const pacer = new PlayoutPacer<number>({
          clock: lateClock(time, () => {
            state = (state * 48_271) % 2_147_483_647;
            return (state / 2_147_483_647) * 15;
          }),
          sampleRate: 48_000,
          nextFrame: () => count,
          send: (_frame, { timestampSamples }) => {
            if (timestampSamples !== count++ * 960) throw new Error("a timestamp was skipped");
            const now = time.now();
            worstMs = Math.max(worstMs, now - timestampSamples / 48);
            closest = Math.min(closest, now - beforeMs);
            beforeMs = previousMs;
            previousMs = now;
          },
        });
        pacer.start();
        time.advance(HOUR_MS);
        pacer.stop();
        expect(time.pendingTimers).toBe(0);
        expect(count).toBeGreaterThanOrEqual(HOUR_MS / 20);
        expect(count).toBeLessThanOrEqual(HOUR_MS / 20 + 1);
        expect(worstMs).toBeLessThan(17);
        expect(closest).toBeGreaterThan(10);
      }),
      { seed: 1, numRuns: 3 },
    );
  });
});

test("keeps its promises for any producer and any event loop", () => {
  const step = fc.record({
    waitMs: fc.double({ min: 0, max: 120, noNaN: true }),
    frames: fc.integer({ min: 0, max: 6 }),
  });
  const lateness = fc.array(fc.oneof(fc.double({ min: 0, max: 15, noNaN: true }), fc.nat(400)), {
    minLength: 1,
  });
  const lead = fc.constantFrom(0, 60, 200);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), lateness, lead, (steps, latenessMs, leadMs) => {
      const time = new ManualClock(1000);
      let timers = 0;
      const clock = lateClock(time, () => latenessMs[timers++ % latenessMs.length]!);
      const { sent, pacer, put } = setUp({ clock, leadMs }, time);
      pacer.start();
      let made = 0;
      for (const { waitMs, frames } of steps) {
        put(frames);
        made += frames;
        time.advance(waitMs);
        expect(time.pendingTimers).toBeLessThanOrEqual(1);
      }
      time.advance(1e6);
      expect(sent.map(({ frame }) => frame)).toEqual([...Array(made).keys()]);
      expect(time.pendingTimers).toBe(0);
      const originMs = sent[0]?.atMs ?? 0;
      sent.forEach(({ atMs, index, first }, i) => {
        const last = sent[i - 1];
        if (last) expect(index).toBeGreaterThan(last.index);
        if (last && index > last.index + 1) expect(first).toBe(true);
        // Never before its time and the lead, and never later than the bound for catching up.
        expect(atMs - originMs - index * 20).toBeGreaterThan(-leadMs - 1.001);
        expect(atMs - originMs - index * 20).toBeLessThan(20 + 100 + 0.001);
        const third = sent[i + 2];
        if (third) expect(third.atMs).toBeGreaterThan(atMs);
      });
    }),
    { seed: 1, numRuns: 300 },
  );
});

test.each([
  ["frameMs", { frameMs: 0 }],
  ["frameMs", { frameMs: 20.0001 }],
  ["prebufferFrames", { prebufferFrames: -1 }],
  ["maxCatchUpMs", { maxCatchUpMs: 5 }],
  ["leadMs", { leadMs: -1 }],
  ["leadMs", { leadMs: 2001 }],
])("refuses a %s that cannot work", (option, options) => {
  expect(() => setUp(options)).toThrow(InvalidOptionError);
  expect(() => setUp(options)).toThrow(option);
});
