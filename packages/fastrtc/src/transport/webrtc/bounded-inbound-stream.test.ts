import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BoundedInboundStream,
  DISCARDED,
  DiscardedInboundStream,
} from "./bounded-inbound-stream.ts";
import type { SctpDataChunk } from "./werift-internals.ts";

const TEXT = 51;

function pieces(text: string, size: number, tsn: number, streamSeqNum: number): SctpDataChunk[] {
  const count = Math.max(1, Math.ceil(text.length / size));
  return Array.from({ length: count }, (_, index) => ({
    tsn: (tsn + index) >>> 0,
    flags: (index === 0 ? 2 : 0) | (index === count - 1 ? 1 : 0),
    streamId: 0,
    streamSeqNum,
    protocol: TEXT,
    userData: Buffer.from(text.slice(index * size, (index + 1) * size)),
  }));
}

function drain(stream: BoundedInboundStream): { texts: string[]; bytes: number } {
  const messages = [...stream.popMessages()];
  return {
    texts: messages.flatMap(([, protocol, data]) =>
      protocol === DISCARDED ? [] : [data.toString()],
    ),
    bytes: messages.reduce((sum, [, , data]) => sum + data.length, 0),
  };
}

describe("BoundedInboundStream", () => {
  it("gives out messages whole and in order, whatever the order of their pieces", () => {
    const texts = ["first message", "x", "the third of them"];
    const chunks = texts.flatMap((text, index) =>
      pieces(text, 4, (0xffff_fffc + index * 10) >>> 0, index),
    );
    fc.assert(
      fc.property(fc.shuffledSubarray(chunks, { minLength: chunks.length }), (shuffled) => {
        const stream = new BoundedInboundStream(100, 1000);
        const got = shuffled.flatMap((chunk) => {
          stream.addChunk(chunk);
          return drain(stream).texts;
        });
        expect(got).toEqual(texts);
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  it("throws a message away that grows too long, gives its bytes back, and goes on behind it", () => {
    const stream = new BoundedInboundStream(100, 1000);
    const long = pieces("y".repeat(5_000), 50, 1, 0);
    let freed = 0;
    for (const [index, chunk] of long.entries()) {
      stream.addChunk(chunk);
      const { texts, bytes } = drain(stream);
      freed += bytes;
      expect(texts).toEqual([]);
      // Nothing beyond the bound stays in memory while the message goes on.
      expect((index + 1) * 50 - freed).toBeLessThanOrEqual(100);
    }
    expect(freed).toBe(5_000);
    for (const chunk of pieces("after", 50, 1 + long.length, 1)) stream.addChunk(chunk);
    expect(drain(stream).texts).toEqual(["after"]);
  });

  it("ignores a piece that comes twice", () => {
    const stream = new BoundedInboundStream(100, 1000);
    const [first, second] = pieces("abcdef", 3, 1, 0) as [SctpDataChunk, SctpDataChunk];
    for (const chunk of [first, first, second]) stream.addChunk(chunk);
    expect(drain(stream).texts).toEqual(["abcdef"]);
  });

  it("forgets what the sender gave up", () => {
    const stream = new BoundedInboundStream(100, 1000);
    const [first] = pieces("abcdef", 3, 1, 0);
    stream.addChunk(first!);
    expect(stream.pruneChunks(1)).toBe(3);
    expect(stream.pruneChunks(1)).toBe(0);
  });

  it("holds no more than its bound for a piece that never comes", () => {
    const stream = new BoundedInboundStream(100, 1000);
    let held = 0;
    for (let index = 0; index < 500; index++) {
      const [chunk] = pieces("z".repeat(50), 50, index, index + 1);
      stream.addChunk(chunk!);
      held += 50 - drain(stream).bytes;
      expect(held).toBeLessThanOrEqual(1000);
    }
  });
});

describe("DiscardedInboundStream", () => {
  it("gives bytes back for the window, and no message", () => {
    const stream = new DiscardedInboundStream();
    for (const chunk of pieces("abcdef", 3, 1, 0)) stream.addChunk(chunk);
    const messages = [...stream.popMessages()];
    expect(messages.map(([, protocol, data]) => [protocol, data.length])).toEqual([
      [DISCARDED, 3],
      [DISCARDED, 3],
    ]);
    expect([...stream.popMessages()]).toEqual([]);
  });
});
