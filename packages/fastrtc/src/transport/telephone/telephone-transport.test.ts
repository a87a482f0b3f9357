import { beforeEach, describe, expect, it } from "vitest";

import { FakeMessageSocket } from "../../../test/fake-message-socket.ts";
import { call, events, frame, MULAW, silentWire, speak } from "../../../test/telephone-scene.ts";
import type { TelephoneScene } from "../../../test/telephone-scene.ts";
import { silentLogger } from "../../observe/logger.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { asteriskWebSocket } from "./asterisk-websocket.ts";
import type { CarrierEvent, CarrierWire } from "./carrier.ts";
import { HeldSocket } from "./held-socket.ts";
import { TelephoneTransport } from "./telephone-transport.ts";
import { twilio } from "./twilio.ts";

describe("TelephoneTransport", () => {
  let scene: TelephoneScene;
  beforeEach(async () => {
    scene = await call();
  });

  it("tells its formats and connects before any audio", () => {
    scene.standIn.sendPayload(new Uint8Array(160).fill(7));
    expect(scene.transport).toMatchObject({ kind: "telephone", inputFormat: MULAW });
    expect(scene.transport.outputFormat).toEqual(MULAW);
    expect(scene.log).toEqual([
      "connected",
      { data: expect.anything() as unknown, timestamp: 0, durationSamples: 160 },
    ]);
  });

  it("hands on what came while the session was being made", async () => {
    const clock = new ManualClock();
    const socket = new FakeMessageSocket();
    const held = new HeldSocket(socket);
    const wire = twilio().wire(new Request("http://localhost/"));
    const early = JSON.stringify({
      event: "dtmf",
      dtmf: { digit: "7" },
    });
    socket.receive(early);
    socket.end(1001);
    const log: string[] = [];
    const callInfo = { callId: "CA1", streamId: "MZ1", from: undefined, to: undefined, params: {} };
    const transport = new TelephoneTransport({
      socket: held,
      wire,
      call: { ...callInfo, inputFormat: MULAW, outputFormat: MULAW },
      clock,
    });
    transport.open({
      onConnected: () => log.push("connected"),
      onAudio: () => log.push("audio"),
      onMessage: () => log.push("message"),
      onDtmf: (digit) => log.push(digit),
      onClosed: (reason) => log.push(reason),
    });
    await clock.advanceAsync(0);
    expect(log).toEqual(["connected", "7", "remote"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("drops audio that ends within a sample, for no decoder could take it", async () => {
    const wire = asteriskWebSocket({ allowAnyone: true }).wire(new Request("http://localhost/"));
    const event = { event: "MEDIA_START", channel_id: "1", format: "slin" };
    wire.read(JSON.stringify({ ...event, optimal_frame_size: 320 }));
    const inputFormat = { codec: "pcm16", sampleRate: 8000, channels: 1 } as const;
    const { socket, log, transport } = await call({ wire, inputFormat });
    for (const length of [1, 320, 321]) socket.receive(new Uint8Array(length));
    expect(log).toMatchObject(["connected", { durationSamples: 160 }]);
    expect(transport.stats().chunksReceived).toBe(1);
  });

  it("hands on bytes that came early as they were, whatever the socket does with them", () => {
    const socket = new FakeMessageSocket();
    const held = new HeldSocket(socket);
    const bytes = Buffer.from([1, 2]);
    socket.receive(bytes);
    bytes.fill(9);
    const seen: unknown[] = [];
    held.listen({ onMessage: (message) => seen.push(message), onClosed: () => undefined });
    expect(seen).toEqual([Uint8Array.of(1, 2)]);
  });

  it("sends each 20 ms as one message, which the carrier has no fault to find in", () => {
    speak(scene, 50);
    scene.clock.advance(200);
    expect(scene.standIn.faults).toEqual([]);
    expect(events(scene.socket).filter((event) => event === "media")).toHaveLength(50);
    expect(scene.standIn.heard()).toHaveLength(50 * 160);
    expect(scene.transport.stats()).toMatchObject({ chunksSent: 50, chunksReceived: 0 });
  });

  it("fills the last message of an utterance with silence", () => {
    scene.transport.sendAudio(frame(0, 0x10, 200));
    expect(events(scene.socket)).toEqual(["media", "mark"]);
    scene.clock.advance(100);
    expect(scene.socket.sent.slice(2).map(String)).toEqual([
      JSON.stringify({
        event: "media",
        streamSid: "MZ1",
        media: {
          payload: Buffer.from([
            ...new Uint8Array(40).fill(0x10),
            ...new Uint8Array(120).fill(0xff),
          ]).toString("base64"),
        },
      }),
      '{"event":"mark","streamSid":"MZ1","mark":{"name":"e1:2"}}',
    ]);
  });

  it("marks the first message of an utterance, each second, and the utterance's end", () => {
    speak(scene, 110);
    scene.clock.advance(100);
    const marked = events(scene.socket)
      .join(" ")
      .split(" mark")
      .map((part) => part.split("media").length - 1);
    expect(marked).toEqual([1, 50, 50, 9, 0]);
    expect(scene.standIn.echoes).toEqual(["e1:1", "e1:2", "e1:3", "e1:4"]);
  });

  it("learns from a mark how long audio takes to the ear", () => {
    expect(scene.transport.stats().playoutDelayMs).toBeUndefined();
    // 100 ms at once: the carrier plays the last of it 80 ms after it came.
    for (let i = 0; i < 5; i++) scene.transport.sendAudio(frame(i, 0x10));
    scene.clock.advance(20);
    expect(scene.transport.stats().playoutDelayMs).toBe(0);
    scene.clock.advance(40);
    // The end of the utterance is marked at 60 ms, and heard 40 ms after that.
    scene.clock.advance(60);
    expect(scene.transport.stats().playoutDelayMs).toBe(20);
  });

  it("drops what waits at the carrier, and takes no echo of it for heard audio", () => {
    for (let i = 0; i < 100; i++) scene.transport.sendAudio(frame(i, 0x10));
    scene.clock.advance(40);
    const before = scene.transport.stats().playoutDelayMs;
    scene.transport.clearAudio();
    expect(scene.standIn).toMatchObject({ flushes: 1, bufferedMs: 0 });
    expect(scene.standIn.echoes).toEqual(["e1:1", "e1:2"]);
    expect(scene.transport.stats().playoutDelayMs).toBe(before);
    scene.clock.advance(1000);
    expect(scene.standIn.heard().length).toBeLessThanOrEqual(4 * 160);
    speak(scene, 2, 100);
    scene.clock.advance(100);
    expect(scene.standIn.echoes.slice(2)).toEqual(["e2:3", "e2:4"]);
  });

  it("drops what it has gathered and not sent", () => {
    scene.transport.sendAudio(frame(0, 0x10, 80));
    scene.transport.clearAudio();
    scene.clock.advance(200);
    expect(events(scene.socket)).toEqual(["clear"]);
  });

  it("tells the carrier to drop audio also when all seems to have been heard", () => {
    scene.transport.clearAudio();
    speak(scene, 5);
    scene.clock.advance(500);
    scene.transport.clearAudio();
    expect(scene.standIn.flushes).toBe(2);
    expect(scene.standIn.faults).toEqual([]);
  });

  it("sends the carrier no messages of the session's", () => {
    scene.transport.sendMessage({ type: "log", data: "pause_detected" });
    expect(scene.socket.sent).toEqual([]);
  });

  it("ends only when the last of what was said has been heard", async () => {
    for (let i = 0; i < 30; i++) scene.transport.sendAudio(frame(i, 0x10));
    const closing = scene.transport.close();
    await scene.clock.advanceAsync(580);
    expect(scene.socket.closedWith).toBeUndefined();
    await scene.clock.advanceAsync(40);
    await closing;
    expect(scene.socket.closedWith).toEqual({ code: 1000, reason: "" });
    expect(scene.standIn.heard()).toHaveLength(30 * 160);
    expect(scene.log.at(-1)).toBe("closed local");
    expect(scene.hangUps).toHaveLength(1);
    expect(scene.clock.pendingTimers).toBe(0);
  });

  it("waits two seconds for the last mark at most", async () => {
    scene.socket.onSent = undefined;
    scene.transport.sendAudio(frame(0, 0x10));
    const closing = scene.transport.close();
    await scene.clock.advanceAsync(1999);
    expect(scene.socket.closedWith).toBeUndefined();
    await scene.clock.advanceAsync(1);
    await closing;
    expect(scene.log.at(-1)).toBe("closed local");
  });

  it("ends at once where nothing was said, and once however often it is asked to", async () => {
    const closing = scene.transport.close();
    expect(scene.transport.close()).toBe(closing);
    await closing;
    scene.transport.sendAudio(frame(0, 0x10));
    scene.transport.clearAudio();
    expect(scene.socket.sent).toEqual([]);
    expect(scene.log).toEqual(["connected", "closed local"]);
    expect(scene.hangUps).toHaveLength(1);
  });

  it("ends before it was opened", async () => {
    const clock = new ManualClock();
    const socket = new FakeMessageSocket();
    const wire = twilio().wire(new Request("http://localhost/"));
    const transport = new TelephoneTransport({
      socket,
      wire,
      call: {
        callId: "CA1",
        streamId: "MZ1",
        from: undefined,
        to: undefined,
        params: {},
        inputFormat: MULAW,
        outputFormat: MULAW,
      },
      clock,
    });
    await transport.close();
    expect(socket.closedWith?.code).toBe(1000);
    expect(clock.pendingTimers).toBe(0);
  });

  it("ends with the carrier's stop, and does not hang up what has ended", async () => {
    scene.standIn.stop();
    await scene.clock.advanceAsync(0);
    expect(scene.log).toEqual(["connected", "closed remote"]);
    expect(scene.hangUps).toEqual([]);
    expect(scene.clock.pendingTimers).toBe(0);
  });

  it.each([
    [1000, "remote"],
    [1005, "remote"],
    [1006, "lost"],
  ] as const)("takes a socket that ends with %i for %s, and hangs up", async (code, reason) => {
    scene.socket.end(code);
    await scene.clock.advanceAsync(0);
    expect(scene.log).toEqual(["connected", `closed ${reason}`]);
    expect(scene.hangUps).toHaveLength(1);
    expect(scene.clock.pendingTimers).toBe(0);
  });

  it("finds out that a carrier has vanished without a word", async () => {
    expect(scene.socket.pings).toBe(1);
    scene.socket.pong();
    await scene.clock.advanceAsync(45_000);
    expect(scene.log.at(-1)).toBe("closed lost");
    expect(scene.clock.pendingTimers).toBe(0);
  });

  it("goes on through silence of a carrier that answers no pings", async () => {
    await scene.clock.advanceAsync(120_000);
    expect(scene.log).toEqual(["connected"]);
  });

  it("passes keys on, and nothing that is none", () => {
    for (const digit of ["5", "#", "D", "E", "12", ""]) scene.standIn.press(digit);
    expect(scene.log).toEqual(["connected", "dtmf 5", "dtmf #", "dtmf D"]);
  });

  it("presses no keys where the carrier cannot", () => {
    expect(scene.transport.pressKeys("12#")).toBe(false);
    expect(scene.socket.sent).toEqual([]);
  });

  it("drops malformed messages and goes on", () => {
    for (const bad of [
      "{",
      "[]",
      "null",
      new Uint8Array(160),
      "x".repeat(100_000),
      '{"event":"media","streamSid":"MZ1","media":{"payload":"%%%%"}}',
      '{"event":"media","streamSid":"MZ1","media":{}}',
      '{"event":"media","streamSid":"MZ1"}',
      '{"event":"media","streamSid":"MZ2","media":{"payload":"AAAA"}}',
      '{"event":"mark","streamSid":"MZ1"}',
      '{"event":"start","streamSid":"MZ1","start":{"callSid":"CA1"}}',
      '{"event":"tomorrow"}',
    ]) {
      scene.socket.receive(bad);
    }
    scene.standIn.sendPayload(new Uint8Array(160));
    expect(scene.log).toHaveLength(2);
    expect(scene.socket.closedWith).toBeUndefined();
  });

  it("ends a call of too many malformed messages within a minute", async () => {
    for (let i = 0; i < 50; i++) scene.socket.receive("{");
    await scene.clock.advanceAsync(60_001);
    for (let i = 0; i < 50; i++) scene.socket.receive("{");
    expect(scene.socket.closedWith).toBeUndefined();
    scene.socket.receive("{");
    await scene.clock.advanceAsync(0);
    expect(scene.socket.closedWith).toEqual({ code: 1008, reason: "Too many malformed messages." });
    expect(scene.log.at(-1)).toBe("closed failed");
  });

  it("drops audio that a slow carrier does not read, and gives it up after ten seconds", async () => {
    scene.socket.bufferedBytes = 131_073;
    speak(scene, 10);
    expect(scene.socket.sent).toEqual([]);
    scene.socket.bufferedBytes = 0;
    speak(scene, 10, 10);
    expect(events(scene.socket).filter((event) => event === "media")).toHaveLength(10);
    scene.socket.bufferedBytes = 131_073;
    speak(scene, 502, 20);
    await scene.clock.advanceAsync(0);
    expect(scene.log.at(-1)).toBe("closed lost");
  });

  it("logs a carrier's complaints, ten of a call at most", async () => {
    const lines: string[] = [];
    const wire: CarrierWire = {
      ...silentWire,
      read: () => ({ type: "complaint", text: "too loud" }) satisfies CarrierEvent,
    };
    const logger = { ...silentLogger, warn: (text: string) => lines.push(text) };
    const { socket } = await call({ wire, logger });
    for (let i = 0; i < 20; i++) socket.receive("{}");
    expect(lines).toEqual(new Array(10).fill("The carrier complains."));
  });
});
