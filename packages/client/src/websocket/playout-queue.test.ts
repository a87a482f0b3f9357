import { describe, expect, test } from "vitest";
import { createPlayoutQueue, type PlayoutQueue } from "./playout-queue.ts";

const RATE = 16_000;
const BLOCK = 160;

/** 20 ms that all have one value. */
const piece = (value = 8192): Int16Array => new Int16Array(RATE / 50).fill(value);

/** Plays for a while; returns one value for each 10 ms. */
function play(queue: PlayoutQueue, ms: number): number[] {
  return Array.from({ length: ms / 10 }, () => {
    const block = new Float32Array(BLOCK);
    queue.pull(block);
    return block[BLOCK - 1] ?? 0;
  });
}

const isLoud = (value: number): boolean => value === 0.25;

describe("a playout queue", () => {
  test("gathers 60 ms before it plays", () => {
    const queue = createPlayoutQueue(RATE, true);
    queue.push(piece());
    expect(play(queue, 20).some(isLoud)).toBe(false);
    queue.push(piece());
    queue.push(piece());
    expect(play(queue, 60).every(isLoud)).toBe(true);
    expect(play(queue, 20).some(isLoud)).toBe(false);
  });

  test("plays a reply that is shorter than what it gathers", () => {
    const queue = createPlayoutQueue(RATE, true);
    queue.push(piece());
    expect(play(queue, 100).filter(isLoud)).toHaveLength(2);
  });

  test("gathers more after audio came too late, and less again when all goes well", () => {
    const queue = createPlayoutQueue(RATE, true);
    for (let count = 0; count < 3; count += 1) queue.push(piece());
    play(queue, 160);
    queue.push(piece());
    const raised = queue.status().prebufferMs;
    expect(raised).toBeGreaterThan(150);
    for (let count = 0; count < 40_000 / 20; count += 1) {
      queue.push(piece());
      play(queue, 20);
    }
    expect(queue.status().prebufferMs).toBeLessThan(raised - 50);
  });

  test("takes neither a new reply nor the end of a silence for late audio", () => {
    const queue = createPlayoutQueue(RATE, true);
    for (let count = 0; count < 3; count += 1) queue.push(piece());
    play(queue, 500);
    queue.push(piece(0));
    play(queue, 120);
    queue.push(piece());
    expect(queue.status().prebufferMs).toBe(60);
  });

  test("is silent within 10 ms of a clear, without a jump, and then plays what is new", () => {
    const queue = createPlayoutQueue(RATE, true);
    for (let count = 0; count < 50; count += 1) queue.push(piece());
    play(queue, 40);
    queue.clear();
    const block = new Float32Array(BLOCK);
    queue.pull(block);
    expect(block[0]).toBeGreaterThan(0.2);
    expect(block[BLOCK - 1]).toBeLessThan(0.001);
    expect(queue.status()).toMatchObject({ queuedMs: 0, prebufferMs: 60 });
    for (let count = 0; count < 3; count += 1) queue.push(piece(-8192));
    expect(play(queue, 60).every((value) => value === -0.25)).toBe(true);
  });

  test("makes up in a pause for what came late, unless whole replies come at once", () => {
    const left = [true, false].map((isPaced) => {
      const queue = createPlayoutQueue(RATE, isPaced);
      for (let count = 0; count < 50; count += 1) queue.push(piece());
      for (let count = 0; count < 50; count += 1) queue.push(piece(0));
      play(queue, 1000);
      play(queue, 400);
      return queue.status().queuedMs;
    });
    expect(left[0]).toBeLessThan(250);
    expect(left[1]).toBe(600);
  });

  test("tells the loudest sample since it was last asked", () => {
    const queue = createPlayoutQueue(RATE, true);
    for (let count = 0; count < 3; count += 1) queue.push(piece(-16_384));
    play(queue, 20);
    expect(queue.status().level).toBe(0.5);
    expect(queue.status().level).toBe(0);
  });

  test("holds two minutes at most", () => {
    const queue = createPlayoutQueue(RATE, false);
    for (let count = 0; count < 130; count += 1) queue.push(new Int16Array(RATE));
    expect(queue.status().queuedMs).toBe(120_000);
  });

  test("works as text inside a worklet, where nothing of this module is", () => {
    const text = `return (${createPlayoutQueue.toString()})(${RATE}, true)`;
    // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call
    const queue = new Function(text)() as PlayoutQueue;
    for (let count = 0; count < 3; count += 1) queue.push(piece());
    expect(play(queue, 60).every(isLoud)).toBe(true);
  });
});
