import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeSocket } from "../../../test/fake-socket.ts";
import type { EncodedChunk } from "../../media/encoded-chunk.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import type { TransportCloseReason } from "../transport.ts";
import { parseStartMessage } from "./start-message.ts";
import { WebSocketTransport } from "./websocket-transport.ts";

const DEFAULTS = { inputSampleRate: 48_000, outputSampleRate: 24_000 };
const base64 = (data: Uint8Array): string => Buffer.from(data).toString("base64");
const media = (data: Uint8Array): unknown => ({
  event: "media",
  media: { payload: base64(data) },
});
const frame = (fill: number, size = 480): EncodedChunk => ({
  data: new Uint8Array(size).fill(fill),
  timestamp: 0,
  durationSamples: 480,
});

interface Setup {
  readonly clock: ManualClock;
  readonly socket: FakeSocket;
  readonly transport: WebSocketTransport;
  readonly chunks: EncodedChunk[];
  readonly texts: string[];
  readonly endings: TransportCloseReason[];
}

function setUp(audio?: Readonly<Record<string, unknown>>): Setup {
  const clock = new ManualClock();
  const socket = new FakeSocket();
  const start = parseStartMessage({ websocket_id: "a", ...(audio ? { audio } : {}) }, DEFAULTS);
  const transport = new WebSocketTransport({
    socket,
    clock,
    audio: start.audio,
    opusDuration: (packet) => (packet[0] === 0 ? undefined : 960),
  });
  const chunks: EncodedChunk[] = [];
  const texts: string[] = [];
  const endings: TransportCloseReason[] = [];
  transport.open({
    onConnected: () => texts.push("connected"),
    onAudio: (chunk) => chunks.push({ ...chunk, data: chunk.data?.slice() }),
    onMessage: (text) => texts.push(text),
    onClosed: (reason) => endings.push(reason),
  });
  transport.connect();
  return { clock, socket, transport, chunks, texts, endings };
}

describe("a WebSocket's audio", () => {
  it("comes to the session in pieces of 20 ms without gaps, however it was cut", () => {
    const { socket, chunks } = setUp();
    const said = Uint8Array.from({ length: 10_000 }, (_, i) => i % 251);
    for (const [from, to] of [
      [0, 2_048],
      [2_048, 2_049],
      [2_049, 10_000],
    ]) {
      socket.say(media(said.subarray(from, to)));
    }
    let expected = 0;
    for (const { data, timestamp, durationSamples } of chunks) {
      expect(timestamp).toBe(expected);
      expect(data?.length).toBe(durationSamples);
      expect(durationSamples).toBeLessThanOrEqual(960);
      expected += durationSamples;
    }
    expect(Buffer.concat(chunks.map(({ data }) => data!))).toEqual(Buffer.from(said));
  });

  it("goes out as mu-law in JSON to clients that asked for nothing else", () => {
    const { socket, transport } = setUp();
    expect(transport.inputFormat).toEqual({ codec: "mulaw", sampleRate: 48_000, channels: 1 });
    expect(transport.outputFormat).toEqual({ codec: "mulaw", sampleRate: 24_000, channels: 1 });
    transport.sendAudio(frame(7));
    expect(socket.sent).toEqual([media(new Uint8Array(480).fill(7))]);
  });

  it("goes both ways in binary messages for clients that asked for it", () => {
    const { socket, transport, chunks } = setUp({ codec: "pcm16", binary: true });
    socket.say(new Uint8Array(1_920).fill(3));
    transport.sendAudio(frame(7));
    expect(chunks.map(({ durationSamples }) => durationSamples)).toEqual([960]);
    expect(socket.sent).toEqual([new Uint8Array(480).fill(7)]);
  });

  it("in JSON is dropped where binary messages were agreed on, and the client told once", () => {
    const { socket, chunks, clock } = setUp({ codec: "pcm16", binary: true });
    for (let i = 0; i < 250; i++) socket.say(media(new Uint8Array(960).fill(0xff)));
    clock.advance(1000);
    expect(chunks).toEqual([]);
    expect(socket.of("warning")).toHaveLength(1);
    socket.say(new Uint8Array(1_920).fill(3));
    expect(chunks).toHaveLength(1);
  });

  it("is one packet a message where it is Opus", () => {
    const { socket, chunks } = setUp({ codec: "opus", binary: true });
    socket.say(new Uint8Array(80).fill(9));
    socket.say(new Uint8Array(70).fill(9));
    expect(chunks.map(({ timestamp }) => timestamp)).toEqual([0, 960]);
    socket.say(new Uint8Array(3));
    expect(socket.of("error")).toHaveLength(1);
    expect(chunks).toHaveLength(2);
  });

  it("is dropped where it comes more than a minute ahead, and is taken again in time", () => {
    const { socket, clock, chunks } = setUp();
    const tenSeconds = media(new Uint8Array(480_000));
    for (let i = 0; i < 8; i++) socket.say(tenSeconds);
    expect(chunks).toHaveLength(6 * 500);
    expect(socket.of("warning")).toHaveLength(1);
    clock.advance(10_000);
    socket.say(tenSeconds);
    expect(chunks).toHaveLength(7 * 500);
  });
});

describe("a client that reads slowly", () => {
  it("loses the oldest audio, is told once, and catches up", () => {
    const { socket, clock, transport } = setUp();
    transport.sendAudio(frame(1));
    socket.bufferedBytes = 100_000;
    for (let i = 0; i < 130; i++) transport.sendAudio(frame(i));
    clock.advance(100);
    expect(socket.of("media")).toHaveLength(1);
    expect(socket.of("warning")).toHaveLength(1);
    socket.bufferedBytes = 0;
    clock.advance(20);
    const left = socket.of("media").slice(1);
    expect(left).toHaveLength(100);
    expect(left[0]).toEqual(media(new Uint8Array(480).fill(30)));
    transport.sendAudio(frame(99));
    expect(socket.of("media")).toHaveLength(102);
  });

  it("is told and closed when it stays slow for ten seconds", () => {
    const { socket, clock, transport, endings } = setUp();
    transport.sendAudio(frame(1));
    socket.bufferedBytes = 100_000;
    transport.sendAudio(frame(2));
    clock.advance(9_900);
    expect(endings).toEqual([]);
    clock.advance(200);
    expect(socket.of("error")).toHaveLength(1);
    expect(socket.closing?.code).toBe(1013);
    expect(endings).toEqual(["failed"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("is told and closed when messages pile up", () => {
    const { socket, transport, endings } = setUp();
    socket.bufferedBytes = 2_000_000;
    transport.sendMessage({ type: "message", data: 1 });
    expect(socket.closing?.code).toBe(1013);
    expect(endings).toEqual(["failed"]);
  });
});

describe("a barge-in", () => {
  it("is told to the client, and drops what waits for it", () => {
    const { socket, clock, transport } = setUp();
    transport.sendAudio(frame(1));
    socket.bufferedBytes = 100_000;
    transport.sendAudio(frame(2));
    transport.clearAudio();
    socket.bufferedBytes = 0;
    clock.advance(100);
    expect(socket.of("media")).toHaveLength(1);
    expect(socket.of("clear")).toHaveLength(1);
  });

  it("is told only to clients that got audio", () => {
    const { socket, transport } = setUp();
    transport.clearAudio();
    transport.sendAudio(frame(1));
    transport.clearAudio();
    transport.clearAudio();
    expect(socket.of("clear")).toHaveLength(1);
  });
});

describe("what a client says", () => {
  it("is answered, or handed on where it is no event of ours", () => {
    const { socket, texts } = setUp();
    socket.say({ event: "ping" });
    socket.say({ type: "playback", delayMs: 3 });
    expect(socket.sent).toEqual([{ event: "pong" }]);
    expect(texts).toEqual(["connected", '{"type":"playback","delayMs":3}']);
  });

  it.each([
    ["text that is not JSON", "{"],
    ["JSON that is no object", "[1]"],
    ["an unknown event", { event: "dance" }],
    ["media without a payload", { event: "media" }],
    ["a payload that is not base64", { event: "media", media: { payload: "***" } }],
    ["a payload of half a byte", { event: "media", media: { payload: "A" } }],
    ["binary audio that was not agreed on", new Uint8Array(4)],
  ])("is answered with an error where it is %s", (_what, message) => {
    const { socket, chunks, endings } = setUp();
    socket.say(message);
    expect(socket.of("error")).toHaveLength(1);
    socket.say(media(new Uint8Array(960)));
    expect(chunks).toHaveLength(1);
    expect(endings).toEqual([]);
  });

  it("is refused where it is half a sample", () => {
    const { socket, chunks } = setUp({ codec: "pcm16" });
    socket.say(media(new Uint8Array(3)));
    expect(socket.of("error")).toHaveLength(1);
    expect(chunks).toEqual([]);
  });

  it("ends the session after twenty messages that cannot be read, but not where they are rare", () => {
    const patient = setUp();
    for (let i = 0; i < 60; i++) {
      patient.socket.say("{");
      patient.clock.advance(15_000);
      patient.socket.pong();
    }
    expect(patient.endings).toEqual([]);
    const { socket, endings } = setUp();
    for (let i = 0; i < 20; i++) socket.say("{");
    expect(endings).toEqual([]);
    socket.say("{");
    expect(socket.closing?.code).toBe(4400);
    expect(endings).toEqual(["failed"]);
    const sent = socket.sent.length;
    socket.say("{");
    expect(socket.sent).toHaveLength(sent);
  });

  it("ends the session where it starts twice", () => {
    const { socket, endings } = setUp();
    socket.say({ event: "start", websocket_id: "b" });
    expect(socket.of("error")).toHaveLength(1);
    expect(socket.closing?.code).toBe(4400);
    expect(endings).toEqual(["failed"]);
  });

  it("never throws, whatever it is", () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc.uint8Array({ maxLength: 50 }),
      fc.record({
        event: fc.constantFrom("media", "ping", "stop", 3, null),
        media: fc.jsonValue(),
      }),
    );
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 30 }), (messages) => {
        const { socket, endings } = setUp({ codec: "pcm16", binary: true });
        for (const message of messages) socket.say(message);
        return endings.length <= 1;
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});

describe("a WebSocket's session ends", () => {
  it.each([
    ["stop", (socket: FakeSocket) => socket.say({ event: "stop" }), "remote"],
    ["a close", (socket: FakeSocket) => socket.leave(1000), "remote"],
    ["a page that is left", (socket: FakeSocket) => socket.leave(1001), "remote"],
    ["a close without a code", (socket: FakeSocket) => socket.leave(1005), "remote"],
    ["a broken connection", (socket: FakeSocket) => socket.leave(1006), "lost"],
  ] as const)("with %s", (_what, leave, reason) => {
    const { socket, clock, endings } = setUp();
    leave(socket);
    expect(endings).toEqual([reason]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("when nothing has come for half a minute, not even the answer to a ping", () => {
    const { socket, clock, endings } = setUp();
    clock.advance(15_000);
    socket.pong();
    clock.advance(29_000);
    expect(endings).toEqual([]);
    clock.advance(16_000);
    expect(socket.closing?.code).toBe(4408);
    expect(endings).toEqual(["lost"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("when it is closed, and waits until the socket is gone", async () => {
    const { socket, transport, endings } = setUp();
    socket.answersClose = false;
    let isDone = false;
    const closing = transport.close().then(() => (isDone = true));
    transport.sendAudio(frame(1));
    await Promise.resolve();
    expect([isDone, socket.closing?.code, socket.of("media")]).toEqual([false, 1000, []]);
    socket.leave(1000);
    await closing;
    expect(endings).toEqual(["local"]);
    await transport.close();
    expect(endings).toEqual(["local"]);
  });

  it("with another code when the server is closing", () => {
    const { socket, transport } = setUp();
    transport.sendMessage({ type: "update_connection", data: "closed" });
    void transport.close();
    expect(socket.closing?.code).toBe(1001);
  });
});

it("measures the round trip by its pings", () => {
  const { socket, clock, transport } = setUp();
  expect(socket.pings).toBe(1);
  expect(transport.stats()).not.toHaveProperty("roundTripMs");
  clock.advance(40);
  socket.pong();
  expect(transport.stats().roundTripMs).toBe(40);
});
