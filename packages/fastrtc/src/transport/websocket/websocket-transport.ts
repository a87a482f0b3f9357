/**
 * One WebSocket as a {@link Transport}: FastRTC's JSON messages, and binary audio for clients that
 * asked for it in `start`.
 *
 * In come the client's messages in order, so there is no jitter buffer; out go chunks of 20 ms, each
 * at its time, so a client never holds more than it was meant to play by now.
 * `session/websocket-entry.ts` makes it once `start` has been read.
 */

import { encodeServerMessage } from "@fastrtc/protocol";
import type { ServerMessage } from "@fastrtc/protocol";
import { BoundedQueue } from "../../media/bounded-queue.ts";
import type { Clock } from "../../media/clock.ts";
import type { AudioFormat, EncodedChunk } from "../../media/encoded-chunk.ts";
import type {
  Transport,
  TransportCloseReason,
  TransportListener,
  TransportStats,
} from "../transport.ts";
import { AudioOutbox } from "./audio-outbox.ts";
import { readClientEvent } from "./client-event.ts";
import { CloseCode } from "./close-codes.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { MessageSocket } from "./message-socket.ts";
import type { WebSocketAudio } from "./start-message.ts";

const FRAMES_PER_SECOND = 50;
/** Messages that may wait for the session's begin. */
const MAX_EARLY_MESSAGES = 64;
/** Bytes of messages that may wait for a slow client before it is given up. */
const MAX_BUFFERED_BYTES = 1_048_576;
/** Malformed messages that are answered before the socket is closed. One is forgiven every 15 s. */
const MAX_MALFORMED = 20;
/** Audio that may come ahead of its time before it is dropped; a client that sends a file does so. */
const MAX_AHEAD_MS = 60_000;

/** What a {@link WebSocketTransport} works with. */
export interface WebSocketTransportOptions {
  readonly socket: MessageSocket;
  readonly audio: WebSocketAudio;
  /** Tells how long an Opus packet is, in samples at 48 kHz; undefined when it is malformed. */
  readonly opusDuration: (packet: Uint8Array) => number | undefined;
  readonly clock: Clock;
}

/** One caller on a WebSocket. */
export class WebSocketTransport implements Transport {
  readonly kind = "websocket";
  readonly inputFormat: AudioFormat | undefined;
  readonly outputFormat: AudioFormat | undefined;
  readonly #options: WebSocketTransportOptions;
  readonly #outbox: AudioOutbox;
  readonly #heartbeat: Heartbeat;
  readonly #early = new BoundedQueue<ServerMessage>(MAX_EARLY_MESSAGES, "drop-oldest");
  readonly #closed: Promise<void>;
  #resolveClosed: () => void = () => undefined;
  #listener: TransportListener | undefined;
  #state: "new" | "connected" | "closing" | "closed" = "new";
  #closeReason: TransportCloseReason | undefined;
  #timestamp = 0;
  #aheadUntil = 0;
  #hasDroppedInput = false;
  #malformed = 0;
  #received = 0;
  #sent = 0;
  #hasSentSinceClear = false;
  #isGoingAway = false;

  constructor(options: WebSocketTransportOptions) {
    const { socket, audio, clock } = options;
    this.#options = options;
    this.inputFormat = audio.inputFormat;
    this.outputFormat = audio.outputFormat;
    this.#closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.#outbox = new AudioOutbox({
      socket,
      clock,
      onDropped: () =>
        this.sendMessage({ type: "warning", message: "The connection is too slow for the audio." }),
      onStalled: () => this.#giveUp(),
    });
    this.#heartbeat = new Heartbeat({
      socket,
      clock,
      onBeat: () => (this.#malformed = Math.max(0, this.#malformed - 1)),
      onLost: () => this.#end("lost", CloseCode.timeout, "Nothing came for too long."),
    });
  }

  open(listener: TransportListener): void {
    this.#listener = listener;
  }

  /**
   * Lets media flow.
   *
   * @param started - Sent first, to clients that wait for it.
   */
  connect(started?: string): void {
    const { socket } = this.#options;
    if (this.#state !== "new") {
      // The session ended before it could begin.
      socket.close(CloseCode.goingAway);
      return;
    }
    this.#state = "connected";
    socket.listen({
      onMessage: (message) => this.receive(message),
      onPong: () => this.#heartbeat.onPong(),
      onClosed: (code) => this.socketClosed(code),
    });
    if (started !== undefined) socket.send(started);
    for (let message = this.#early.shift(); message; message = this.#early.shift()) {
      this.sendMessage(message);
    }
    this.#heartbeat.start();
    this.#listener?.onConnected();
  }

  /** Takes a message of the client's, also one that came before the socket was ours to listen to. */
  receive(message: string | Uint8Array): void {
    if (this.#state !== "connected") return;
    this.#heartbeat.noteLife();
    if (typeof message !== "string") {
      if (this.#options.audio.binary) this.#receiveAudio(message);
      else this.#complain("Binary messages were not agreed on in start.");
      return;
    }
    const event = readClientEvent(message);
    switch (event.event) {
      case "media":
        // A client that waits too long for `started` takes us for a FastRTC server and speaks mu-law,
        // whatever was agreed on: it would be heard as noise.
        if (this.#options.audio.binary) this.#warnOfDrop("Audio must come in binary messages.");
        else this.#receiveAudio(event.data);
        break;
      case "ping":
        this.#options.socket.send('{"event":"pong"}');
        break;
      case "stop":
        this.#end("remote", CloseCode.normal);
        break;
      case "text":
        this.#listener?.onMessage(event.text);
        break;
      case "start":
        this.#fail("The session has started already.");
        break;
      case "malformed":
        this.#complain(event.complaint);
        break;
    }
  }

  /** Takes note that the socket has gone, also when that was before it was ours to listen to. */
  socketClosed(code: number): void {
    const wasClosed =
      code === CloseCode.normal || code === CloseCode.goingAway || code === NO_STATUS;
    this.#finish(this.#closeReason ?? (wasClosed ? "remote" : "lost"));
  }

  sendAudio(chunk: EncodedChunk): void {
    if (this.#state !== "connected" || !chunk.data) return;
    this.#sent++;
    this.#hasSentSinceClear = true;
    this.#outbox.push(this.#options.audio.binary ? chunk.data : mediaMessage(chunk.data));
  }

  sendMessage(message: ServerMessage): void {
    if (this.#state === "new") this.#early.push(message);
    if (this.#state !== "connected") return;
    if (message.type === "update_connection") this.#isGoingAway = true;
    const { socket } = this.#options;
    socket.send(encodeServerMessage(message));
    if (socket.bufferedBytes > MAX_BUFFERED_BYTES) this.#giveUp();
  }

  clearAudio(): void {
    this.#outbox.clear();
    if (this.#state !== "connected" || !this.#hasSentSinceClear) return;
    this.#hasSentSinceClear = false;
    this.#options.socket.send('{"event":"clear"}');
  }

  stats(): TransportStats {
    const { roundTripMs } = this.#heartbeat;
    return {
      ...(roundTripMs === undefined ? {} : { roundTripMs }),
      chunksReceived: this.#received,
      chunksLost: 0,
      chunksSent: this.#sent,
    };
  }

  async close(): Promise<void> {
    // Before connect() the socket is still the entry's, to answer on or to close.
    if (this.#state === "new") this.#finish("local");
    else this.#end("local", this.#isGoingAway ? CloseCode.goingAway : CloseCode.normal);
    await this.#closed;
  }

  #receiveAudio(data: Uint8Array): void {
    const format = this.inputFormat;
    if (!format) this.#complain("This stream takes no audio.");
    else if (format.codec === "opus") this.#receivePacket(data);
    else this.#receiveSamples(data, format);
  }

  #receivePacket(data: Uint8Array): void {
    const durationSamples = this.#options.opusDuration(data);
    if (durationSamples === undefined) this.#complain("The audio is not an Opus packet.");
    else if (this.#isInTime(durationSamples / 48)) this.#deliver(data, durationSamples);
  }

  // Clients send what they have; handlers are promised 20 ms at a time, and a rest is not held back.
  #receiveSamples(data: Uint8Array, { codec, sampleRate }: AudioFormat): void {
    const sampleBytes = codec === "pcm16" ? 2 : 1;
    if (data.length % sampleBytes !== 0) {
      this.#complain("The audio is not a whole number of samples.");
      return;
    }
    const size = (sampleRate / FRAMES_PER_SECOND) * sampleBytes;
    if (!this.#isInTime((data.length * 1000) / (sampleBytes * sampleRate))) return;
    for (let at = 0; at < data.length; at += size) {
      const piece = data.subarray(at, at + size);
      this.#deliver(piece, piece.length / sampleBytes);
    }
  }

  #deliver(data: Uint8Array, durationSamples: number): void {
    this.#received++;
    this.#listener?.onAudio({ data, timestamp: this.#timestamp, durationSamples });
    this.#timestamp += durationSamples;
  }

  // Audio costs work for each second of it: who sends it faster than it can be spoken, for longer
  // than a recording, takes that from the others.
  #isInTime(durationMs: number): boolean {
    const now = this.#options.clock.now();
    const until = Math.max(now, this.#aheadUntil) + durationMs;
    if (until - now <= MAX_AHEAD_MS) {
      this.#aheadUntil = until;
      return true;
    }
    this.#warnOfDrop("Audio comes too fast; some was dropped.");
    return false;
  }

  #warnOfDrop(message: string): void {
    if (this.#hasDroppedInput) return;
    this.#hasDroppedInput = true;
    this.sendMessage({ type: "warning", message });
  }

  #complain(complaint: string): void {
    if (++this.#malformed > MAX_MALFORMED) this.#fail("Too many messages could not be read.");
    else this.sendMessage({ type: "error", message: complaint });
  }

  #fail(reason: string): void {
    this.sendMessage({ type: "error", message: reason });
    this.#end("failed", CloseCode.badMessage, reason);
  }

  #giveUp(): void {
    if (this.#state !== "connected") return;
    const message = "The connection is too slow.";
    this.#options.socket.send(encodeServerMessage({ type: "error", message }));
    this.#end("failed", CloseCode.tryAgainLater, message);
  }

  #end(reason: TransportCloseReason, code: number, text?: string): void {
    if (this.#state !== "connected") return;
    this.#state = "closing";
    this.#closeReason = reason;
    this.#outbox.close();
    this.#heartbeat.stop();
    this.#options.socket.close(code, text);
  }

  #finish(reason: TransportCloseReason): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#outbox.close();
    this.#heartbeat.stop();
    this.#listener?.onClosed(reason);
    this.#resolveClosed();
  }
}

/** What a browser's `close()` without a code is told as: RFC 6455 section 7.1.5. */
const NO_STATUS = 1005;

// Written by hand: base64 has nothing to escape, and this runs fifty times a second.
function mediaMessage(data: Uint8Array): string {
  const payload = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
  return `{"event":"media","media":{"payload":"${payload}"}}`;
}
