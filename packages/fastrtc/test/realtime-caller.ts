/** A client of the OpenAI Realtime protocol on a bare WebSocket: says what it is told to, right or wrong. */

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerMessage } from "@fastrtc/protocol";
import { WebSocket } from "ws";
import type { ClientOptions } from "ws";

import { ConformanceRefusal } from "./conformance-harness.ts";
import type { ConformanceClient } from "./conformance-harness.ts";
import { bytesOf, inRealTime, samplesOf } from "./real-time-playout.ts";

const RATE = 24_000;

/** A server event. */
export type RealtimeEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

/** One caller. */
export class RealtimeCaller implements ConformanceClient {
  readonly sampleRate: number = RATE;
  readonly events: RealtimeEvent[] = [];
  readonly messages: ServerMessage[] = [];
  readonly socket: WebSocket;
  webrtcId = "";
  flushes = 0;
  closeCode: number | undefined;
  readonly #heard: Int16Array[] = [];

  constructor(url: string, protocols: string[] = [], options: ClientOptions = {}) {
    this.socket = new WebSocket(url, protocols, options);
    this.socket.on("message", (data: Buffer) => this.#read(data.toString("utf8")));
    this.socket.on("close", (code) => (this.closeCode = code));
    this.socket.on("error", () => undefined);
  }

  get isClosed(): boolean {
    return this.closeCode !== undefined;
  }

  /** Resolves once the server has let it in. */
  async start(): Promise<this> {
    if (this.socket.readyState === WebSocket.CONNECTING) await once(this.socket, "open");
    while (this.events.length === 0 && !this.isClosed) await sleep(2);
    const created = this.events.find(({ type }) => type === "session.created");
    if (!created) {
      const error = this.of("error")[0]?.["error"] as { readonly code: string } | undefined;
      throw new ConformanceRefusal(error?.code);
    }
    this.webrtcId = (created["session"] as { readonly id: string }).id;
    return this;
  }

  /** The events of a type. */
  of(type: string): RealtimeEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  /** Waits for an event; resolves with the last of its type. */
  async next(type: string, count = 1): Promise<RealtimeEvent> {
    for (let waited = 0; waited < 5000; waited += 5) {
      const found = this.of(type);
      if (found.length >= count) return found.at(-1)!;
      await sleep(5);
    }
    throw new Error(`No ${type} came.`);
  }

  heard(): Int16Array {
    return Int16Array.from(this.#heard.flatMap((part) => [...part]));
  }

  async say(samples: Int16Array): Promise<void> {
    await inRealTime(samples, RATE, (frame) => {
      const audio = bytesOf(frame).toString("base64");
      this.send({ type: "input_audio_buffer.append", audio });
    });
  }

  /** Sends an event. */
  send(event: object): void {
    this.socket.send(JSON.stringify(event));
  }

  sendText(text: string): void {
    this.socket.send(text);
  }

  hangUp(): void {
    this.socket.close();
  }

  vanish(): void {
    this.socket.terminate();
  }

  #read(text: string): void {
    const event = JSON.parse(text) as RealtimeEvent;
    this.events.push(event);
    if (event.type === "response.output_audio.delta") {
      this.#heard.push(samplesOf(Buffer.from(event["delta"] as string, "base64")));
    } else if (event.type === "input_audio_buffer.speech_started" && this.#heard.length > 0) {
      // That is how clients know that they must drop what they have not played.
      this.flushes++;
    } else if (event.type === "error") {
      const { message } = event["error"] as { readonly message: string };
      this.messages.push({ type: "error", message });
    } else if (event.type.startsWith("fastrtc.")) {
      const { type, data } = event;
      this.messages.push({ type: type.slice("fastrtc.".length), data } as ServerMessage);
    }
  }
}
