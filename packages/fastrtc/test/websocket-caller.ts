/** A client of the WebSocket transport: FastRTC's protocol, and what ours has beyond it. */

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { FailureResponse, ServerMessage } from "@fastrtc/protocol";
import { WebSocket } from "ws";
import { createDecoder, createEncoder } from "../src/codec/create-codec.ts";
import type { AudioDecoder, AudioEncoder } from "../src/codec/codec.ts";
import type { AudioCodec } from "../src/media/encoded-chunk.ts";
import { ConformanceRefusal } from "./conformance-harness.ts";
import type { ConformanceClient } from "./conformance-harness.ts";

const FRAME_MS = 20;

/** What a {@link WebSocketCaller} asks for; without, it is one of FastRTC's clients. */
export interface CallerAudio {
  readonly codec: AudioCodec;
  readonly sampleRate: number;
  readonly binary: boolean;
}

/** What the server says that is no {@link ServerMessage}. */
export interface ServerEvent {
  readonly event: "media" | "pong" | "clear" | "started";
  readonly media?: { readonly payload: string };
}

/** How a {@link WebSocketCaller} connects. */
export interface CallerOptions {
  readonly url: string;
  readonly webrtcId: string;
  /** Rate of what it says where it asks for none, in Hz: the handler's. */
  readonly inputRate: number;
  /** Rate of what it hears where it asks for none, in Hz: the handler's. */
  readonly outputRate: number;
  readonly audio?: CallerAudio | undefined;
}

/** One caller. */
export class WebSocketCaller implements ConformanceClient {
  readonly webrtcId: string;
  readonly sampleRate: number;
  readonly heardSampleRate: number;
  readonly messages: ServerMessage[] = [];
  readonly events: ServerEvent[] = [];
  /** When each piece of audio came, in milliseconds. */
  readonly arrivals: number[] = [];
  failure: FailureResponse | undefined;
  closeCode: number | undefined;
  flushes = 0;
  readonly socket: WebSocket;
  readonly #options: CallerOptions;
  readonly #encoder: AudioEncoder;
  readonly #decoder: AudioDecoder;
  readonly #heard: Int16Array[] = [];

  constructor(options: CallerOptions) {
    const { webrtcId, audio, inputRate, outputRate } = options;
    this.#options = options;
    this.webrtcId = webrtcId;
    this.sampleRate = audio?.sampleRate ?? inputRate;
    this.heardSampleRate = audio?.sampleRate ?? outputRate;
    const codec = audio?.codec ?? "mulaw";
    const format = (rate: number) =>
      ({ codec, sampleRate: codec === "opus" ? 48_000 : rate, channels: 1 }) as const;
    this.#encoder = createEncoder(format(this.sampleRate), this.sampleRate, 1);
    this.#decoder = createDecoder(format(this.heardSampleRate), this.heardSampleRate, 1);
    this.socket = new WebSocket(options.url);
    this.socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.#hear(data);
      else this.#read(data.toString("utf8"));
    });
    this.socket.on("close", (code) => (this.closeCode = code));
    this.socket.on("error", () => undefined);
  }

  get isClosed(): boolean {
    return this.closeCode !== undefined;
  }

  /** Opens the socket and starts; resolves once the server has let it in. */
  async start(): Promise<this> {
    if (this.socket.readyState === WebSocket.CONNECTING) await once(this.socket, "open");
    const { webrtcId, audio } = this.#options;
    this.sendJson({ event: "start", websocket_id: webrtcId, ...(audio ? { audio } : {}) });
    // FastRTC's protocol has no answer to start, but whoever gets an answer to a ping is inside.
    this.sendJson({ event: "ping" });
    const isIn = (): boolean => this.events.some(({ event }) => event === "pong");
    while (!isIn() && !this.isClosed && !this.failure) await sleep(2);
    if (this.failure) throw new ConformanceRefusal(this.failure.meta.error);
    if (!isIn()) throw new ConformanceRefusal();
    return this;
  }

  heard(): Int16Array {
    return Int16Array.from(this.#heard.flatMap((part) => [...part]));
  }

  async say(samples: Int16Array): Promise<void> {
    const size = (this.sampleRate * FRAME_MS) / 1000;
    const begin = performance.now();
    for (let at = 0; at + size <= samples.length; at += size) {
      const data = this.#encoder.encode(samples.slice(at, at + size));
      if (this.#options.audio?.binary === true) this.socket.send(data);
      else {
        const payload = Buffer.from(data).toString("base64");
        this.sendJson({ event: "media", media: { payload } });
      }
      const due = begin + ((at + size) * 1000) / this.sampleRate;
      await sleep(Math.max(0, due - performance.now()));
    }
  }

  sendText(text: string): void {
    this.socket.send(text);
  }

  /** Sends a value as JSON. */
  sendJson(value: unknown): void {
    this.socket.send(JSON.stringify(value));
  }

  hangUp(): void {
    this.sendJson({ event: "stop" });
  }

  vanish(): void {
    this.socket.terminate();
  }

  #hear(data: Uint8Array): void {
    this.arrivals.push(performance.now());
    this.#heard.push(this.#decoder.decode(data).slice());
  }

  #read(text: string): void {
    const message = JSON.parse(text) as ServerEvent | ServerMessage | FailureResponse;
    if ("event" in message) {
      this.events.push(message);
      if (message.event === "clear") this.flushes++;
      if (message.media) this.#hear(Buffer.from(message.media.payload, "base64"));
    } else if ("status" in message) {
      this.failure = message;
    } else {
      this.messages.push(message);
    }
  }
}
