import { parseServerMessage } from "@fastrtc/protocol";
import { describe, expect, it } from "vitest";
import { NegotiationError } from "../../errors.ts";
import type { EncodedChunk } from "../../media/encoded-chunk.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import type {
  OutboundRtp,
  RtcBackend,
  RtcPeer,
  RtcPeerListener,
  RtcPeerOptions,
} from "./backend.ts";
import { WebRtcTransport } from "./webrtc-transport.ts";

const OPTIONS: RtcPeerOptions = { iceServers: [], audioDirection: "sendrecv" };

class FakePeer implements RtcPeer {
  readonly canRetransmit = false;
  readonly sentRtp: OutboundRtp[] = [];
  readonly sentTexts: string[] = [];
  readonly listener: RtcPeerListener;
  closed = 0;
  isFull = false;
  refuses = false;

  constructor(listener: RtcPeerListener) {
    this.listener = listener;
  }

  async answer(): Promise<string> {
    if (!this.refuses) return "answer";
    this.listener.onStateChange("closed");
    throw new NegotiationError("no");
  }

  addCandidate(): Promise<void> {
    return Promise.resolve();
  }

  sendRtp(packet: OutboundRtp): void {
    this.sentRtp.push(packet);
  }

  requestRetransmission(): void {
    // This caller has not agreed to it.
  }

  sendText(text: string): boolean {
    if (text.includes("too long")) throw new Error("too long");
    if (!this.isFull) this.sentTexts.push(text);
    return !this.isFull;
  }

  stats(): { roundTripMs: number } {
    return { roundTripMs: 5 };
  }

  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }
}

function create(options: Partial<RtcPeerOptions> = {}): {
  transport: WebRtcTransport;
  peer: FakePeer;
  clock: ManualClock;
  events: string[];
} {
  const clock = new ManualClock();
  const events: string[] = [];
  let peer: FakePeer | undefined;
  const backend: RtcBackend = {
    name: "fake",
    createPeer: (_options, listener) => (peer = new FakePeer(listener)),
  };
  const transport = new WebRtcTransport({
    backend,
    peer: { ...OPTIONS, ...options },
    durationOf: () => 960,
    clock,
  });
  transport.open({
    onConnected: () => events.push("connected"),
    onAudio: ({ timestamp, data }) => events.push(`audio ${timestamp} ${data?.length ?? "lost"}`),
    onMessage: (text) => events.push(`message ${text}`),
    onClosed: (reason) => events.push(`closed ${reason}`),
  });
  return { transport, peer: peer!, clock, events };
}

function chunk(timestamp: number): EncodedChunk {
  return { data: new Uint8Array(10), timestamp, durationSamples: 960 };
}

function logged(text: string): string {
  const message = parseServerMessage(text);
  return message?.type === "log" ? message.data : "";
}

describe("WebRtcTransport", () => {
  it("gives out the caller's audio once it is connected", () => {
    const { peer, events } = create();
    peer.listener.onStateChange("connecting");
    peer.listener.onStateChange("connected");
    const packet = {
      timestamp: 960,
      payloadType: 111,
      ssrc: 1,
      marker: false,
      payload: new Uint8Array(7),
    };
    peer.listener.onRtp({ ...packet, sequenceNumber: 1 });
    peer.listener.onRtp({ ...packet, sequenceNumber: 2, timestamp: 1920 });
    expect(events).toEqual([
      "connected",
      expect.stringMatching(/ 7$/),
      expect.stringMatching(/ 7$/),
    ]);
  });

  it("marks the first packet after silence, and keeps the distance of timestamps", () => {
    const { transport, peer } = create();
    transport.sendAudio(chunk(0));
    expect(peer.sentRtp).toEqual([]);
    peer.listener.onStateChange("connected");
    for (const timestamp of [0, 960, 9600, 10_560]) transport.sendAudio(chunk(timestamp));
    expect(peer.sentRtp.map((packet) => packet.marker)).toEqual([true, false, true, false]);
    const [first, , third] = peer.sentRtp;
    expect((third!.timestamp - first!.timestamp) >>> 0).toBe(9600);
    expect(transport.stats()).toMatchObject({ chunksSent: 4, roundTripMs: 5 });
  });

  it("keeps timestamps within 32 bits", () => {
    const { transport, peer } = create();
    peer.listener.onStateChange("connected");
    for (let index = 0; index < 8; index++) transport.sendAudio(chunk(index * 2 ** 30));
    for (const { timestamp } of peer.sentRtp) expect(timestamp).toBe(timestamp >>> 0);
  });

  it("keeps the newest 64 messages until the channel opens", () => {
    const { transport, peer } = create();
    for (let index = 0; index < 70; index++)
      transport.sendMessage({ type: "log", data: String(index) });
    expect(peer.sentTexts).toEqual([]);
    peer.listener.onChannelOpen();
    expect(peer.sentTexts).toHaveLength(64);
    expect(logged(peer.sentTexts[0]!)).toBe("6");
    transport.sendMessage({ type: "log", data: "now" });
    expect(logged(peer.sentTexts.at(-1)!)).toBe("now");
  });

  it("tries again when the channel's buffer was full, in order", () => {
    const { transport, peer, clock } = create();
    peer.listener.onChannelOpen();
    peer.isFull = true;
    transport.sendMessage({ type: "log", data: "a" });
    transport.sendMessage({ type: "log", data: "b" });
    clock.advance(200);
    peer.isFull = false;
    clock.advance(50);
    expect(peer.sentTexts.map(logged)).toEqual(["a", "b"]);
  });

  it("drops a message that is too long for the client, and sends those behind it", () => {
    const { transport, peer } = create();
    transport.sendMessage({ type: "log", data: "too long" });
    transport.sendMessage({ type: "log", data: "short" });
    peer.listener.onChannelOpen();
    expect(peer.sentTexts.map(logged)).toEqual(["short"]);
  });

  it("gives up after 30 s without a connection, and frees everything", async () => {
    const { peer, clock, events } = create();
    peer.listener.onStateChange("connecting");
    await clock.advanceAsync(29_999);
    expect(events).toEqual([]);
    await clock.advanceAsync(1);
    expect(events).toEqual(["closed never-connected"]);
    expect(peer.closed).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([
    ["remote", (peer: FakePeer) => peer.listener.onChannelClosed()],
    ["lost", (peer: FakePeer) => peer.listener.onStateChange("failed")],
  ] as const)("ends as %s once, with nothing after it", async (reason, end) => {
    const { transport, peer, clock, events } = create();
    peer.listener.onStateChange("connected");
    end(peer);
    end(peer);
    await transport.close();
    peer.listener.onChannelMessage("late");
    transport.sendAudio(chunk(0));
    transport.sendMessage({ type: "log", data: "late" });
    await clock.advanceAsync(60_000);
    expect(events).toEqual(["connected", `closed ${reason}`]);
    expect(peer.sentRtp).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("ends as local when it is closed here, and as failed when it breaks before it connects", async () => {
    const here = create();
    await here.transport.close();
    expect(here.events).toEqual(["closed local"]);
    const broken = create();
    broken.peer.listener.onStateChange("failed");
    await broken.clock.advanceAsync(0);
    expect(broken.events).toEqual(["closed failed"]);
  });

  it("ends all the same where the stack fails to close", async () => {
    const { transport, peer, events } = create();
    peer.close = () => Promise.reject(new Error("socket is gone"));
    peer.listener.onStateChange("connected");
    peer.listener.onStateChange("failed");
    await transport.close();
    expect(events).toEqual(["connected", "closed lost"]);
  });

  it("ends when its first offer is refused", async () => {
    const { transport, peer, clock, events } = create();
    peer.refuses = true;
    await expect(transport.answer("sdp")).rejects.toThrow(NegotiationError);
    await clock.advanceAsync(0);
    expect(events).toEqual(["closed failed"]);
  });

  it("has only the formats that its direction allows", () => {
    expect(create({ audioDirection: "recvonly" }).transport.outputFormat).toBeUndefined();
    expect(create({ audioDirection: "sendonly" }).transport.inputFormat).toBeUndefined();
    expect(create().transport.inputFormat).toEqual({
      codec: "opus",
      sampleRate: 48_000,
      channels: 1,
    });
  });
});
