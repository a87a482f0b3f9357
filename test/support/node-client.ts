/**
 * A FastRTC client without a browser: one peer connection of libdatachannel, which is no code of
 * ours, with a microphone track and the data channel "text". Speaks Opus, and keeps what it hears.
 */

import { randomInt, randomUUID } from "node:crypto";
import { parseServerMessage, type ServerMessage } from "@fastrtc/protocol";
import { AudioFrame } from "fastrtc";
import { Audio, PeerConnection, type DataChannel, type Track } from "node-datachannel";
import { createDecoder, createEncoder } from "../../packages/fastrtc/src/codec/create-codec.ts";
import { postJson, type JsonReply } from "./post-json.ts";

const OPUS = { codec: "opus", sampleRate: 48_000, channels: 1 } as const;
const PAYLOAD_TYPE = 111;
const FRAME_MS = 20;
const FRAME_SAMPLES = 960;
const CONNECT_TIMEOUT_MS = 15_000;

/** What goes with an offer besides what every client sends. */
export interface OfferExtras {
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An offer was refused. */
export class OfferRefusal extends Error {
  override readonly name = "OfferRefusal";
  readonly reply: JsonReply;

  constructor(reply: JsonReply) {
    super(`${reply.status} ${JSON.stringify(reply.body)}`);
    this.reply = reply;
  }
}

/** One caller. */
export class NodeClient {
  readonly webrtcId: string;
  /** Everything that the server has said on the data channel. */
  readonly messages: ServerMessage[] = [];
  /** When each packet of sound came, in milliseconds as `performance.now()` tells them. */
  readonly arrivals: number[] = [];
  /** Set once the channel has closed, by whichever side. */
  isChannelClosed = false;
  /** The token that came with the last answer. */
  sessionToken: string | undefined;
  readonly #connection: PeerConnection;
  readonly #channel: DataChannel;
  readonly #track: Track;
  readonly #decoder = createDecoder(OPUS, 48_000, 1);
  readonly #heard: Int16Array[] = [];
  readonly #ssrc = randomInt(1, 2 ** 32);
  #sequenceNumber = randomInt(0, 2 ** 16);
  #timestamp = randomInt(0, 2 ** 32);
  #isClosed = false;

  constructor(webrtcId: string = randomUUID()) {
    this.webrtcId = webrtcId;
    this.#connection = new PeerConnection("test", { iceServers: [] });
    const audio = new Audio("0", "SendRecv");
    audio.addOpusCodec(PAYLOAD_TYPE);
    audio.addSSRC(this.#ssrc, "test", "test", "test");
    this.#track = this.#connection.addTrack(audio);
    this.#track.onMessage((packet) => {
      this.#hear(packet);
    });
    this.#channel = this.#connection.createDataChannel("text");
    this.#channel.onMessage((text) => {
      const message = typeof text === "string" ? parseServerMessage(text) : undefined;
      if (message) this.messages.push(message);
    });
    this.#channel.onClosed(() => {
      this.isChannelClosed = true;
    });
  }

  /** Makes an offer with all of its candidates. */
  async offer(): Promise<string> {
    if (this.#connection.gatheringState() !== "complete") {
      await new Promise<void>((resolve) => {
        this.#connection.onGatheringStateChange((state) => {
          if (state === "complete") resolve();
        });
        this.#connection.setLocalDescription("offer");
      });
    }
    return this.#connection.localDescription()?.sdp ?? "";
  }

  /**
   * Posts the offer and takes the answer; does not wait for the connection.
   *
   * @param url - Where the stream is mounted, with a slash at the end.
   */
  async negotiate(url: string, offer: OfferExtras = {}): Promise<JsonReply> {
    const sdp = await this.offer();
    const body = { sdp, type: "offer", webrtc_id: this.webrtcId, ...offer.body };
    const reply = await postJson(`${url}webrtc/offer`, body, offer.headers);
    const token = reply.body["session_token"];
    if (typeof token === "string") this.sessionToken = token;
    const answer = reply.body["sdp"];
    if (typeof answer === "string") this.#connection.setRemoteDescription(answer, "answer");
    return reply;
  }

  /**
   * Connects, so that media and messages flow.
   *
   * @throws {@link OfferRefusal} when the server refuses, and Error when it takes too long.
   */
  async connect(url: string, offer: OfferExtras = {}): Promise<void> {
    const reply = await this.negotiate(url, offer);
    if (reply.status !== 200) throw new OfferRefusal(reply);
    await this.connected();
  }

  /**
   * Waits until messages flow.
   *
   * @throws Error when that takes too long.
   */
  async connected(): Promise<void> {
    if (this.#channel.isOpen()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`No connection: ${this.#connection.state()}.`));
      }, CONNECT_TIMEOUT_MS);
      this.#channel.onOpen(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Speaks in real time; resolves when all has been said. */
  async speak(frame: AudioFrame): Promise<void> {
    const encoder = createEncoder(OPUS, OPUS.sampleRate, 1);
    const { samples } = frame.resample(OPUS.sampleRate);
    const begin = performance.now();
    let said = 0;
    for (let at = 0; at + FRAME_SAMPLES <= samples.length; at += FRAME_SAMPLES) {
      const waitMs = begin + said++ * FRAME_MS - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (this.#isClosed || !this.#track.isOpen()) break;
      this.#track.sendMessageBinary(
        this.#packet(encoder.encode(samples.subarray(at, at + FRAME_SAMPLES))),
      );
    }
    encoder.free();
  }

  /** How much was heard so far, in milliseconds. */
  get heardMs(): number {
    return this.#heard.reduce((sum, samples) => sum + samples.length, 0) / 48;
  }

  /** Returns what was heard so far, without the pauses in which the server sent nothing. */
  heard(): AudioFrame {
    const frames = this.#heard.map((samples) => new AudioFrame({ samples, sampleRate: 48_000 }));
    return frames.length > 0 ? AudioFrame.concat(frames) : AudioFrame.silence(0, 48_000);
  }

  /** The messages of one type. */
  messagesOf<T extends ServerMessage["type"]>(type: T): Extract<ServerMessage, { type: T }>[] {
    return this.messages.filter(
      (message): message is Extract<ServerMessage, { type: T }> => message.type === type,
    );
  }

  /** Sends a text to the server. */
  sendText(text: string): void {
    this.#channel.sendMessage(text);
  }

  /** Hangs up the way FastRTC's clients do. */
  closeChannel(): void {
    this.#channel.close();
  }

  /** Ends everything. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
    this.#decoder.free();
  }

  /** Writes one RTP packet (RFC 3550 section 5.1). */
  #packet(payload: Uint8Array): Buffer {
    const packet = Buffer.alloc(12 + payload.length);
    packet[0] = 0x80;
    packet[1] = PAYLOAD_TYPE;
    packet.writeUInt16BE(this.#sequenceNumber, 2);
    packet.writeUInt32BE(this.#timestamp, 4);
    packet.writeUInt32BE(this.#ssrc, 8);
    packet.set(payload, 12);
    this.#sequenceNumber = (this.#sequenceNumber + 1) % 2 ** 16;
    this.#timestamp = (this.#timestamp + FRAME_SAMPLES) % 2 ** 32;
    return packet;
  }

  #hear(packet: Buffer): void {
    // RTCP comes this way too: https://www.rfc-editor.org/rfc/rfc5761#section-4
    if (this.#isClosed || packet.length < 12 || (packet.readUInt8(1) & 0x7f) !== PAYLOAD_TYPE) {
      return;
    }
    this.arrivals.push(performance.now());
    const first = packet.readUInt8(0);
    let start = 12 + 4 * (first & 0x0f);
    if ((first & 0x10) !== 0) start += 4 + 4 * packet.readUInt16BE(start + 2);
    this.#heard.push(this.#decoder.decode(packet.subarray(start)).slice());
  }
}
