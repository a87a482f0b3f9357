import { expect, test, vi } from "vitest";
import { FRAME, expectNoHoles, setUp } from "../../../test/jitter-buffer-harness.ts";
import { ManualClock } from "../../testing/manual-clock.ts";

test("runs from start, with silence, before anything has come", () => {
  const { clock, buffer, push, out, chunks, times } = setUp();
  buffer.start();
  buffer.start();
  clock.advance(100);
  expect(out()).toBe("_ _ _");
  expect(times).toEqual([60, 80, 100]);
  push(1);
  expect(out()).toBe("_ _ _ 1");
  expectNoHoles(chunks);
});

test("stands still before start", () => {
  const { clock, chunks } = setUp();
  clock.advance(1000);
  expect(chunks).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
});

test("conceals 100 ms when packets stop, then gives silence, in real time", () => {
  const { clock, push, out, times, chunks } = setUp();
  push(1);
  clock.advance(59);
  expect(out()).toBe("1");
  clock.advance(1);
  expect(out()).toBe("1 ?");
  clock.advance(140);
  expect(out()).toBe("1 ? ? ? ? ? _ _ _");
  expect(times.slice(1)).toEqual([60, 80, 100, 120, 140, 160, 180, 200]);
  clock.advance(10_000);
  expect(chunks.at(-1)!.timestamp / 48).toBeGreaterThan(10_100);
  expectNoHoles(chunks);
});

test("goes on after a pause of the sender's as if time had been filled in exactly", () => {
  const { clock, push, chunks } = setUp();
  // As with DTX: a packet each 400 ms.
  for (let i = 0; i < 100; i++) {
    push(i, { timestamp: i * 400 * 48 });
    clock.advance(400);
  }
  push(100, { timestamp: 100 * 400 * 48 });
  expectNoHoles(chunks);
  expect(chunks.at(-1)!.timestamp).toBe(100 * 400 * 48);
});

test("fills a short pause of the sender's when its end is known", () => {
  const { clock, push, out, chunks } = setUp();
  push(1);
  clock.advance(50);
  push(2, { timestamp: FRAME + 50 * 48 });
  expect(out()).toBe("1 ? ? 2");
  expect(chunks[1]).toMatchObject({ durationSamples: 480 });
  expectNoHoles(chunks);
});

test("delivers packets whose time was filled in already, at the end of the timeline", () => {
  const { clock, push, out, chunks } = setUp();
  push(1);
  clock.advance(100);
  for (const sequence of [2, 3, 4, 5, 6]) push(sequence);
  expect(out()).toBe("1 ? ? ? 2 3 4 5 6");
  expectNoHoles(chunks);
});

test("makes up for false filling in the sender's next pause, not in a loss", () => {
  const { clock, push, out, chunks } = setUp();
  push(1);
  clock.advance(100);
  for (const sequence of [2, 3, 4, 5, 6]) push(sequence);
  push(8);
  clock.advance(59);
  expect(out()).toMatch(/6 \?<8 8$/);
  push(9, { timestamp: 9 * FRAME + 40 * 48 });
  expect(out()).toMatch(/8 9$/);
  expectNoHoles(chunks);
});

test("does not conceal again what was filled in while packets were lost", () => {
  const { clock, push, out, chunks } = setUp();
  push(1);
  clock.advance(120);
  expect(out()).toBe("1 ? ? ? ?");
  push(7);
  clock.advance(40);
  expect(out()).toBe("1 ? ? ? ? ?<7 7");
  expectNoHoles(chunks);
});

test("does not fill where the sender has set its clock", () => {
  const { push, out } = setUp();
  push(1, { timestamp: 0 });
  push(2, { timestamp: 2e9 });
  push(3, { timestamp: 5 });
  push(4, { timestamp: 5 + FRAME });
  expect(out()).toBe("1 2 3 4");
});

test("goes on with pauses after a sender that stopped its clock", () => {
  const { clock, push, out } = setUp();
  push(1);
  clock.advance(5000);
  push(2);
  clock.advance(50);
  push(3, { timestamp: 3 * FRAME + 40 * 48 });
  expect(out()).toMatch(/_ 2 \? \? 3$/);
});

test("fills in whole steps of 2.5 ms, and pieces no shorter than 10 ms but the first", () => {
  const { clock, push, chunks } = setUp({ durationOf: (payload) => (payload[2] ? 1 : 0) });
  push(1, { timestamp: 0 });
  clock.advance(45);
  push(2, { timestamp: 1 + 45 * 48 + 7 });
  expect(chunks.map(({ durationSamples }) => durationSamples)).toEqual([
    1, 240, 480, 480, 480, 480, 1,
  ]);
});

test("makes up no more time than has passed, whatever the timestamps say", () => {
  const { clock, push, buffer } = setUp();
  for (let i = 0; i < 500; i++) {
    push(i, { timestamp: i * 40_000 });
    clock.advance(20);
  }
  expect(buffer.stats().filledMs).toBeLessThan(10_000 + 1000);
});

test("takes empty and unreadable payloads as packets without sound", () => {
  const { clock, push, out, chunks, buffer } = setUp({
    durationOf: (payload) => {
      if (payload[2] === 0) throw new Error("no such packet");
      return payload[2]! * 120;
    },
  });
  push(1);
  push(2, { empty: true });
  push(3, { ms: 0 });
  push(4, { ms: 200 });
  push(5, { timestamp: 2 * FRAME });
  expect(out()).toBe("1 5");
  clock.advance(40);
  push(6, { empty: true });
  clock.advance(20);
  expect(out()).toBe("1 5 ?");
  expectNoHoles(chunks);
  expect(buffer.stats()).toMatchObject({ received: 6, lost: 0 });
});

test("waits longer before it fills when packets are long or the path jitters", () => {
  const long = setUp();
  long.push(1, { ms: 60 });
  long.clock.advance(119);
  expect(long.out()).toBe("1");

  const jittery = setUp();
  for (let sequence = 0; sequence < 400; sequence++) {
    jittery.push(sequence);
    jittery.clock.advance(sequence % 4 ? 0 : 80);
  }
  // A hundred bursts that come 20 ms after the time to fill; it learns from the first five.
  expect(jittery.buffer.stats().filledMs).toBe(100);
});

test("catches up with real time after a stall, by a second at most", () => {
  const clock = new ManualClock();
  let stallMs = 0;
  const { push, chunks } = setUp({
    clock: {
      now: () => clock.now(),
      setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs + stallMs),
    },
  });
  stallMs = 5000;
  push(1);
  stallMs = 0;
  clock.advance(5064);
  expect(chunks).toHaveLength(1);
  clock.advance(1);
  expect(chunks).toHaveLength(1 + 51);
  clock.advance(100);
  expect(chunks).toHaveLength(1 + 51 + 5);
});

test.each([-200, 0, 200])(
  "neither grows nor fills over an hour with a sender that is %d ppm off",
  (ppm) => {
    let end = 0;
    let count = 0;
    const { clock, push, buffer } = setUp({
      onChunk: (chunk) => {
        if (chunk.timestamp !== end) throw new Error("a hole");
        end += chunk.durationSamples;
        count++;
      },
    });
    const packetMs = 20 * (1 + ppm / 1e6);
    const packets = Math.floor(3_600_000 / packetMs);
    let most = 0;
    const setTimeout = vi.spyOn(clock, "setTimeout");
    for (let sequence = 0; sequence < packets; sequence++) {
      push(sequence);
      most = Math.max(most, clock.pendingTimers);
      clock.advance(packetMs);
    }
    expect(count).toBe(packets);
    expect(most).toBe(1);
    expect(setTimeout.mock.calls.length / packets).toBeLessThan(0.51);
    expect(buffer.stats()).toMatchObject({ lost: 0, late: 0, duplicates: 0, filledMs: 0 });
    expect(buffer.stats().waitMs).toBeLessThan(21);
  },
);
