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
import type { ConnectOptions } from "./connect-options.ts";
import { FastRTCClient } from "./fastrtc-client.ts";

let microphones: FakeMicrophones;
let server: FakeServer;
let changes: StateChange[];

beforeEach(() => {
  vi.useFakeTimers();
  microphones = installFakeBrowser();
  server = new FakeServer();
  changes = [];
  let answers = 0;
  server.routes.set("/webrtc/offer", (body) =>
    body["type"] === "offer"
      ? Response.json({
          type: "answer",
          sdp: "answer",
          session_token: `token ${(answers += 1)}`,
          resumed: body["session_token"] !== undefined,
        })
      : Response.json({ status: "success" }),
  );
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function start(
  options: FastRTCClientOptions = {},
  connectOptions: ConnectOptions = {},
): Promise<FastRTCClient> {
  const client = new FastRTCClient({ url: "https://host.test", fetch: server.fetch, ...options });
  client.on("state-changed", (change) => changes.push(change));
  const connecting = client.connect(connectOptions);
  await settle();
  FakePeerConnection.last.connect();
  await connecting;
  return client;
}

/** The path breaks so that an ICE restart does not help either. */
async function losePath(): Promise<void> {
  const peer = FakePeerConnection.last;
  peer.move("failed");
  await settle();
  peer.move("failed");
  await settle();
}

function refuse(error: string, status: number): void {
  const body = { status: "failed", meta: { error } };
  server.routes.set("/webrtc/offer", () => Response.json(body, { status }));
}

const offers = (): Record<string, unknown>[] =>
  server.bodies("/webrtc/offer").filter(({ type }) => type === "offer");

describe("a session whose path is lost", () => {
  test("goes on with a new one under its id, with its token, microphone and inputs", async () => {
    const client = await start({ inputs: { voice: "alto" } });
    const resumed = vi.fn();
    client.on("resumed", resumed);
    await losePath();
    expect(client.state).toBe("reconnecting");
    expect(FakePeerConnection.all).toHaveLength(2);
    expect(offers().at(-1)).toMatchObject({
      webrtc_id: client.webrtcId,
      session_token: "token 2",
    });
    FakePeerConnection.last.connect();
    await settle();
    expect(changes.at(-1)).toMatchObject({ state: "connected", resumed: true });
    expect(resumed).toHaveBeenCalledExactlyOnceWith({ webrtcId: client.webrtcId });
    expect(client.sessionToken).toBe("token 3");
    expect(microphones.asked).toHaveLength(1);
    expect(microphones.tracks[0]?.isStopped).toBe(false);
    expect(server.bodies("/input_hook")).toMatchObject([
      { session_token: "token 1" },
      { session_token: "token 3" },
    ]);
    client.send("still there");
    expect(FakePeerConnection.last.channel.sent).toEqual(["still there"]);
  });

  test("says at first that it is no resumed one, and nothing of it when a path merely heals", async () => {
    await start();
    expect(changes.at(-1)).toMatchObject({ state: "connected", resumed: false });
    FakePeerConnection.last.move("disconnected");
    FakePeerConnection.last.move("connected");
    expect(changes.at(-1)).not.toHaveProperty("resumed");
  });

  test("seeks another path after two seconds of silence, and a new session when none is found", async () => {
    await start();
    const peer = FakePeerConnection.last;
    peer.move("disconnected");
    await vi.advanceTimersByTimeAsync(1900);
    expect(peer.offers).toBe(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(peer.offers).toBe(2);
    await vi.advanceTimersByTimeAsync(8000);
    expect(FakePeerConnection.all).toHaveLength(2);
  });

  test("takes a channel that closes while nothing comes through for a loss", async () => {
    const client = await start();
    FakePeerConnection.last.move("disconnected");
    FakePeerConnection.last.channel.hangUp();
    await settle();
    expect(client.state).toBe("reconnecting");
    expect(FakePeerConnection.all).toHaveLength(2);
  });

  test("survives losing the next path too, before and after it is up", async () => {
    const client = await start();
    await losePath();
    FakePeerConnection.last.move("failed");
    await vi.advanceTimersByTimeAsync(500);
    FakePeerConnection.last.connect();
    expect(client.state).toBe("connected");
    await losePath();
    FakePeerConnection.last.connect();
    expect(client.state).toBe("connected");
    expect(FakePeerConnection.all).toHaveLength(4);
    expect(FakePeerConnection.all.filter((peer) => peer.connectionState !== "closed")).toHaveLength(
      1,
    );
  });

  test.each([
    ["not_authorized", 401],
    ["unknown_connection", 404],
    ["connection_already_exists", 409],
    ["connection_closed", 410],
  ])("ends when the server refuses to go on with %s", async (error, status) => {
    const client = await start();
    refuse(error, status);
    await losePath();
    expect(changes.at(-1)).toMatchObject({
      state: "failed",
      error: { code: "resume-refused", status },
    });
    expect(microphones.tracks[0]?.isStopped).toBe(true);
    client.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("ends when no path comes in time", async () => {
    await start({ resumeTimeoutMs: 5000 });
    server.routes.set("/webrtc/offer", () => Promise.reject(new TypeError("unreachable")));
    await losePath();
    await vi.advanceTimersByTimeAsync(4900);
    expect(changes.at(-1)?.state).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(100);
    expect(changes.at(-1)).toMatchObject({ state: "failed", error: { code: "connection-lost" } });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("ends at once where resuming is switched off", async () => {
    await start({ resume: false });
    await losePath();
    expect(changes.at(-1)).toMatchObject({ state: "failed", error: { code: "ice-failed" } });
  });

  test("can be closed while it seeks a path, and leaves nothing behind", async () => {
    const client = await start();
    await losePath();
    client.close();
    await settle();
    expect(changes.at(-1)).toMatchObject({ state: "closed", closedBy: "client" });
    expect(vi.getTimerCount()).toBe(0);
    expect(FakePeerConnection.last.connectionState).toBe("closed");
  });

  test("tries at once when the browser is online again", async () => {
    const page = new EventTarget();
    vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
    vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
    await start();
    server.routes.set("/webrtc/offer", () => Promise.reject(new TypeError("unreachable")));
    await losePath();
    await vi.advanceTimersByTimeAsync(4000);
    const { length } = offers();
    page.dispatchEvent(new Event("online"));
    await settle();
    expect(offers()).toHaveLength(length + 1);
  });
});

describe("a session of an earlier page", () => {
  const earlier = { webrtcId: "kept", sessionToken: "kept token" };

  test("goes on with its id, its token and the parameters of this connect()", async () => {
    const client = await start({ params: { room: 1 } }, { ...earlier, params: { room: 2 } });
    expect(offers()).toMatchObject([
      { webrtc_id: "kept", session_token: "kept token", params: { room: 2 } },
    ]);
    expect(client.webrtcId).toBe("kept");
    expect(changes.at(-1)).toMatchObject({ resumed: true });
  });

  test("says so when the server has forgotten it, and may begin afresh", async () => {
    const client = new FastRTCClient({ url: "https://host.test", fetch: server.fetch });
    const accept = server.routes.get("/webrtc/offer")!;
    refuse("connection_closed", 410);
    await expect(client.connect(earlier)).rejects.toMatchObject({ code: "resume-refused" });
    server.routes.set("/webrtc/offer", accept);
    const connecting = client.connect();
    await settle();
    FakePeerConnection.last.connect();
    await connecting;
    expect(offers().at(-1)).not.toHaveProperty("session_token");
    expect(client.webrtcId).not.toBe("kept");
  });
});

test("a session that is closed while it connects does not stand in the next one's way", async () => {
  const client = new FastRTCClient({ url: "https://host.test", fetch: server.fetch });
  const first = client.connect();
  client.close();
  const second = client.connect();
  await expect(first).rejects.toMatchObject({ name: "AbortError" });
  await settle();
  expect(client.connect()).toBe(second);
  FakePeerConnection.last.connect();
  await second;
  expect(client.state).toBe("connected");
});

test("words of user and reply become events", async () => {
  const client = await start();
  const seen: unknown[] = [];
  client.on("transcript", (event) => seen.push(event));
  client.on("reply", (event) => seen.push(event));
  const transcript = { index: 1, text: "Hello", isFinal: true };
  const reply = { phase: "text", index: 1, text: "Hi." };
  FakePeerConnection.last.channel.receive({ type: "transcript", data: transcript });
  FakePeerConnection.last.channel.receive({ type: "reply", data: reply });
  expect(seen).toEqual([transcript, reply]);
});
