/**
 * An OpenAI Realtime client on a WebSocket as a {@link Transport}.
 *
 * In go client events with audio in them, out come server events; the session behind sees 16-bit PCM
 * of 24 kHz, whatever the client speaks, and may change in mid-session. The entry makes one per socket.
 */

import type { ServerMessage } from "@fastrtc/protocol";

import type { Clock } from "../../media/clock.ts";
import type { AudioFormat, EncodedChunk } from "../../media/encoded-chunk.ts";
import type {
  Transport,
  TransportCloseReason,
  TransportListener,
  TransportStats,
} from "../transport.ts";
import { CloseCode } from "../websocket/close-codes.ts";
import { Heartbeat } from "../websocket/heartbeat.ts";
import type { MessageSocket } from "../websocket/message-socket.ts";
import type { AudioConverter, AudioConverterFactory, RealtimeAudioFormat } from "./audio-format.ts";
import { InputFeed } from "./input-feed.ts";
import type { RealtimeControl } from "./realtime-control.ts";
import { RealtimeConversation } from "./realtime-conversation.ts";

/** What may wait for a slow reader, in bytes: some minutes of audio. */
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;

/** Normal, going away, and a `close()` without a code: RFC 6455 section 7.4.1. */
const GOODBYES = new Set([1000, 1001, 1005]);

const PCM: AudioFormat = { codec: "pcm16", sampleRate: 24_000, channels: 1 };

/** What a {@link RealtimeTransport} is made of. */
export interface RealtimeTransportOptions {
  /** The client's socket. Nothing is read from it before {@link RealtimeTransport.start}. */
  readonly socket: MessageSocket;
  /** The session's id, as the client is told. */
  readonly id: string;
  /** From the URL. */
  readonly model: string;
  /** A `session` object that came with the client's key. */
  readonly session?: unknown;
  readonly clock: Clock;
  /** For the formats that are not PCM. */
  readonly createConverter: AudioConverterFactory;
}

/** One client's WebSocket. */
export class RealtimeTransport implements Transport {
  readonly kind = "websocket";
  readonly inputFormat: AudioFormat = PCM;
  readonly outputFormat: AudioFormat = PCM;
  /** What is said with events. */
  readonly conversation: RealtimeConversation;
  readonly #options: RealtimeTransportOptions;
  readonly #feed: InputFeed;
  readonly #decoders = new Map<string, AudioConverter | undefined>();
  readonly #encoders = new Map<string, AudioConverter | undefined>();
  readonly #heartbeat: Heartbeat;
  readonly #closed: Promise<void>;
  #resolveClosed: () => void = () => undefined;
  #listener: TransportListener | undefined;
  #state: "new" | "connected" | "closing" | "closed" = "new";
  #closeReason: TransportCloseReason | undefined;
  #received = 0;
  #sent = 0;

  constructor(options: RealtimeTransportOptions) {
    this.#options = options;
    const { id, model, session, clock, socket } = options;
    this.#closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.#heartbeat = new Heartbeat({
      socket,
      clock,
      onBeat: () => undefined,
      onLost: () => this.#end("lost", CloseCode.timeout, "Nothing came for too long."),
    });
    this.#feed = new InputFeed(clock, (chunk) => {
      this.#received++;
      this.#listener?.onAudio(chunk);
    });
    this.conversation = new RealtimeConversation({
      id,
      model,
      session,
      clock,
      sendText: (text) => this.#send(text),
      heardMs: () => this.#feed.givenMs,
      input: {
        append: (data) => {
          const { format } = this.conversation.sessionSettings.audio.input;
          this.#feed.append(data, format, this.#converter(this.#decoders, format));
        },
        clear: () => this.#feed.clear(),
        afterAudio: (callback) => this.#feed.afterAudio(callback),
      },
    });
  }

  open(listener: TransportListener): void {
    this.#listener = listener;
  }

  /** Lets the client speak: its session is there. */
  start(control: RealtimeControl): void {
    const { socket } = this.#options;
    if (this.#state !== "new") {
      socket.close(CloseCode.goingAway);
      return;
    }
    this.#state = "connected";
    this.conversation.start(control);
    this.#heartbeat.start();
    this.#listener?.onConnected();
    socket.listen({
      onMessage: (message) => this.#onMessage(message),
      onPong: () => this.#heartbeat.onPong(),
      onClosed: (code) => this.#onSocketClosed(code),
    });
  }

  sendAudio(chunk: EncodedChunk): void {
    if (this.#state !== "connected" || !chunk.data) return;
    this.#sent++;
    const { format } = this.conversation.settings.audio.output;
    const converter = this.#converter(this.#encoders, format);
    const data = converter ? converter.encode(chunk.data) : chunk.data;
    this.conversation.addAudio(data, chunk.durationSamples / 24, chunk.data);
  }

  sendMessage(message: ServerMessage): void {
    if (this.#state === "connected") this.conversation.tell(message);
  }

  clearAudio(): void {
    // Clients drop what they have not played when they are told of speech, or have cancelled.
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
    // Before start() the socket is still the entry's, to answer on or to close.
    if (this.#state === "new") this.#finish("local");
    else this.#end("local", CloseCode.normal, "The session has ended.");
    await this.#closed;
  }

  #onMessage(message: string | Uint8Array): void {
    if (this.#state !== "connected") return;
    this.#heartbeat.noteLife();
    // Binary messages have no meaning: they are refused as a text that is no event.
    this.conversation.receive(typeof message === "string" ? message : "");
  }

  #send(text: string): void {
    if (this.#state !== "connected") return;
    const { socket } = this.#options;
    socket.send(text);
    if (socket.bufferedBytes <= MAX_BUFFERED_BYTES) return;
    this.#end("failed", CloseCode.tryAgainLater, "The connection is too slow.");
  }

  #end(reason: TransportCloseReason, code: number, text: string): void {
    if (this.#state !== "connected") return;
    this.#state = "closing";
    this.#closeReason = reason;
    this.#free();
    this.#options.socket.close(code, text);
  }

  #onSocketClosed(code: number): void {
    const isGoodbye = GOODBYES.has(code);
    this.#finish(this.#closeReason ?? (isGoodbye ? "remote" : "lost"));
  }

  #finish(reason: TransportCloseReason): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#free();
    this.#listener?.onClosed(reason);
    this.#resolveClosed();
  }

  #free(): void {
    this.#heartbeat.stop();
    this.#feed.close();
    this.conversation.close();
    for (const converter of [...this.#decoders.values(), ...this.#encoders.values()]) {
      converter?.free();
    }
    this.#decoders.clear();
    this.#encoders.clear();
  }

  #converter(
    made: Map<string, AudioConverter | undefined>,
    format: RealtimeAudioFormat,
  ): AudioConverter | undefined {
    if (!made.has(format.type)) made.set(format.type, this.#options.createConverter(format));
    return made.get(format.type);
  }
}
