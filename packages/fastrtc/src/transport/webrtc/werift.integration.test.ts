import { createSocket } from "node:dgram";
import {
  crc32c,
  MediaStreamTrack,
  RTCPeerConnection,
  RtpPacket,
  RtpHeader,
  useOPUS,
  type RTCDataChannel,
} from "werift";
import { afterEach, describe, expect, it, vi } from "vitest";
import { NegotiationError } from "../../errors.ts";
import { systemClock, type Clock } from "../../media/clock.ts";
import type { InboundRtp, RtcPeer, RtcPeerOptions, RtcPeerState } from "./backend.ts";
import { inspectOffer } from "./offer.ts";
import { UdpSocket } from "./udp-socket.ts";
import { createWeriftBackend } from "./werift.ts";

const OPTIONS: RtcPeerOptions = {
  iceServers: [],
  audioDirection: "sendrecv",
  includeLoopback: true,
};
const SETTLE_MS = 300;

interface Server {
  readonly peer: RtcPeer;
  readonly states: RtcPeerState[];
  readonly packets: InboundRtp[];
  readonly texts: string[];
  readonly channel: { opened: number; closed: number };
}

interface Client {
  readonly connection: RTCPeerConnection;
  readonly channel: RTCDataChannel;
  readonly microphone: MediaStreamTrack;
  readonly heard: RtpPacket[];
  readonly texts: string[];
}

const servers: Server[] = [];
const clients: Client[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map(({ peer }) => peer.close()));
  await Promise.all(clients.splice(0).map(({ connection }) => connection.close()));
});

function createServer(options: Partial<RtcPeerOptions> = {}, clock: Clock = systemClock): Server {
  const states: RtcPeerState[] = [];
  const packets: InboundRtp[] = [];
  const texts: string[] = [];
  const channel = { opened: 0, closed: 0 };
  const peer = createWeriftBackend({ clock }).createPeer(
    { ...OPTIONS, ...options },
    {
      onStateChange: (state) => states.push(state),
      onRtp: (packet) => packets.push({ ...packet, payload: Buffer.from(packet.payload) }),
      onChannelOpen: () => channel.opened++,
      onChannelMessage: (text) => texts.push(text),
      onChannelClosed: () => channel.closed++,
    },
  );
  const server = { peer, states, packets, texts, channel };
  servers.push(server);
  return server;
}

function createClient(): Client {
  const connection = new RTCPeerConnection({ iceServers: [], codecs: { audio: [useOPUS()] } });
  const microphone = new MediaStreamTrack({ kind: "audio" });
  connection.addTransceiver(microphone, { direction: "sendrecv" });
  const channel = connection.createDataChannel("text");
  const heard: RtpPacket[] = [];
  const texts: string[] = [];
  channel.onMessage.subscribe((message) => texts.push(message.toString()));
  connection.onTrack.subscribe((track) => {
    track.onReceiveRtp.subscribe((packet) => heard.push(packet));
  });
  const client = { connection, channel, microphone, heard, texts };
  clients.push(client);
  return client;
}

async function offerOf({ connection }: Client): Promise<string> {
  await connection.setLocalDescription(await connection.createOffer());
  return connection.localDescription!.sdp;
}

async function connect(
  server: Server,
  client: Client,
  alter = (sdp: string): string => sdp,
): Promise<void> {
  const offer = alter(await offerOf(client));
  const sdp = await server.peer.answer(offer);
  await client.connection.setRemoteDescription({ type: "answer", sdp });
  await until(() => server.channel.opened > 0 && client.channel.readyState === "open");
}

async function until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error("The condition did not come true in time.");
    await pause(5);
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}

function speak(
  { microphone }: Client,
  sequenceNumber: number,
  payload = Buffer.from("opus"),
): void {
  const header = new RtpHeader({
    sequenceNumber,
    timestamp: sequenceNumber * 960,
    payloadType: 96,
    ssrc: 1,
  });
  microphone.writeRtp(new RtpPacket(header, payload));
}

const withoutCandidates = (sdp: string): string => sdp.replace(/a=candidate.*\r\n/g, "");

describe("the werift backend", () => {
  it("answers at once, with its candidates inside", async () => {
    const server = createServer();
    const sdp = await offerOf(createClient());
    await server.peer.answer(sdp);
    const fresh = createServer();
    const startedAt = performance.now();
    const answer = await fresh.peer.answer(sdp);
    expect(performance.now() - startedAt).toBeLessThan(100);
    expect(
      inspectOffer(answer.replace(/a=setup:passive/g, "a=setup:actpass")).candidates.length,
    ).toBeGreaterThan(0);
    expect(answer).toContain("a=end-of-candidates");
    expect(fresh.states).toEqual(["connecting"]);
  });

  it("carries RTP and text both ways", async () => {
    const server = createServer();
    const client = createClient();
    await connect(server, client);
    expect(server.states).toEqual(["connecting", "connected"]);
    for (let sequence = 1; sequence <= 20; sequence++)
      speak(client, sequence, Buffer.from(`packet ${sequence}`));
    await until(() => server.packets.length === 20);
    expect(Buffer.from(server.packets[4]!.payload).toString()).toBe("packet 5");
    expect(server.packets[5]!.timestamp - server.packets[4]!.timestamp).toBe(960);
    for (let index = 0; index < 20; index++) {
      server.peer.sendRtp({
        timestamp: index * 960,
        marker: index === 0,
        payload: Buffer.from(`reply ${index}`),
      });
    }
    await until(() => client.heard.length === 20);
    expect(client.heard[7]!.payload.toString()).toBe("reply 7");
    expect(server.peer.sendText("to the client: ü")).toBe(true);
    client.channel.send("to the server: ü");
    await until(() => client.texts.length === 1 && server.texts.length === 1);
    expect([client.texts[0], server.texts[0]]).toEqual(["to the client: ü", "to the server: ü"]);
  });

  it("reports the round trip and losses of what it sends", async () => {
    const server = createServer();
    const client = createClient();
    await connect(server, client);
    const talk = setInterval(() => {
      server.peer.sendRtp({ timestamp: 0, marker: false, payload: Buffer.from("x") });
    }, 20);
    await until(() => server.peer.stats().outboundLossShare !== undefined);
    clearInterval(talk);
    expect(server.peer.stats()).toMatchObject({ outboundLossShare: 0 });
    expect(server.peer.stats().roundTripMs).toBeLessThan(1000);
  });

  it("finds a client that tells no candidates and never trickles", async () => {
    const server = createServer();
    await connect(server, createClient(), withoutCandidates);
    expect(server.states).toEqual(["connecting", "connected"]);
  });

  it("finds a client whose candidates are mDNS names, also trickled ones", async () => {
    const server = createServer();
    const name = "2797d4c3-c686-4c07-9cb9-3aa727dd0585.local";
    await connect(server, createClient(), (sdp) => {
      const hidden = sdp.replace(/(a=candidate:\S+ \d udp \d+) \S+/g, `$1 ${name}`);
      expect(hidden).toContain(name);
      return hidden;
    });
    await server.peer.addCandidate(`candidate:0 1 UDP 2122187007 ${name} 50000 typ host`, "0", 0);
    await server.peer.addCandidate("", "0", 0);
    expect(server.states).toEqual(["connecting", "connected"]);
  });

  it("checks candidates that came before the offer, and only those that a stranger may name", async () => {
    const { address, port, received, close } = await listen();
    const line = `candidate:1 1 udp 2122187007 ${address} ${port} typ host`;
    const offer = withoutCandidates(await offerOf(createClient()));
    const closed = createServer({ includeLoopback: false });
    await closed.peer.addCandidate(line, "0", 0);
    await closed.peer.answer(offer);
    await pause(SETTLE_MS);
    expect(received()).toBe(0);
    const open = createServer({ includeLoopback: true });
    for (let index = 0; index < 100; index++) await open.peer.addCandidate(line, "0", 0);
    await open.peer.answer(offer);
    await until(() => received() > 0);
    close();
  });

  it("tells a malformed candidate from one that it will not use", async () => {
    const { peer } = createServer();
    await expect(peer.addCandidate("nonsense", "0", 0)).rejects.toThrow(NegotiationError);
    await expect(
      peer.addCandidate("candidate:1 1 udp 1 169.254.169.254 80 typ host", "0", 0),
    ).resolves.toBeUndefined();
  });

  it("closes when its first offer is refused, and goes on when a later one is", async () => {
    const refused = createServer();
    await expect(refused.peer.answer("v=0\r\n")).rejects.toThrow(NegotiationError);
    expect(refused.states).toEqual(["closed"]);
    const server = createServer();
    const client = createClient();
    await connect(server, client);
    await expect(server.peer.answer("v=0\r\n")).rejects.toThrow(NegotiationError);
    speak(client, 1);
    await until(() => server.packets.length === 1);
    expect(server.states).toEqual(["connecting", "connected"]);
  });

  it("hears at once that the client closed the channel, or aborted all of them", async () => {
    const first = createServer();
    const client = createClient();
    await connect(first, client);
    client.channel.close();
    await until(() => first.channel.closed === 1, 1000);
    const second = createServer();
    const other = createClient();
    await connect(second, other);
    await other.connection.sctp!.stop();
    await until(() => second.channel.closed === 1, 1000);
  });

  it("takes what is longer than it allows for nothing, and goes on", async () => {
    const server = createServer();
    const client = createClient();
    await connect(server, client);
    client.connection.sctp!.setRemoteMaxMessageSize(0);
    client.channel.send("x".repeat(1_000_000));
    client.channel.send(Buffer.alloc(100));
    client.channel.send("after");
    await until(() => server.texts.length > 0);
    expect(server.texts).toEqual(["after"]);
    expect(server.channel.closed).toBe(0);
  });

  it("survives garbage from the network and from its own client", async () => {
    const faults: unknown[] = [];
    const onFault = (error: unknown): void => void faults.push(error);
    process.on("unhandledRejection", onFault);
    process.on("uncaughtException", onFault);
    const server = createServer();
    const client = createClient();
    await connect(server, client);
    const ice = client.connection.iceTransports[0]!.connection;
    const dtls = client.connection.dtlsTransports[0]!;
    const { remoteVerificationTag } = client.connection.sctp!.sctp as unknown as {
      remoteVerificationTag: number;
    };
    const random = mulberry(42);
    const socket = createSocket("udp4");
    const target = ice.nominated!.remoteAddr;
    for (let round = 0; round < 400; round++) {
      const bytes = Buffer.from(
        Array.from({ length: 1 + Math.floor(random() * 200) }, () => Math.floor(random() * 256)),
      );
      // Each kind that the socket tells apart: STUN, DTLS, RTP, RTCP, nothing.
      const [kind = 0] = [[0, 1], [22, 254, 253], [128, 111], [128, 200], [77]][round % 5]!;
      bytes.fill(kind, 0, 1);
      await ice.send(bytes);
      await dtls.sendData(sctpGarbage(bytes, round, remoteVerificationTag));
      if (target[0].includes(".")) socket.send(bytes, target[1], target[0]);
    }
    await pause(SETTLE_MS);
    socket.close();
    speak(client, 1);
    await until(() => server.packets.length === 1);
    client.channel.send("still here");
    await until(() => server.texts.length === 1);
    process.off("unhandledRejection", onFault);
    process.off("uncaughtException", onFault);
    expect(faults).toEqual([]);
  });

  it("leaves no socket and no timer behind, however often it connects and closes", async () => {
    const clock = countingClock();
    // Ours alone: the clients are werift's own, and share the process.
    const sockets: UdpSocket[] = [];
    const bind = UdpSocket.bind.bind(UdpSocket);
    vi.spyOn(UdpSocket, "bind").mockImplementation(async (...place) => {
      const socket = await bind(...place);
      sockets.push(socket);
      return socket;
    });
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 10 }, async (_, index) => {
          const server = createServer({}, clock);
          const client = createClient();
          // Some never connect, some are closed while they answer, most live.
          if (index === 0) await server.peer.answer(await offerOf(client));
          else if (index === 1) server.peer.answer(await offerOf(client)).catch(() => undefined);
          else await connect(server, client);
          await server.peer.close();
          await client.connection.close();
        }),
      );
    }
    await until(() => sockets.every(({ closed }) => closed));
    expect(sockets.length).toBeGreaterThanOrEqual(100);
    vi.restoreAllMocks();
    expect(clock.pending()).toBe(0);
    const timeouts = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    // werift's DTLS client and its checks sleep for some seconds more; a leak would stay.
    await until(() => timeouts() <= 2, 15_000);
  });

  it("takes its ports from a range, and says so when none is free", async () => {
    const portRange = [47_310, 47_310] as const;
    const first = createServer({ portRange });
    const offer = await offerOf(createClient());
    const answer = await first.peer.answer(offer);
    expect(/a=candidate:\S+ 1 udp \d+ \S+ (\d+)/.exec(answer)?.[1]).toBe("47310");
    const second = createServer({ portRange });
    await expect(second.peer.answer(offer)).rejects.toThrow(/47310/);
    expect(second.states).toEqual(["closed"]);
  });
});

async function listen(): Promise<{
  address: string;
  port: number;
  received: () => number;
  close: () => void;
}> {
  const socket = createSocket("udp4");
  let count = 0;
  socket.on("message", () => count++);
  await new Promise<void>((resolve) => {
    socket.bind(0, "127.0.0.1", resolve);
  });
  return {
    address: "127.0.0.1",
    port: socket.address().port,
    received: () => count,
    close: () => socket.close(),
  };
}

// Packets with the right tag and checksum, as only the session's own client can make them: a chunk of
// length zero, an unknown one, one that is cut, an INIT beside another chunk, noise.
function sctpGarbage(bytes: Buffer, round: number, tag: number): Buffer {
  const chunks = [
    Buffer.from([7, 0, 0, 0]),
    Buffer.from([77, 0, 0, 4]),
    Buffer.from([0, 3, 255, 255]),
    Buffer.concat([
      Buffer.from([1, 0, 0, 20]),
      Buffer.alloc(16),
      Buffer.from([7, 0, 0, 8, 0, 0, 0, 0]),
    ]),
    Buffer.concat([Buffer.from([130, 0, 0, 8]), Buffer.from([0, 13, 0, 0])]),
    Buffer.concat([
      Buffer.from([3, 0, 0, 20]),
      Buffer.alloc(8),
      Buffer.from([0, 1, 0, 0, 0, 1, 255, 255]),
    ]),
    bytes,
  ];
  const packet = Buffer.concat([Buffer.alloc(12), chunks[round % chunks.length]!]);
  packet.writeUInt16BE(5000, 0);
  packet.writeUInt16BE(5000, 2);
  packet.writeUInt32BE(tag, 4);
  packet.writeUInt32LE(crc32c(packet), 8);
  return packet;
}

function countingClock(): Clock & { pending: () => number } {
  let pending = 0;
  return {
    now: () => systemClock.now(),
    setTimeout: (callback, delayMs) => {
      pending++;
      let isOver = false;
      const end = (): void => {
        if (!isOver) pending--;
        isOver = true;
      };
      const timer = systemClock.setTimeout(() => {
        end();
        callback();
      }, delayMs);
      return {
        cancel: () => {
          timer.cancel();
          end();
        },
      };
    },
    pending: () => pending,
  };
}

// A small seeded generator, so that a failure can be repeated.
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
