import { describe, expect, it } from "vitest";

import { FakeMessageSocket } from "../../../test/fake-message-socket.ts";
import { call, frame, silentWire } from "../../../test/telephone-scene.ts";
import type { AudioFormat, EncodedChunk } from "../../media/encoded-chunk.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import type { CarrierWire } from "./carrier.ts";
import { TelephoneTransport } from "./telephone-transport.ts";

describe("TelephoneTransport over a carrier without marks", () => {
  it("gathers audio to the carrier's length, across frames and pauses", async () => {
    const { transport, socket, clock } = await call({ wire: silentWire });
    transport.sendAudio(frame(0, 1));
    expect(socket.sent).toEqual([]);
    transport.sendAudio(frame(1, 2));
    transport.sendAudio(frame(2, 3));
    expect(socket.sent.map((message) => message.length)).toEqual([320]);
    transport.sendAudio(frame(9, 4));
    expect(socket.sent.map((message) => [message.length, message[0], message[319]])).toEqual([
      [320, 1, 2],
      [320, 3, 0xff],
    ]);
    clock.advance(100);
    expect(socket.sent).toHaveLength(3);
  });

  it("gives the last audio 200 ms to be heard, and says goodbye", async () => {
    const { transport, socket, clock, log } = await call({ wire: silentWire });
    transport.sendAudio(frame(0, 1));
    const closing = transport.close();
    await clock.advanceAsync(199);
    expect(socket.sent).toHaveLength(1);
    await clock.advanceAsync(1);
    await closing;
    expect(socket.sent[1]).toBe("BYE");
    expect(log.at(-1)).toBe("closed local");
  });

  it("presses keys where the carrier can, and no others", async () => {
    const { transport, socket } = await call({ wire: silentWire });
    expect(transport.pressKeys("1#A")).toBe(true);
    expect(transport.pressKeys("1;2")).toBe(false);
    expect(socket.sent).toEqual(["KEYS 1#A"]);
  });

  it("puts the caller's pieces in order and fills gaps", async () => {
    const orders = [5, 6, 8, 7, 12, 13, 14, 15, 16, 11, 17];
    const wire: CarrierWire = {
      ...silentWire,
      read: (message) => ({
        type: "audio",
        data: new Uint8Array(160).fill(Number(message)),
        order: Number(message),
      }),
    };
    const { socket, log, transport } = await call({ wire });
    for (const order of orders) socket.receive(String(order));
    const pieces = log.slice(1).map((chunk) => {
      const { data, timestamp, durationSamples } = chunk as EncodedChunk;
      return [data?.[0], timestamp / 160, durationSamples / 160];
    });
    expect(pieces).toEqual([
      [5, 0, 1],
      [6, 1, 1],
      [7, 2, 1],
      [8, 3, 1],
      [undefined, 4, 2],
      [11, 6, 1],
      [12, 7, 1],
      [13, 8, 1],
      [14, 9, 1],
      [15, 10, 1],
      [16, 11, 1],
      [17, 12, 1],
    ]);
    expect(transport.stats()).toMatchObject({ chunksReceived: 11, chunksLost: 2 });
  });

  it("refuses to begin a call in a codec that telephones do not carry", () => {
    const opus: AudioFormat = { codec: "opus", sampleRate: 48_000, channels: 2 };
    expect(
      () =>
        new TelephoneTransport({
          socket: new FakeMessageSocket(),
          wire: silentWire,
          clock: new ManualClock(),
          call: {
            callId: "1",
            streamId: undefined,
            from: undefined,
            to: undefined,
            params: {},
            inputFormat: opus,
            outputFormat: opus,
          },
        }),
    ).toThrow('Telephones carry "mulaw", "alaw" or "pcm16".');
  });

  it("survives a wire that throws what is no error of ours", async () => {
    const wire: CarrierWire = {
      ...silentWire,
      read: () => {
        throw new Error("a fault");
      },
    };
    const { socket, log } = await call({ wire });
    socket.receive("x");
    expect(log).toEqual(["connected"]);
  });
});
