/** One caller of the echo bench: a WebRTC client of libdatachannel's, so that none of ours is in it. */

import { randomInt, randomUUID } from "node:crypto";
import nodeDataChannel from "node-datachannel";
import type { DataChannel, PeerConnection, Track } from "node-datachannel";

const PAYLOAD_TYPE = 111;
const FRAME_SAMPLES = 960;
const HEADER_BYTES = 12;
const CONNECT_TIMEOUT_MS = 10_000;
/** libdatachannel as the offering side fails now and then. */
const MAX_TRIES = 4;

/** How long it took a caller to get through. */
export interface OpenTimes {
  readonly offerToAnswerMs: number;
  readonly offerToConnectedMs: number;
}

/** An open caller: sends packets of Opus, and hears what comes back. */
export class Caller {
  /** How long it took. */
  readonly times: OpenTimes;
  /** How often it had to be tried again. */
  readonly retries: number;
  /** Takes the Opus of each packet that comes back. */
  onAudio: (payload: Uint8Array) => void = () => undefined;
  readonly #peer: PeerConnection;
  readonly #track: Track;
  // Held, because a channel that is collected is closed, and then the server hangs up.
  readonly #channel: DataChannel;
  readonly #ssrc: number;
  #sequence = 0;
  #timestamp = randomInt(0, 2 ** 31);
  #received = 0;

  private constructor(parts: ConnectedPeer, retries: number) {
    this.times = parts.times;
    this.retries = retries;
    this.#peer = parts.peer;
    this.#track = parts.track;
    this.#channel = parts.channel;
    this.#ssrc = parts.ssrc;
    this.#track.onMessage((packet) => this.#receive(packet));
  }

  /**
   * Calls a server.
   *
   * @throws when it did not get through although tried repeatedly.
   */
  static async open(url: string): Promise<Caller> {
    for (let retries = 0; ; retries++) {
      try {
        return new Caller(await connect(url), retries);
      } catch (error) {
        if (retries + 1 >= MAX_TRIES) throw error;
        console.error(`A call is tried again: ${String(error)}`);
      }
    }
  }

  /** Packets sent so far. */
  get sent(): number {
    return this.#sequence;
  }

  /** Packets that came back so far. */
  get received(): number {
    return this.#received;
  }

  /** Sends 20 ms. */
  send(payload: Uint8Array): void {
    const packet = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
    packet[0] = 0x80;
    packet[1] = PAYLOAD_TYPE;
    packet.writeUInt16BE(this.#sequence & 0xffff, 2);
    packet.writeUInt32BE(this.#timestamp >>> 0, 4);
    packet.writeUInt32BE(this.#ssrc, 8);
    packet.set(payload, HEADER_BYTES);
    this.#sequence++;
    this.#timestamp += FRAME_SAMPLES;
    this.#track.sendMessageBinary(packet);
  }

  /** Hangs up. */
  close(): void {
    this.#channel.close();
    this.#peer.close();
  }

  #receive(packet: Buffer): void {
    // RTCP comes by here too.
    if (((packet[1] ?? 0) & 0x7f) !== PAYLOAD_TYPE) return;
    this.#received++;
    const hasExtension = ((packet[0] ?? 0) & 0x10) !== 0;
    const extensionBytes = hasExtension ? 4 + 4 * packet.readUInt16BE(HEADER_BYTES + 2) : 0;
    this.onAudio(packet.subarray(HEADER_BYTES + extensionBytes));
  }
}

interface ConnectedPeer {
  readonly peer: PeerConnection;
  readonly track: Track;
  readonly channel: DataChannel;
  readonly ssrc: number;
  readonly times: OpenTimes;
}

async function connect(url: string): Promise<ConnectedPeer> {
  const ssrc = randomInt(1, 2 ** 31);
  const peer = new nodeDataChannel.PeerConnection("caller", {
    iceServers: [],
    bindAddress: "127.0.0.1",
    disableAutoNegotiation: true,
  });
  try {
    const audio = new nodeDataChannel.Audio("0", "SendRecv");
    audio.addOpusCodec(PAYLOAD_TYPE);
    audio.addSSRC(ssrc, "caller", "caller", "audio");
    const track = peer.addTrack(audio);
    const channel = peer.createDataChannel("text");
    const sdp = await gatherOffer(peer);

    const offeredAt = performance.now();
    const answerSdp = await postOffer(url, sdp);
    const offerToAnswerMs = performance.now() - offeredAt;
    peer.setRemoteDescription(answerSdp, "answer");
    await untilConnected(peer);
    const offerToConnectedMs = performance.now() - offeredAt;
    await untilOpen(track);
    return { peer, track, channel, ssrc, times: { offerToAnswerMs, offerToConnectedMs } };
  } catch (error) {
    peer.close();
    throw error;
  }
}

function gatherOffer(peer: PeerConnection): Promise<string> {
  return new Promise((resolve) => {
    peer.onGatheringStateChange((state) => {
      if (state === "complete") resolve(peer.localDescription()?.sdp ?? "");
    });
    peer.setLocalDescription("offer");
  });
}

async function postOffer(url: string, sdp: string): Promise<string> {
  const response = await fetch(`${url}/webrtc/offer`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ type: "offer", sdp, webrtc_id: randomUUID() }),
  });
  const answer = (await response.json()) as { readonly sdp?: string };
  if (answer.sdp === undefined) throw new Error(`No answer: ${JSON.stringify(answer)}`);
  return answer.sdp;
}

function untilConnected(peer: PeerConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("not connected in time")), CONNECT_TIMEOUT_MS);
    const look = (state: string): void => {
      if (state !== "connected" && state !== "failed" && state !== "closed") return;
      clearTimeout(timer);
      if (state === "connected") resolve();
      else reject(new Error(`the connection is ${state}`));
    };
    peer.onStateChange(look);
    look(peer.state());
  });
}

function untilOpen(track: Track): Promise<void> {
  if (track.isOpen()) return Promise.resolve();
  return new Promise((resolve) => track.onOpen(resolve));
}
