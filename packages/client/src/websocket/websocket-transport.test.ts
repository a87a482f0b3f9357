import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeServer, installFakeBrowser } from "../../test/fake-browser.ts";
import {
  FakeAudioContext,
  FakeSocket,
  FakeWorkletNode,
  installFakeSocket,
} from "../../test/fake-socket.ts";
import type { StateChange } from "../client-events.ts";
import type { FastRTCClientOptions } from "../client-options.ts";
import { FastRTCClient } from "../fastrtc-client.ts";

let server: FakeServer;
let changes: StateChange[];

beforeEach(async () => {
  vi.useFakeTimers();
  installFakeBrowser();
  installFakeSocket();
  server = new FakeServer();
  server.routes.set("/voice/input_hook", () => Response.json({ status: "success" }));
  changes = [];
  // Loaded beforehand, so that no test waits for a file.
  await import("./websocket-transport.ts");
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Begins to connect, up to the moment at which the server has `start`. */
async function begin(options: FastRTCClientOptions = {}): Promise<{
  client: FastRTCClient;
  connecting: Promise<void>;
}> {
  const client = new FastRTCClient({
    url: "https://host.test/voice?room=1",
    transport: "websocket",
    fetch: server.fetch,
    ...options,
  });
  client.on("state-changed", (change) => changes.push(change));
  const connecting = client.connect();
  connecting.catch(() => undefined);
  await vi.waitFor(() => FakeSocket.last);
  FakeSocket.last.open();
  await vi.advanceTimersByTimeAsync(0);
  return { client, connecting };
}

const started = (sampleRate = 24_000): object => ({
  event: "started",
  audio: {
    codec: "pcm16",
    binary: true,
    inputSampleRate: sampleRate,
    outputSampleRate: sampleRate,
  },
  session_token: "token",
  resumed: false,
});

async function connect(options: FastRTCClientOptions = {}): Promise<FastRTCClient> {
  const { client, connecting } = await begin(options);
  FakeSocket.last.receive(started());
  await connecting;
  return client;
}

const pcm = (...samples: number[]): ArrayBuffer => Int16Array.from(samples).buffer;

describe("over a WebSocket", () => {
  test("a session starts with its id, parameters and the audio that it would like", async () => {
    const client = await connect({ params: { voice: "alto" } });
    expect(FakeSocket.last.url).toBe("wss://host.test/voice/websocket/offer?room=1");
    expect(FakeSocket.last.events("start")).toEqual([
      {
        event: "start",
        websocket_id: client.webrtcId,
        audio: { codec: "pcm16", sampleRate: 24_000, binary: true },
        params: { voice: "alto" },
      },
    ]);
    expect(client.sessionToken).toBe("token");
    expect(changes.at(-1)).toMatchObject({ state: "connected", resumed: false });
    expect(client.outputStream).toBeDefined();
  });

  test("audio goes both ways as samples", async () => {
    await connect();
    FakeWorkletNode.find("fastrtc-capture").say(Int16Array.of(1, -2));
    expect([...new Int16Array(FakeSocket.last.sent.at(-1) as ArrayBuffer)]).toEqual([1, -2]);
    FakeSocket.last.receive(pcm(3, 4));
    const player = FakeWorkletNode.find("fastrtc-player");
    expect(player.options.processorOptions).toEqual({ isPaced: true });
    expect(player.commands).toEqual([Int16Array.of(3, 4)]);
  });

  test("a clear drops at once what was not played", async () => {
    await connect();
    FakeSocket.last.receive(pcm(1));
    FakeSocket.last.receive({ event: "clear" });
    expect(FakeWorkletNode.find("fastrtc-player").commands.at(-1)).toBe("clear");
  });

  test("messages are the same as over WebRTC, texts and inputs too", async () => {
    const client = await connect();
    const seen: unknown[] = [];
    client.on("output", (values) => seen.push(values));
    client.on("turn-log", (log) => seen.push(log));
    FakeSocket.last.receive({ type: "fetch_output", data: [1] });
    FakeSocket.last.receive({ type: "log", data: "pause_detected" });
    expect(seen).toEqual([[1], "pause_detected"]);
    client.send({ any: "thing" });
    client.send("plain");
    client.send({ event: "stop" });
    expect(FakeSocket.last.sent.slice(-3)).toEqual([
      '{"any":"thing"}',
      '{"event":"text","text":"plain"}',
      '{"event":"text","text":"{\\"event\\":\\"stop\\"}"}',
    ]);
    await client.sendInputs({ voice: "bass" });
    expect(server.bodies("/voice/input_hook").at(-1)).toMatchObject({ session_token: "token" });
  });

  test("the server hears how long audio takes to the ear, and when a reply is heard", async () => {
    await connect();
    const player = FakeWorkletNode.find("fastrtc-player");
    player.say({ queuedMs: 50, prebufferMs: 60, level: 0 });
    await vi.advanceTimersByTimeAsync(2000);
    expect(FakeSocket.last.sent).toContain('{"type":"playback","delayMs":80}');
    FakeSocket.last.receive({ type: "log", data: "response_starting" });
    await vi.advanceTimersByTimeAsync(100);
    expect(FakeSocket.last.sent).not.toContain('{"type":"audible"}');
    player.say({ queuedMs: 50, prebufferMs: 60, level: 0.2 });
    await vi.advanceTimersByTimeAsync(100);
    expect(FakeSocket.last.sent).toContain('{"type":"audible"}');
  });

  test("microphone audio that the network does not take is dropped, not hoarded", async () => {
    await connect();
    FakeSocket.last.bufferedAmount = 48_001;
    const { length } = FakeSocket.last.sent;
    FakeWorkletNode.find("fastrtc-capture").say(Int16Array.of(1));
    expect(FakeSocket.last.sent).toHaveLength(length);
    FakeSocket.last.bufferedAmount = 0;
    FakeWorkletNode.find("fastrtc-capture").say(Int16Array.of(1));
    expect(FakeSocket.last.sent).toHaveLength(length + 1);
  });

  test("a browser that records at its own rate only says so", async () => {
    FakeAudioContext.onlyRate = 44_100;
    const { connecting } = await begin();
    expect(FakeSocket.last.events("start")[0]).toMatchObject({ audio: { sampleRate: 44_100 } });
    FakeSocket.last.receive(started(44_100));
    await connecting;
    expect(FakeAudioContext.all.filter(({ state }) => state !== "closed")).toHaveLength(1);
  });

  test("a microphone that is chosen while the session begins is the one that is heard", async () => {
    const { client, connecting } = await begin();
    await client.setMicrophone("desk");
    FakeSocket.last.receive(started());
    await connecting;
    expect(client.inputStream).toBeDefined();
    expect(FakeAudioContext.all.at(-1)?.sources.at(-1)).toBe(client.inputStream);
    client.close();
  });

  test("sound that the browser has stopped meanwhile comes back with the page", async () => {
    const page = new EventTarget();
    vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
    const client = await connect();
    vi.stubGlobal("document", { visibilityState: "visible" });
    FakeAudioContext.all[0]!.state = "interrupted";
    page.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeAudioContext.all[0]!.state).toBe("running");
    client.close();
  });

  test("a browser that wants a click first is waited for", async () => {
    FakeAudioContext.isBlocked = true;
    const { client, connecting } = await begin();
    const blocked = vi.fn();
    client.on("playback-blocked", blocked);
    FakeSocket.last.receive(started());
    await vi.advanceTimersByTimeAsync(500);
    await connecting;
    expect(blocked).toHaveBeenCalledTimes(1);
    const early = client.resumePlayback();
    await vi.advanceTimersByTimeAsync(500);
    expect(await early).toBe(false);
    FakeAudioContext.isBlocked = false;
    const clicked = client.resumePlayback();
    await vi.advanceTimersByTimeAsync(500);
    expect(await clicked).toBe(true);
    client.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a page may serve the worklet's module itself", async () => {
    await connect({ websocket: { workletUrl: "/worklet.js" } });
    expect(FakeAudioContext.all[0]?.modules).toEqual(["/worklet.js"]);
  });
});

describe("with a FastRTC server, which never answers to start", () => {
  test("audio is mu-law in JSON at the handler's rates", async () => {
    const { connecting } = await begin();
    await vi.advanceTimersByTimeAsync(1000);
    await connecting;
    // 24 kHz from the microphone, 48 kHz to the server.
    FakeWorkletNode.find("fastrtc-capture").say(new Int16Array(480));
    const [media] = FakeSocket.last.events("media") as [{ media: { payload: string } }];
    expect(atob(media.media.payload)).toBe("\u00ff".repeat(960));
    FakeSocket.last.receive({ event: "media", media: { payload: btoa("\u0080\u00ff") } });
    const player = FakeWorkletNode.find("fastrtc-player");
    expect(player.commands).toEqual([Int16Array.of(32_124, 0)]);
    expect(player.options.processorOptions).toEqual({ isPaced: false });
    expect(player.context.sampleRate).toBe(24_000);
  });

  test("a handler of other rates is given what it takes", async () => {
    const fastrtcSampleRates = { input: 16_000, output: 8000 };
    const { connecting } = await begin({ websocket: { fastrtcSampleRates } });
    await vi.advanceTimersByTimeAsync(1000);
    await connecting;
    FakeWorkletNode.find("fastrtc-capture").say(new Int16Array(480));
    const [media] = FakeSocket.last.events("media") as [{ media: { payload: string } }];
    expect(atob(media.media.payload)).toHaveLength(320);
    expect(FakeWorkletNode.find("fastrtc-player").context.sampleRate).toBe(8000);
  });

  test("a started that comes late is taken all the same", async () => {
    const { client, connecting } = await begin();
    await vi.advanceTimersByTimeAsync(1000);
    await connecting;
    FakeSocket.last.receive(started());
    expect(client.sessionToken).toBe("token");
    FakeWorkletNode.find("fastrtc-capture").say(Int16Array.of(5));
    expect(FakeSocket.last.sent.at(-1)).toBeInstanceOf(ArrayBuffer);
  });
});

describe("the end of a WebSocket", () => {
  test("names what the server refuses", async () => {
    const { connecting } = await begin();
    const meta = { error: "concurrency_limit_reached", limit: 1 };
    FakeSocket.last.receive({ status: "failed", meta });
    FakeSocket.last.end(1013);
    await expect(connecting).rejects.toMatchObject({ code: "limit-reached", limit: 1 });
    expect(FakeAudioContext.all.every(({ state }) => state === "closed")).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("names a close code that says as much", async () => {
    const { connecting } = await begin();
    FakeSocket.last.end(4401);
    await expect(connecting).rejects.toMatchObject({ code: "not-authorized", status: 401 });
  });

  test("tells when none can be opened at all", async () => {
    const client = new FastRTCClient({
      url: "https://host.test",
      transport: "websocket",
      fetch: server.fetch,
    });
    const connecting = client.connect();
    connecting.catch(() => undefined);
    await vi.waitFor(() => FakeSocket.last);
    FakeSocket.last.end(1006);
    await expect(connecting).rejects.toMatchObject({ code: "network" });
    expect(FakeAudioContext.all.every(({ state }) => state === "closed")).toBe(true);
  });

  test("says nothing of UDP when no session begins in time", async () => {
    const client = new FastRTCClient({
      url: "https://host.test",
      transport: "websocket",
      fetch: server.fetch,
    });
    const connecting = client.connect();
    connecting.catch(() => undefined);
    await vi.advanceTimersByTimeAsync(30_000);
    await expect(connecting).rejects.toMatchObject({
      code: "network",
      message: expect.stringContaining("WebSocket") as string,
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is the server's goodbye when it closes in good order", async () => {
    await connect();
    FakeSocket.last.receive({ type: "end_stream", data: "Goodbye." });
    FakeSocket.last.end(1000);
    expect(changes.at(-1)).toMatchObject({ state: "closed", reason: "Goodbye." });
  });

  test("is said to the server when the user hangs up, and everything is given back", async () => {
    const client = await connect();
    client.close();
    expect(FakeSocket.last.events("stop")).toHaveLength(1);
    expect(FakeSocket.last.closedWith).toBe(1000);
    expect(FakeAudioContext.all.every(({ state }) => state === "closed")).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    ["when it breaks", 1006],
    ["when the server has heard nothing for too long", 4408],
  ])("is followed by a new one %s", async (_, code) => {
    const client = await connect();
    FakeSocket.last.end(code);
    expect(client.state).toBe("reconnecting");
    await vi.waitFor(() => expect(FakeSocket.all).toHaveLength(2));
    FakeSocket.last.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeSocket.last.events("start")[0]).toMatchObject({
      websocket_id: client.webrtcId,
      session_token: "token",
    });
    FakeSocket.last.receive({ ...started(), resumed: true });
    await vi.advanceTimersByTimeAsync(0);
    expect(changes.at(-1)).toMatchObject({ state: "connected", resumed: true });
  });

  test("is noticed by its silence within twelve seconds", async () => {
    const client = await connect();
    await vi.advanceTimersByTimeAsync(4000);
    FakeSocket.last.receive({ event: "pong" });
    await vi.advanceTimersByTimeAsync(8000);
    expect(client.state).toBe("reconnecting");
    expect(FakeSocket.all).toHaveLength(1);
    FakeSocket.last.receive({ event: "pong" });
    expect(client.state).toBe("connected");
    await vi.advanceTimersByTimeAsync(12_000);
    await vi.waitFor(() => expect(FakeSocket.all).toHaveLength(2));
    client.close();
  });

  test("the round trip is measured on the way", async () => {
    const client = await connect();
    await vi.advanceTimersByTimeAsync(4000);
    await vi.advanceTimersByTimeAsync(35);
    FakeSocket.last.receive({ event: "pong" });
    expect(await client.getStats()).toMatchObject({ roundTripMs: 35 });
    client.close();
  });
});
