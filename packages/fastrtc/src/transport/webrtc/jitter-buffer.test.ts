import { describe, expect, test } from "vitest";
import { FRAME, expectNoHoles, nameOf, setUp } from "../../../test/jitter-buffer-harness.ts";
import { InvalidOptionError } from "../../errors.ts";
import { ManualClock } from "../../testing/manual-clock.ts";

describe("order", () => {
  test("hands a packet on within the call that brings it, as a view", () => {
    const seen: (Uint8Array | undefined)[] = [];
    const { push, buffer } = setUp({ onChunk: ({ data }) => seen.push(data) });
    push(1);
    push(2);
    expect(seen).toHaveLength(2);
    expect(seen[0]).toBe(seen[1]);
    expect(buffer.stats()).toMatchObject({ received: 2, lost: 0, late: 0, duplicates: 0 });
  });

  test("puts reordered packets right without losing any", () => {
    const { clock, push, out, chunks, buffer } = setUp();
    for (const sequence of [1, 3, 2, 6, 5, 4, 7]) {
      push(sequence);
      clock.advance(3);
    }
    expect(out()).toBe("1 2 3 4 5 6 7");
    expectNoHoles(chunks);
    expect(buffer.stats().lost).toBe(0);
  });

  test("drops what came before, waiting or gone", () => {
    const { push, out, buffer } = setUp();
    for (const sequence of [1, 1, 3, 3, 2, 2, 3, 1]) push(sequence);
    expect(out()).toBe("1 2 3");
    expect(buffer.stats().duplicates).toBe(5);
  });

  test("goes on where sequence numbers and timestamps wrap", () => {
    const { push, out, chunks, buffer } = setUp();
    const timestamp = 2 ** 32 - 2 * FRAME;
    [65_533, 65_535, 65_534, 65_537, 65_536, 65_538].forEach((sequence) => {
      push(sequence, {
        timestamp: timestamp + (sequence - 65_533) * FRAME,
        name: sequence - 65_533,
      });
    });
    expect(out()).toBe("0 1 2 3 4 5");
    expectNoHoles(chunks);
    expect(buffer.stats()).toMatchObject({ lost: 0, filledMs: 0 });
  });

  test.each([2.5, 10, 20, 40, 60, 120])("takes packets of %d ms", (ms) => {
    const { clock, push, chunks, out } = setUp();
    const samples = ms * 48;
    for (const sequence of [1, 2, 4, 3, 6]) {
      push(sequence, { ms, timestamp: sequence * samples });
      clock.advance(5);
    }
    clock.advance(200);
    expect(out()).toMatch(/^1 2 3 4 \?<6 6( |$)/);
    expect(chunks.slice(0, 6).every((chunk) => chunk.durationSamples === samples)).toBe(true);
    expectNoHoles(chunks);
  });

  test("takes a change of packet length, also across a loss", () => {
    const { clock, push, chunks, out } = setUp();
    push(1, { timestamp: 0, ms: 20 });
    push(2, { timestamp: 960, ms: 60 });
    push(4, { timestamp: 960 + 2880 + 960, ms: 10 });
    clock.advance(40);
    expect(out()).toBe("1 2 ? ?<4 4");
    expectNoHoles(chunks);
  });
});

describe("loss", () => {
  test("waits for a gap 20 to 40 ms on a clean path, by the clock alone", () => {
    const { clock, push, stream, out, times, buffer } = setUp();
    stream(1, 5);
    push(7);
    const { waitMs } = buffer.stats();
    expect(waitMs).toBeGreaterThanOrEqual(20);
    expect(waitMs).toBeLessThanOrEqual(40);
    clock.advance(19);
    expect(out()).toBe("1 2 3 4 5");
    clock.advance(21);
    expect(out()).toBe("1 2 3 4 5 ?<7 7");
    expect(times.at(-1)).toBeLessThanOrEqual(100 + 40);
    expect(buffer.stats().lost).toBe(1);
  });

  test("conceals each of several lost packets, the last with its successor's help", () => {
    const { clock, push, out, chunks } = setUp();
    push(1);
    push(5);
    push(7);
    clock.advance(50);
    expect(out()).toBe("1 ? ? ?<5 5 ?<7 7");
    expectNoHoles(chunks);
  });

  test("drops and counts a packet that comes after it was concealed", () => {
    const { clock, push, out, buffer } = setUp();
    push(1);
    push(3);
    clock.advance(40);
    push(2);
    push(2);
    push(4);
    expect(out()).toBe("1 ?<3 3 4");
    expect(buffer.stats()).toMatchObject({ late: 1, lost: 1, duplicates: 1 });
  });

  test("waits longer after packets came late, and forgets it in time", () => {
    const { clock, push, stream, buffer } = setUp();
    stream(1, 3);
    push(5);
    clock.advance(60);
    push(4);
    const { waitMs } = buffer.stats();
    expect(waitMs).toBeGreaterThan(60);
    stream(6, 1506);
    expect(buffer.stats().waitMs).toBeLessThan(40);
  });

  test("waits longer on a path that jitters, and never beyond its bound", () => {
    const { clock, push, buffer } = setUp({ maxWaitMs: 100 });
    for (let sequence = 0; sequence < 400; sequence++) {
      push(sequence);
      clock.advance(sequence % 2 ? 5 : 35);
    }
    expect(buffer.stats().jitterMs).toBeGreaterThan(13);
    expect(buffer.stats().jitterMs).toBeLessThan(17);
    expect(buffer.stats().waitMs).toBeGreaterThan(55);
    for (let sequence = 400; sequence < 1200; sequence++) {
      push(sequence);
      clock.advance(sequence % 10 ? 0 : 200);
    }
    expect(buffer.stats().waitMs).toBe(100);
  });

  test("gives the oldest gap up early rather than hold more than 100 packets", () => {
    const { push, out, buffer } = setUp();
    push(0);
    for (let sequence = 2; sequence <= 100; sequence++) push(sequence);
    expect(out()).toBe("0");
    push(101);
    expect(out()).toMatch(/^0 \?<2 2 3 .* 100 101$/);
    expect(buffer.stats().lost).toBe(1);
  });

  test("gives the oldest gap up early rather than hold more than 256 KiB", () => {
    const { buffer, chunks } = setUp({ durationOf: () => FRAME });
    const payload = new Uint8Array(60_000);
    for (const sequenceNumber of [0, 2, 3, 4, 5, 6]) {
      const timestamp = sequenceNumber * FRAME;
      buffer.push({ sequenceNumber, timestamp, payloadType: 0, ssrc: 1, marker: false, payload });
    }
    expect(chunks.filter(({ data }) => data)).toHaveLength(6);
  });

  test("counts only what is held at the moment", () => {
    const { buffer, chunks } = setUp({ durationOf: () => FRAME });
    const payload = new Uint8Array(60_000);
    const push = (sequenceNumber: number): void => {
      const timestamp = sequenceNumber * FRAME;
      buffer.push({ sequenceNumber, timestamp, payloadType: 0, ssrc: 1, marker: false, payload });
    };
    push(0);
    for (let pair = 1; pair < 20; pair += 2) {
      push(pair + 1);
      push(pair);
    }
    push(22);
    push(23);
    expect(chunks).toHaveLength(21);
  });

  test("lets the event loop deliver what came during a stall before it gives up", () => {
    const clock = new ManualClock();
    let stallMs = 0;
    const { push, out, buffer } = setUp({
      clock: {
        now: () => clock.now(),
        setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs + stallMs),
      },
    });
    push(1);
    stallMs = 300;
    push(3);
    stallMs = 0;
    const { waitMs } = buffer.stats();
    clock.advance(Math.ceil(waitMs) + 300 + 4);
    push(2);
    expect(out()).toBe("1 2 3");
    expect(buffer.stats().lost).toBe(0);
  });
});

describe("a new source", () => {
  test("goes on without a hole when another SSRC has sent two packets in a row", () => {
    const { push, out, chunks, stream } = setUp();
    stream(1, 3);
    push(9000, { ssrc: 2, timestamp: 77, name: 10 });
    expect(out()).toBe("1 2 3");
    push(9001, { ssrc: 2, timestamp: 77 + FRAME, name: 11 });
    push(9002, { ssrc: 2, timestamp: 77 + 2 * FRAME, name: 12 });
    expect(out()).toBe("1 2 3 10 11 12");
    expectNoHoles(chunks);
  });

  test("takes a packet from before the first for late", () => {
    const { push, stream, buffer } = setUp();
    stream(1, 300);
    push(1000, { ssrc: 2 });
    push(1001, { ssrc: 2 });
    push(999, { ssrc: 2 });
    push(1000, { ssrc: 2 });
    expect(buffer.stats()).toMatchObject({ late: 1, duplicates: 1 });
  });

  test("is not disturbed by a stray packet", () => {
    const { push, out } = setUp();
    push(1);
    push(20_000, { timestamp: 5 });
    push(2);
    push(500, { ssrc: 7 });
    push(40_000, { timestamp: 5 });
    push(3);
    expect(out()).toBe("1 2 3");
  });

  test.each([
    ["ahead", 30_000],
    ["behind", 40_000],
  ])("follows a sender that restarts far %s", (_where, start) => {
    const { push, out, chunks, buffer } = setUp();
    push(1);
    push(2);
    for (let i = 0; i < 4; i++) push(start + i, { timestamp: 12_345 + i * FRAME, name: 10 + i });
    expect(out()).toBe("1 2 10 11 12 13");
    expectNoHoles(chunks);
    expect(buffer.stats().lost).toBe(0);
  });

  test("delivers what waited behind a gap first", () => {
    const { push, out } = setUp();
    push(1);
    push(3);
    push(30_000, { timestamp: 1, name: 10 });
    push(30_001, { timestamp: 1 + FRAME, name: 11 });
    expect(out()).toBe("1 ?<3 3 10 11");
  });

  test("drops a run of replayed packets from far behind", () => {
    const { push, stream, out, buffer } = setUp();
    stream(1, 300);
    const before = out();
    for (let sequence = 50; sequence < 70; sequence++) push(sequence);
    push(301);
    expect(out()).toBe(`${before} 301`);
    expect(buffer.stats()).toMatchObject({ received: 321, lost: 0 });
  });

  test("follows a sender whose restart looks like a replay, after half a second", () => {
    const { push, stream, chunks } = setUp();
    stream(1, 300);
    for (let sequence = 50; sequence < 75; sequence++) push(sequence);
    expect(nameOf(chunks.at(-1)!.data!)).toBe(74);
  });

  test("counts an outage of the same source as loss", () => {
    const { clock, push, stream, buffer, out } = setUp();
    stream(1, 3);
    clock.advance(10_000);
    push(504);
    push(505);
    expect(out()).toMatch(/_ 504 505$/);
    expect(buffer.stats().lost).toBe(500);
  });
});

describe("its end", () => {
  test("holds no timer after close and puts nothing out", () => {
    const { clock, push, buffer, out } = setUp();
    push(1);
    push(3);
    buffer.close();
    buffer.close();
    expect(clock.pendingTimers).toBe(0);
    buffer.start();
    push(2);
    clock.advance(1000);
    expect(out()).toBe("1");
    expect(clock.pendingTimers).toBe(0);
  });

  test("can be closed by the one it delivers to", () => {
    let count = 0;
    const { clock, push, buffer } = setUp({
      onChunk: () => {
        if (++count === 2) buffer.close();
      },
    });
    push(1);
    push(5);
    push(6);
    clock.advance(1000);
    expect(count).toBe(2);
    expect(clock.pendingTimers).toBe(0);
  });
});

test.each([
  ["sampleRate", { sampleRate: 44_100 }],
  ["sampleRate", { sampleRate: 0 }],
  ["maxWaitMs", { maxWaitMs: 5 }],
  ["fillAfterMs", { fillAfterMs: Infinity }],
])("refuses a %s that cannot work", (option, options) => {
  expect(() => setUp(options)).toThrow(InvalidOptionError);
  expect(() => setUp(options)).toThrow(option);
});
