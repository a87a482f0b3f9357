import { describe, expect, it } from "vitest";

import type { EncodedChunk } from "../../media/encoded-chunk.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { PCM_FORMAT } from "./audio-format.ts";
import { InputFeed } from "./input-feed.ts";

/** Bytes of PCM that last as long. */
const pcm = (durationMs: number): Uint8Array => new Uint8Array(durationMs * 48);

function feed(): { clock: ManualClock; chunks: EncodedChunk[]; feed: InputFeed } {
  const clock = new ManualClock();
  const chunks: EncodedChunk[] = [];
  return { clock, chunks, feed: new InputFeed(clock, (chunk) => chunks.push(chunk)) };
}

describe("a client's audio", () => {
  it("is given on at once, in chunks of 20 ms without holes", () => {
    const scene = feed();
    scene.feed.append(pcm(50), PCM_FORMAT, undefined);
    scene.feed.append(pcm(20), PCM_FORMAT, undefined);
    expect(
      scene.chunks.map(({ timestamp, durationSamples }) => [timestamp, durationSamples]),
    ).toEqual([
      [0, 480],
      [480, 480],
      [960, 240],
      [1200, 480],
    ]);
    expect(scene.feed.givenMs).toBe(70);
    expect(scene.clock.pendingTimers).toBe(0);
  });

  it("that comes all at once is given on bit by bit", () => {
    const scene = feed();
    scene.feed.append(pcm(2000), PCM_FORMAT, undefined);
    scene.feed.append(pcm(20), PCM_FORMAT, undefined);
    expect(scene.feed.givenMs).toBe(500);
    scene.clock.advance(20);
    expect(scene.feed.givenMs).toBe(1000);
    scene.clock.advance(100);
    expect(scene.feed.givenMs).toBe(2020);
    expect(scene.clock.pendingTimers).toBe(0);
  });

  it("is all there before what was asked for after it", () => {
    const scene = feed();
    const seen: number[] = [];
    scene.feed.afterAudio(() => seen.push(scene.feed.givenMs));
    scene.feed.append(pcm(1000), PCM_FORMAT, undefined);
    scene.feed.afterAudio(() => seen.push(scene.feed.givenMs));
    scene.feed.append(pcm(1000), PCM_FORMAT, undefined);
    scene.clock.advance(200);
    expect(seen).toEqual([0, 1000]);
  });

  it("can be forgotten; what waits for its end is not", () => {
    const scene = feed();
    let isCalled = false;
    scene.feed.append(pcm(5000), PCM_FORMAT, undefined);
    scene.feed.afterAudio(() => (isCalled = true));
    scene.feed.clear();
    expect(isCalled).toBe(true);
    expect(scene.feed.givenMs).toBe(500);
    expect(scene.clock.pendingTimers).toBe(0);
  });

  it("is dropped, and the client told, when 16 MiB wait", () => {
    const scene = feed();
    const much = new Uint8Array(10 * 1024 * 1024);
    scene.feed.append(much, PCM_FORMAT, undefined);
    expect(() => scene.feed.append(much, PCM_FORMAT, undefined)).toThrow(
      "faster than it can be heard",
    );
    scene.feed.append(pcm(20), PCM_FORMAT, undefined);
    scene.feed.close();
    expect(scene.clock.pendingTimers).toBe(0);
  });

  it("in many small pieces weighs more than its bytes, and so does what waits for its end", () => {
    const scene = feed();
    scene.feed.append(pcm(1000), PCM_FORMAT, undefined);
    const asked: (() => void)[] = [
      () => scene.feed.append(pcm(0), PCM_FORMAT, undefined),
      () => scene.feed.append(pcm(1), PCM_FORMAT, undefined),
      () => scene.feed.afterAudio(() => undefined),
    ];
    const often = (ask: () => void): void => {
      for (let at = 0; at < 40_000; at++) ask();
    };
    expect(() => often(asked[0]!)).not.toThrow();
    expect(() => often(asked[1]!)).toThrow("faster than it can be heard");
    expect(() => often(asked[2]!)).toThrow("faster than it can be heard");
    scene.feed.close();
  });
});
