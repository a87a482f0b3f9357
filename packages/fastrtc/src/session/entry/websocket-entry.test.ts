import type { FailureResponse } from "@fastrtc/protocol";
import { describe, expect, it } from "vitest";
import { FakeSocket } from "../../../test/fake-socket.ts";
import { AuthenticationError, NegotiationError, SessionLimitError } from "../../errors.ts";
import { failureOf } from "../../http/failure.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import type { Transport, TransportCloseReason } from "../../transport/transport.ts";
import type { OpenedSession, SessionHost, SessionOpening } from "../admission/session-host.ts";
import type { Session } from "../session.ts";
import { WebSocketEntry } from "./websocket-entry.ts";

/** A host that lets everybody in, unless it is told otherwise. */
class FakeHost implements SessionHost {
  readonly openings: SessionOpening[] = [];
  readonly heard: number[] = [];
  readonly endings: TransportCloseReason[] = [];
  transport: Transport | undefined;
  refusal: Error | undefined;
  /** What `begin` waits for. */
  gate: Promise<void> = Promise.resolve();

  identify: SessionHost["identify"] = (arrival) => {
    const { user } = Object.fromEntries(new URL(arrival.request.url).searchParams);
    if (user === "stranger") return Promise.reject(new AuthenticationError());
    return Promise.resolve({ arrival, user });
  };

  async begin(opening: SessionOpening): Promise<OpenedSession> {
    this.openings.push(opening);
    await this.gate;
    if (this.refusal) throw this.refusal;
    this.transport = opening.createTransport();
    this.transport.open({
      onConnected: () => undefined,
      onAudio: ({ durationSamples }) => this.heard.push(durationSamples),
      onMessage: () => undefined,
      onClosed: (reason) => this.endings.push(reason),
    });
    this.transport.sendMessage({ type: "log", data: "early" });
    return { session: undefined as unknown as Session, sessionToken: "token", resumed: false };
  }
}

interface Setup {
  readonly clock: ManualClock;
  readonly host: FakeHost;
  readonly entry: WebSocketEntry;
  readonly connect: () => Promise<FakeSocket>;
}

function setUp(maxWaiting = 3): Setup {
  const clock = new ManualClock();
  const host = new FakeHost();
  const entry = new WebSocketEntry({
    host,
    clock,
    maxWaiting,
    audio: { inputSampleRate: 16_000, outputSampleRate: 24_000 },
    describeRefusal: (error) => failureOf(error).json() as Promise<FailureResponse>,
  });
  return {
    ...{ clock, host, entry },
    async connect() {
      const open = await entry.accept(new Request("http://test/"), { remoteAddress: "192.0.2.1" });
      const socket = new FakeSocket();
      open(socket);
      return socket;
    },
  };
}

const start = { event: "start", websocket_id: "abc" };
const media = { event: "media", media: { payload: Buffer.alloc(320).toString("base64") } };

describe("a WebSocket", () => {
  it("is not even opened for whom the application does not want", async () => {
    const { entry } = setUp();
    const request = new Request("http://test/?user=stranger");
    await expect(entry.accept(request, {})).rejects.toThrow(AuthenticationError);
  });

  it("begins a session with what its start and its request say", async () => {
    const { host, clock, connect } = setUp();
    const socket = await connect();
    socket.say({ ...start, params: { voice: "a" }, session_token: "old" });
    await clock.advanceAsync(0);
    const [opening] = host.openings;
    expect(opening).toMatchObject({
      webrtcId: "abc",
      params: { voice: "a" },
      sessionToken: "old",
      tellsToken: true,
      identity: { arrival: { transport: "websocket", remoteAddress: "192.0.2.1" } },
    });
    expect(socket.sent[0]).toMatchObject({ event: "started", session_token: "token" });
    expect(socket.sent[1]).toEqual({ type: "log", data: "early" });
  });

  it("tells FastRTC's clients nothing that they do not know", async () => {
    const { clock, connect } = setUp();
    const socket = await connect();
    socket.say(start);
    await clock.advanceAsync(0);
    expect(socket.of("started")).toEqual([]);
  });

  it("loses none of the audio that comes while the session begins", async () => {
    const { host, clock, connect } = setUp();
    let open = (): void => undefined;
    host.gate = new Promise((resolve) => (open = resolve));
    const socket = await connect();
    socket.say(start);
    for (let i = 0; i < 3; i++) socket.say(media);
    await clock.advanceAsync(0);
    expect(host.heard).toEqual([]);
    open();
    await clock.advanceAsync(0);
    socket.say(media);
    expect(host.heard).toEqual([320, 320, 320, 320]);
  });

  it("keeps a bounded amount of what comes while the session begins", async () => {
    const { host, clock, connect } = setUp();
    let open = (): void => undefined;
    host.gate = new Promise((resolve) => (open = resolve));
    const socket = await connect();
    socket.say(start);
    for (let i = 0; i < 5_000; i++) socket.say(media);
    open();
    await clock.advanceAsync(0);
    expect(host.heard).toHaveLength(256);
  });

  it("ends its session when it went while that began", async () => {
    const { host, clock, connect } = setUp();
    let open = (): void => undefined;
    host.gate = new Promise((resolve) => (open = resolve));
    const socket = await connect();
    socket.say(start);
    socket.leave();
    open();
    await clock.advanceAsync(0);
    expect(host.endings).toEqual(["lost"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([
    [new SessionLimitError(3, 5), "concurrency_limit_reached", 1013],
    [new NegotiationError("", { reason: "connection_already_exists" }), undefined, 4409],
    [new NegotiationError("", { reason: "invalid_request" }), undefined, 4422],
    [new NegotiationError("", { reason: "server_closing" }), undefined, 1001],
    [new AuthenticationError(), "not_authorized", 4401],
    [new Error("secret"), "internal_error", 1011],
  ] as const)("reads why it is refused: %s", async (refusal, word, code) => {
    const { host, clock, connect } = setUp();
    host.refusal = refusal;
    const socket = await connect();
    socket.say(start);
    await clock.advanceAsync(0);
    const error = word ?? refusal.reason;
    expect(socket.sent).toEqual([
      { status: "failed", meta: expect.objectContaining({ error }) as unknown },
    ]);
    expect(JSON.stringify(socket.sent)).not.toContain("secret");
    expect(socket.closing?.code).toBe(code);
    expect(clock.pendingTimers).toBe(0);
  });

  it("is refused where its start does not fit, and reads what is wrong", async () => {
    const { clock, connect } = setUp();
    const socket = await connect();
    socket.say({ ...start, audio: { codec: "mp3" } });
    await clock.advanceAsync(0);
    expect(JSON.stringify(socket.sent)).toContain("audio.codec");
    expect(socket.closing?.code).toBe(4422);
  });
});

describe("a WebSocket without a start", () => {
  it.each([
    ["audio", media],
    ["binary audio", new Uint8Array(320)],
    ["a text", { hello: 1 }],
  ])("is told and closed when %s comes first", async (_what, message) => {
    const { entry, clock, connect } = setUp();
    const socket = await connect();
    socket.say(message);
    expect(socket.of("error")).toHaveLength(1);
    expect(socket.closing?.code).toBe(4400);
    expect([entry.waitingCount, clock.pendingTimers]).toEqual([0, 0]);
  });

  it("may ping, and leave", async () => {
    const { entry, connect } = setUp();
    const socket = await connect();
    socket.say({ event: "ping" });
    socket.say({ event: "stop" });
    expect(socket.sent).toEqual([{ event: "pong" }]);
    expect(socket.closing?.code).toBe(1000);
    expect(entry.waitingCount).toBe(0);
  });

  it("is closed after ten seconds", async () => {
    const { entry, clock, connect } = setUp();
    const socket = await connect();
    clock.advance(9_999);
    expect(socket.closing).toBeUndefined();
    clock.advance(1);
    expect(socket.closing?.code).toBe(4408);
    expect(entry.waitingCount).toBe(0);
  });

  it("is closed after a few messages that cannot be read", async () => {
    const { connect } = setUp();
    const socket = await connect();
    for (let i = 0; i < 6; i++) socket.say("{");
    expect(socket.of("error")).toHaveLength(6);
    expect(socket.closing?.code).toBe(4400);
  });

  it("makes room for a newer one when there are too many, and never more are kept", async () => {
    const { host, entry, clock, connect } = setUp(3);
    const sockets: FakeSocket[] = [];
    for (let i = 0; i < 1_000; i++) sockets.push(await connect());
    expect(entry.waitingCount).toBe(3);
    expect(clock.pendingTimers).toBe(3);
    expect(sockets.filter(({ closing }) => closing?.code === 1013)).toHaveLength(997);
    sockets.at(-3)?.say(start);
    await clock.advanceAsync(0);
    expect(host.openings).toHaveLength(1);
    expect(entry.waitingCount).toBe(2);
  });

  it("is closed with the stream, and so is one that comes later", async () => {
    const { entry, connect } = setUp();
    const early = await connect();
    const open = await entry.accept(new Request("http://test/"), {});
    entry.close();
    const late = new FakeSocket();
    open(late);
    expect([early.closing?.code, late.closing?.code]).toEqual([1001, 1001]);
    await expect(entry.accept(new Request("http://test/"), {})).rejects.toThrow(NegotiationError);
  });
});
