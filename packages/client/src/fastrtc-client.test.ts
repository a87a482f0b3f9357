import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  FakePeerConnection,
  FakeServer,
  installFakeBrowser,
  settle,
  type FakeMicrophones,
} from "../test/fake-browser.ts";
import type { StateChange } from "./client-events.ts";
import type { FastRTCClientOptions } from "./client-options.ts";
import { FastRTCClient } from "./fastrtc-client.ts";

let microphones: FakeMicrophones;
let server: FakeServer;

beforeEach(() => {
  vi.useFakeTimers();
  microphones = installFakeBrowser();
  server = new FakeServer();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function createClient(options: FastRTCClientOptions = {}): {
  client: FastRTCClient;
  changes: StateChange[];
  states: () => string[];
} {
  const client = new FastRTCClient({ url: "https://host.test", fetch: server.fetch, ...options });
  const changes: StateChange[] = [];
  client.on("state-changed", (change) => changes.push(change));
  return { client, changes, states: () => changes.map(({ state }) => state) };
}

async function connect(client: FastRTCClient): Promise<FakePeerConnection> {
  const connecting = client.connect();
  await settle();
  FakePeerConnection.last.connect();
  await connecting;
  return FakePeerConnection.last;
}

describe("connecting", () => {
  test("asks for the microphone, offers, and is connected when media and messages flow", async () => {
    const { client, states } = createClient();
    const connecting = client.connect();
    await settle();
    const peer = FakePeerConnection.last;
    expect(peer.directions).toEqual(["sendrecv"]);
    expect(peer.remoteDescriptions).toEqual([{ type: "answer", sdp: "answer" }]);
    peer.move("connected");
    expect(client.state).toBe("connecting");
    peer.channel.open();
    await connecting;
    expect(states()).toEqual(["connecting", "requesting-microphone", "connecting", "connected"]);
  });

  test("sends candidates only after the answer, and the end of candidates last", async () => {
    let answer: (response: Response) => void = () => undefined;
    const accept = server.routes.get("/webrtc/offer")!;
    server.routes.set("/webrtc/offer", (body) =>
      body["type"] === "offer" ? new Promise((resolve) => (answer = resolve)) : accept(body),
    );
    const { client } = createClient();
    client.connect().catch(() => undefined);
    await settle();
    const peer = FakePeerConnection.last;
    peer.find("candidate:1");
    peer.find(null);
    await settle();
    expect(server.bodies("/webrtc/offer")).toHaveLength(1);
    answer(Response.json({ type: "answer", sdp: "answer" }));
    await settle();
    const candidates = server.bodies("/webrtc/offer").slice(1);
    expect(candidates).toMatchObject([
      { type: "ice-candidate", candidate: { candidate: "candidate:1", sdpMid: "0" } },
      { type: "ice-candidate", candidate: { candidate: "" } },
    ]);
    expect(new Set(candidates.map((body) => body["webrtc_id"]))).toEqual(
      new Set([client.webrtcId]),
    );
    client.close();
  });

  test("takes ICE servers, constraints and mode from the server's configuration", async () => {
    const rtcConfiguration = { iceServers: [{ urls: "stun:stun.test" }] };
    server.routes.set("/config", () =>
      Response.json({ mode: "send", rtcConfiguration, trackConstraints: { channelCount: 1 } }),
    );
    const { client } = createClient({ deviceId: "desk" });
    const peer = await connect(client);
    expect(peer.configuration).toEqual(rtcConfiguration);
    expect(peer.directions).toEqual(["sendonly"]);
    expect(microphones.asked).toEqual([
      { audio: { channelCount: 1, deviceId: { exact: "desk" } } },
    ]);
  });

  test("asks for no microphone when the server only speaks", async () => {
    server.routes.set("/config", () => Response.json({ mode: "receive" }));
    const { client } = createClient();
    const peer = await connect(client);
    expect(peer.directions).toEqual(["recvonly"]);
    expect(microphones.asked).toEqual([]);
  });

  test("is one session however often it is asked to connect, and a fresh one after the end", async () => {
    const { client } = createClient();
    expect(client.connect()).toBe(client.connect());
    await connect(client);
    await client.connect();
    expect(FakePeerConnection.all).toHaveLength(1);
    const first = client.webrtcId;
    client.close();
    await connect(client);
    expect(client.webrtcId).not.toBe(first);
  });

  test("gives up on close, and closes a microphone that is allowed too late", async () => {
    let allow: () => void = () => undefined;
    microphones.answer = new Promise((resolve) => (allow = resolve));
    const { client, states } = createClient();
    const connecting = client.connect();
    await settle();
    expect(client.state).toBe("requesting-microphone");
    client.close();
    await expect(connecting).rejects.toMatchObject({ name: "AbortError" });
    allow();
    await settle();
    expect(microphones.tracks[0]?.isStopped).toBe(true);
    expect(FakePeerConnection.all).toHaveLength(0);
    expect(states().at(-1)).toBe("closed");
  });

  test("gives up on the signal's abort with the signal's reason", async () => {
    server.routes.set("/webrtc/offer", () => new Promise(() => undefined));
    const { client } = createClient();
    const controller = new AbortController();
    const connecting = client.connect({ signal: controller.signal });
    await settle();
    controller.abort(new Error("the user left"));
    await expect(connecting).rejects.toThrow("the user left");
    expect(client.state).toBe("closed");
    expect(microphones.tracks[0]?.isStopped).toBe(true);
  });
});

describe("failing", () => {
  test.each([
    ["NotAllowedError", "microphone-denied"],
    ["NotFoundError", "microphone-missing"],
    ["NotReadableError", "microphone-missing"],
    ["OverconstrainedError", "microphone-missing"],
  ])("names %s of the microphone %s", async (name, code) => {
    microphones.refusal = name;
    const { client, changes } = createClient();
    const onError = vi.fn();
    client.on("error", onError);
    await expect(client.connect()).rejects.toMatchObject({ code });
    expect(changes.at(-1)).toMatchObject({ state: "failed", error: { code } });
    expect(onError).toHaveBeenCalledTimes(1);
  });

  test("names a page that browsers give no microphone", async () => {
    vi.stubGlobal("navigator", {});
    await expect(createClient().client.connect()).rejects.toMatchObject({
      code: "insecure-context",
    });
  });

  test("names a modality that it cannot carry before it asks for anything", async () => {
    server.routes.set("/config", () => Response.json({ modality: "video" }));
    await expect(createClient().client.connect()).rejects.toMatchObject({ code: "unsupported" });
    expect(microphones.asked).toEqual([]);
  });

  test("lets go of everything when the server refuses", async () => {
    const body = { status: "failed", meta: { error: "concurrency_limit_reached", limit: 1 } };
    server.routes.set("/webrtc/offer", () => Response.json(body, { status: 503 }));
    const { client } = createClient();
    await expect(client.connect()).rejects.toMatchObject({ code: "limit-reached", limit: 1 });
    expect(client.state).toBe("failed");
    expect(FakePeerConnection.last.connectionState).toBe("closed");
    expect(microphones.tracks[0]?.isStopped).toBe(true);
  });

  test("tells at once when the first attempt finds no path, without an ICE restart", async () => {
    const { client } = createClient();
    const connecting = client.connect();
    await settle();
    FakePeerConnection.last.move("failed");
    await expect(connecting).rejects.toMatchObject({ code: "ice-failed" });
    expect(FakePeerConnection.last.offers).toBe(1);
  });

  test("fails when nothing comes of it in time", async () => {
    const { client } = createClient({ connectTimeoutMs: 5000 });
    const connecting = client.connect();
    const outcome = expect(connecting).rejects.toMatchObject({ code: "ice-failed" });
    await vi.advanceTimersByTimeAsync(5000);
    await outcome;
    expect(client.state).toBe("failed");
  });
});

describe("a lost path", () => {
  test("waits out an interruption that heals by itself", async () => {
    const { client, states } = createClient();
    const peer = await connect(client);
    peer.move("disconnected");
    peer.move("connected");
    expect(states().slice(-3)).toEqual(["connected", "reconnecting", "connected"]);
    expect(peer.offers).toBe(1);
  });

  test("is sought once more with an ICE restart of the same session", async () => {
    const { client } = createClient();
    const peer = await connect(client);
    peer.move("failed");
    await settle();
    expect(client.state).toBe("reconnecting");
    expect(server.bodies("/webrtc/offer").at(-1)).toEqual({
      type: "offer",
      sdp: "offer 2 restart",
      webrtc_id: client.webrtcId,
    });
    peer.move("connected");
    expect(client.state).toBe("connected");
    peer.move("failed");
    await settle();
    peer.move("failed");
    expect(client.state).toBe("failed");
    expect(peer.offers).toBe(3);
  });

  test("has failed when the server refuses the restart", async () => {
    const { client, changes } = createClient();
    const peer = await connect(client);
    const body = { status: "failed", meta: { error: "connection_already_exists" } };
    server.routes.set("/webrtc/offer", () => Response.json(body, { status: 409 }));
    peer.move("failed");
    await settle();
    expect(client.state).toBe("failed");
    expect(changes.at(-1)?.error).toMatchObject({
      code: "ice-failed",
      cause: { code: "already-exists" },
    });
  });

  test("has failed when the server answers with other keys, because it knows the session no more", async () => {
    const { client, changes } = createClient();
    const answerWith = (sdp: string) => {
      server.routes.set("/webrtc/offer", () => Response.json({ type: "answer", sdp }));
    };
    answerWith("v=0\r\na=fingerprint:sha-256 AA\r\n");
    const peer = await connect(client);
    answerWith("v=0\r\na=fingerprint:sha-256 BB\r\n");
    peer.move("failed");
    await settle();
    expect(changes.at(-1)).toMatchObject({ state: "failed", error: { code: "ice-failed" } });
    expect(peer.remoteDescriptions).toHaveLength(1);
  });
});

describe("messages", () => {
  test("become events", async () => {
    const { client } = createClient();
    const { channel } = await connect(client);
    const seen: unknown[] = [];
    for (const name of ["turn-log", "output", "message", "warning", "stop-word-heard"] as const) {
      client.on(name, (event) => seen.push([name, event]));
    }
    client.on("error", ({ code, message }) => seen.push([code, message]));
    channel.receive({ type: "log", data: "started_talking" });
    channel.receive({ type: "log", data: "Server received: handshake" });
    channel.receive({ type: "fetch_output", data: [1, { two: 2 }] });
    channel.receive({ type: "fetch_output", data: [] });
    channel.receive({ type: "message", data: { any: "thing" } });
    channel.receive({ type: "warning", message: "slow" });
    channel.receive({ type: "error", message: "broken" });
    channel.receive({ type: "stopword", data: "" });
    channel.receive("no JSON");
    expect(seen).toEqual([
      ["turn-log", "started_talking"],
      ["output", [1, { two: 2 }]],
      ["message", { any: "thing" }],
      ["warning", "slow"],
      ["reported-by-server", "broken"],
      ["stop-word-heard", undefined],
    ]);
    expect(client.state).toBe("connected");
  });

  test("go to the server as they are, or as JSON", async () => {
    const { client } = createClient();
    expect(() => {
      client.send("early");
    }).toThrow(expect.objectContaining({ code: "not-connected" }));
    const { channel } = await connect(client);
    client.send("plain");
    client.send({ a: 1 });
    expect(channel.sent).toEqual(["plain", '{"a":1}']);
  });
});

describe("inputs", () => {
  test("wait for a session, and go out again whenever the handler asks", async () => {
    const { client } = createClient();
    await client.sendInputs({ voice: "alto" });
    expect(server.bodies("/input_hook")).toEqual([]);
    const { channel } = await connect(client);
    channel.receive({ type: "send_input", data: [] });
    await settle();
    const posted = { webrtc_id: client.webrtcId, inputs: { voice: "alto" } };
    expect(server.bodies("/input_hook")).toEqual([posted, posted]);
  });

  test("go out as well when they change between the answer and the connection", async () => {
    const { client } = createClient({ inputs: { voice: "alto" } });
    const connecting = client.connect();
    await settle();
    await client.sendInputs({ voice: "bass" });
    FakePeerConnection.last.connect();
    await connecting;
    const voices = server.bodies("/input_hook").map(({ inputs }) => inputs);
    expect(voices).toEqual([{ voice: "alto" }, { voice: "bass" }]);
  });

  test("tell what the server does not accept, and the session goes on", async () => {
    const { client } = createClient();
    await connect(client);
    const issues = [{ path: ["voice", 0], message: "is unknown" }];
    const meta = { error: "invalid_request", message: "Bad inputs.", issues };
    server.routes.set("/input_hook", () =>
      Response.json({ status: "failed", meta }, { status: 422 }),
    );
    await expect(client.sendInputs({ voice: ["x"] })).rejects.toMatchObject({
      code: "inputs-rejected",
      message: "Bad inputs.",
      issues: [{ path: "voice.0", message: "is unknown" }],
    });
    expect(client.state).toBe("connected");
  });
});

describe("the microphone", () => {
  test("is replaced without a new offer, and the old one let go", async () => {
    const { client } = createClient();
    const peer = await connect(client);
    client.setMuted(true);
    await client.setMicrophone("other");
    const [first, second] = microphones.tracks;
    expect(peer.sentTracks).toEqual([first, second]);
    expect(first?.isStopped).toBe(true);
    expect(second).toMatchObject({ isStopped: false, enabled: false });
    expect(peer.offers).toBe(1);
  });

  test("gives way to the default one when it is unplugged", async () => {
    const { client } = createClient({ deviceId: "usb" });
    await connect(client);
    const warned = vi.fn();
    client.on("warning", warned);
    microphones.tracks[0]?.onended?.();
    await settle();
    expect(microphones.asked.at(-1)).toEqual({
      audio: expect.not.objectContaining({ deviceId: expect.anything() as unknown }) as unknown,
    });
    expect(warned).toHaveBeenCalledTimes(1);
  });

  test("changed twice at once ends as the newest choice, with nothing left open", async () => {
    const { client } = createClient();
    await connect(client);
    await Promise.all([client.setMicrophone("a"), client.setMicrophone("b")]);
    expect(microphones.tracks.filter((track) => !track.isStopped)).toHaveLength(1);
    expect(microphones.asked.at(-1)).toMatchObject({ audio: { deviceId: { exact: "b" } } });
    client.close();
    expect(microphones.tracks.every((track) => track.isStopped)).toBe(true);
  });
});

describe("the end", () => {
  test("comes with the server's last words when it hangs up", async () => {
    const { client, changes } = createClient();
    const onError = vi.fn();
    client.on("error", onError);
    const { channel } = await connect(client);
    channel.receive({ type: "end_stream", data: "Goodbye." });
    expect(client.state).toBe("connected");
    channel.hangUp();
    expect(changes.at(-1)).toEqual({
      state: "closed",
      previous: "connected",
      closedBy: "server",
      reason: "Goodbye.",
    });
    expect(onError).not.toHaveBeenCalled();
  });

  test("comes by itself when a server that said goodbye forgets to hang up", async () => {
    const { client } = createClient();
    const { channel } = await connect(client);
    channel.receive({ type: "end_stream", data: "Goodbye." });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(client.state).toBe("closed");
  });

  test("rejects a connect() that the server cuts short", async () => {
    const { client } = createClient();
    const connecting = client.connect();
    await settle();
    FakePeerConnection.last.channel.receive({ type: "update_connection", data: "closed" });
    await expect(connecting).rejects.toMatchObject({ code: "closed-by-server" });
    expect(client.state).toBe("closed");
  });

  test("leaves no timer behind", async () => {
    const { client } = createClient();
    await connect(client);
    client.close();
    client.close();
    expect(vi.getTimerCount()).toBe(0);
    expect(client.state).toBe("closed");
  });
});
