/**
 * One peer connection as a {@link Transport}.
 *
 * In go an offer, candidates, encoded audio and messages; out come the answer, the caller's audio in
 * order and without holes, and the caller's messages. Signaling makes one per offer and hands it to
 * the session.
 */

import { randomInt } from "node:crypto";
import { encodeServerMessage, type ServerMessage } from "@fastrtc/protocol";
import { systemClock, type Clock, type Timer } from "../../media/clock.ts";
import type { AudioFormat, EncodedChunk } from "../../media/encoded-chunk.ts";
import type {
  Transport,
  TransportCloseReason,
  TransportListener,
  TransportStats,
} from "../transport.ts";
import type { RtcBackend, RtcPeer, RtcPeerOptions, RtcPeerState } from "./backend.ts";
import { JitterBuffer } from "./jitter-buffer.ts";

/** How a {@link WebRtcTransport} is made. */
export interface WebRtcTransportOptions {
  /** The WebRTC stack. */
  readonly backend: RtcBackend;
  /** How the peer is made; its `audioDirection` decides which formats the transport has. */
  readonly peer: RtcPeerOptions;
  /**
   * Reads an Opus packet's length in samples at 48 kHz; zero or undefined when it is not Opus.
   */
  readonly durationOf: (payload: Uint8Array) => number | undefined;
  /**
   * Time in milliseconds to connect in.
   *
   * Higher values wait longer for slow networks, and hold a session's place for longer.
   *
   * @defaultValue 30000
   */
  readonly connectTimeoutMs?: number;
  /**
   * Where time comes from.
   *
   * @defaultValue the process's own monotonic clock
   */
  readonly clock?: Clock;
}

const OPUS: AudioFormat = { codec: "opus", sampleRate: 48_000, channels: 1 };
const CONNECT_TIMEOUT_MS = 30_000;
/** Messages kept while none can be sent; the oldest gives way. */
const MAX_QUEUED_MESSAGES = 64;
/** How soon a full buffer is tried again. */
const RETRY_MESSAGES_MS = 50;

/** One browser's connection. */
export class WebRtcTransport implements Transport {
  readonly kind = "webrtc";
  readonly inputFormat: AudioFormat | undefined;
  readonly outputFormat: AudioFormat | undefined;
  readonly #options: WebRtcTransportOptions;
  readonly #clock: Clock;
  readonly #peer: RtcPeer;
  readonly #jitterBuffer: JitterBuffer;
  // RFC 3550 section 5.1: a random start, so that encryption has less known text.
  readonly #timestampOffset = randomInt(0, 2 ** 32);
  readonly #messages: string[] = [];
  #listener: TransportListener | undefined;
  #connectTimer: Timer | undefined;
  #messageTimer: Timer | undefined;
  #isConnected = false;
  #isChannelOpen = false;
  #nextTimestamp: number | undefined;
  #chunksSent = 0;
  #ending: Promise<void> | undefined;

  constructor(options: WebRtcTransportOptions) {
    const { backend, peer, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.inputFormat = peer.audioDirection === "sendonly" ? undefined : OPUS;
    this.outputFormat = peer.audioDirection === "recvonly" ? undefined : OPUS;
    this.#peer = backend.createPeer(peer, {
      onStateChange: (state) => this.#onPeerState(state),
      onRtp: (packet) => this.#jitterBuffer.push(packet),
      onChannelOpen: () => {
        this.#isChannelOpen = true;
        this.#flushMessages();
      },
      onChannelMessage: (text) => {
        if (!this.#ending) this.#listener?.onMessage(text);
      },
      // FastRTC's clients hang up by closing the channel; the peer connection itself would only be
      // missed half a minute later.
      onChannelClosed: () => void this.#end("remote"),
    });
    this.#jitterBuffer = new JitterBuffer({
      clock,
      sampleRate: OPUS.sampleRate,
      durationOf: (payload) => options.durationOf(payload) ?? 0,
      onChunk: (chunk) => {
        if (!this.#ending) this.#listener?.onAudio(chunk);
      },
      onMissing: (sequenceNumbers, ssrc) => {
        if (this.#peer.canRetransmit) this.#peer.requestRetransmission(ssrc, sequenceNumbers);
      },
      // Unknown is what keeps gaps from waiting for packets that nobody will send again.
      roundTripMs: () => (this.#peer.canRetransmit ? this.#peer.stats().roundTripMs : undefined),
    });
  }

  open(listener: TransportListener): void {
    this.#listener = listener;
    this.#connectTimer = this.#clock.setTimeout(
      () => void this.#end("never-connected"),
      this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    );
  }

  /**
   * Answers the session's offer, and later ones that restart ICE.
   *
   * @throws {@link NegotiationError} when it cannot be answered. After a first offer that fails the
   * transport ends; after a later one it goes on.
   */
  async answer(offerSdp: string): Promise<string> {
    return await this.#peer.answer(offerSdp);
  }

  /**
   * Adds a candidate of the client's; before the offer too.
   *
   * @throws {@link NegotiationError} when the line is malformed.
   */
  async addCandidate(
    candidate: string,
    sdpMid: string | null = null,
    sdpMLineIndex: number | null = null,
  ): Promise<void> {
    await this.#peer.addCandidate(candidate, sdpMid, sdpMLineIndex);
  }

  sendAudio(chunk: EncodedChunk): void {
    if (!this.#isConnected || this.#ending || !this.outputFormat) return;
    // A lost piece cannot be sent; its time passes, and the receiver conceals it.
    if (!chunk.data) return;
    this.#peer.sendRtp({
      timestamp: (this.#timestampOffset + chunk.timestamp) % 2 ** 32,
      marker: chunk.timestamp !== this.#nextTimestamp,
      payload: chunk.data,
    });
    this.#nextTimestamp = chunk.timestamp + chunk.durationSamples;
    this.#chunksSent++;
  }

  sendMessage(message: ServerMessage): void {
    this.sendText(encodeServerMessage(message));
  }

  /** Sends one text of any protocol on the data channel, or keeps it until that is open. */
  sendText(text: string): void {
    if (this.#ending) return;
    this.#messages.push(text);
    if (this.#messages.length > MAX_QUEUED_MESSAGES) this.#messages.shift();
    this.#flushMessages();
  }

  clearAudio(): void {
    // Nothing to take back: audio is paced here, and a browser holds some tens of milliseconds.
  }

  stats(): TransportStats {
    const { received, lost } = this.#jitterBuffer.stats();
    return {
      ...this.#peer.stats(),
      chunksReceived: received,
      chunksLost: lost,
      chunksSent: this.#chunksSent,
    };
  }

  close(): Promise<void> {
    return this.#end("local");
  }

  #onPeerState(state: RtcPeerState): void {
    switch (state) {
      case "connected":
        this.#onConnected();
        break;
      case "failed":
        // Before the connection it never worked; after it the other side fell silent for 30 s.
        void this.#end(this.#isConnected ? "lost" : "failed");
        break;
      case "closed":
        void this.#end("failed");
        break;
      case "new":
      case "connecting":
      case "disconnected":
        break;
    }
  }

  #onConnected(): void {
    if (this.#isConnected || this.#ending) return;
    this.#isConnected = true;
    this.#connectTimer?.cancel();
    this.#listener?.onConnected();
    if (this.inputFormat) this.#jitterBuffer.start();
  }

  #flushMessages(): void {
    while (this.#isChannelOpen && !this.#messageTimer && this.#messages.length > 0) {
      const [text = ""] = this.#messages;
      if (!this.#trySend(text)) {
        this.#messageTimer = this.#clock.setTimeout(() => {
          this.#messageTimer = undefined;
          this.#flushMessages();
        }, RETRY_MESSAGES_MS);
        return;
      }
      this.#messages.shift();
    }
  }

  // One message that is too long for the client must not hold up those behind it.
  #trySend(text: string): boolean {
    try {
      return this.#peer.sendText(text);
    } catch {
      return true;
    }
  }

  // The ending is there before anything is closed: what closes tells us so, and must find it.
  #end(reason: TransportCloseReason): Promise<void> {
    this.#ending ??= Promise.resolve().then(() => this.#shutDown(reason));
    return this.#ending;
  }

  async #shutDown(reason: TransportCloseReason): Promise<void> {
    this.#connectTimer?.cancel();
    this.#messageTimer?.cancel();
    this.#messages.length = 0;
    this.#jitterBuffer.close();
    // A stack that fails to close has nothing left that we could do about it, and nobody waits for
    // this where the network ended the session: an error would end the process.
    await this.#peer.close().catch(() => undefined);
    this.#listener?.onClosed(reason);
  }
}
