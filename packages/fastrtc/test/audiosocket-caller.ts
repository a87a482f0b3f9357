import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";

import { bytesOf, RealTimePlayout, inRealTime, samplesOf } from "./real-time-playout.ts";
import type { StandInCaller } from "./real-time-playout.ts";

/** Frames that a channel of Asterisk's holds before it drops what comes. */
const MAX_FRAMES = 96;
/** Without traffic, either way, Asterisk drops the call after so long. */
const IDLE_MS = 2000;
const HEADER_BYTES = 3;
const RATES = [8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];

/** How an {@link AudioSocketCaller} calls. */
export interface AudioSocketCallerOptions {
  readonly port: number;
  /** @defaultValue a random one */
  readonly uuid?: string;
  /** Hz. @defaultValue 8000 */
  readonly sampleRate?: number;
  /** Whether the line sends silence while nobody speaks. @defaultValue true */
  readonly isLineAlive?: boolean;
  /** Whether it leaves out the UUID, and all else. @defaultValue false */
  readonly isMute?: boolean;
}

/** A caller whose Asterisk has run `AudioSocket()`, as Asterisk 23 behaves. */
export class AudioSocketCaller implements StandInCaller {
  readonly sessionId: string;
  readonly sampleRate: number;
  readonly playout: RealTimePlayout;
  readonly flushes = 0;
  readonly complaints: string[] = [];
  /** Whether the server said that it hangs up, before the connection closed. */
  wasHungUp = false;
  isClosed = false;
  closeCode: number | undefined;
  readonly #socket: Socket;
  readonly #kind: number;
  readonly #alive: NodeJS.Timeout | undefined;
  readonly #watch: NodeJS.Timeout;
  #isSpeaking = false;
  #trafficAt = performance.now();
  #received = Buffer.alloc(0);

  private constructor(socket: Socket, options: AudioSocketCallerOptions) {
    this.#socket = socket;
    const { uuid = randomUUID(), sampleRate = 8000, isMute = false } = options;
    const { isLineAlive = !isMute } = options;
    this.sessionId = uuid;
    this.sampleRate = sampleRate;
    this.#kind = 0x10 + RATES.indexOf(sampleRate);
    this.playout = new RealTimePlayout({ sampleRate, maxFrames: MAX_FRAMES });
    socket.on("data", (data) => this.#onData(data));
    socket.on("error", () => undefined);
    socket.on("close", () => this.#onClosed());
    if (!isMute) this.#send(0x01, Buffer.from(uuid.replaceAll("-", ""), "hex"));
    const silence = Buffer.alloc(sampleRate / 25);
    if (isLineAlive) {
      this.#alive = setInterval(() => {
        if (!this.#isSpeaking) this.#send(this.#kind, silence);
      }, 20);
    }
    this.#watch = setInterval(() => {
      if (performance.now() - this.#trafficAt > IDLE_MS) this.#drop("no traffic for two seconds");
    }, 50);
  }

  /** Calls; resolves when the connection is open and the UUID has been sent. */
  static async call(options: AudioSocketCallerOptions): Promise<AudioSocketCaller> {
    const socket = connect(options.port, "127.0.0.1");
    await once(socket, "connect");
    return new AudioSocketCaller(socket, options);
  }

  async say(samples: Int16Array): Promise<void> {
    this.#isSpeaking = true;
    await inRealTime(samples, this.sampleRate, (frame) => this.#send(this.#kind, bytesOf(frame)));
    this.#isSpeaking = false;
  }

  press(digit: string): void {
    this.#send(0x03, Buffer.from(digit));
  }

  /** A bare FIN: Asterisk says no more than that. */
  hangUp(): void {
    this.#socket.end();
  }

  vanish(): void {
    this.#socket.resetAndDestroy();
  }

  #send(kind: number, content: Buffer): void {
    if (this.isClosed || !this.#socket.writable) return;
    const header = Buffer.from([kind, 0, 0]);
    header.writeUInt16BE(content.length, 1);
    this.#trafficAt = performance.now();
    this.#socket.write(Buffer.concat([header, content]));
  }

  #onData(data: Buffer): void {
    this.#trafficAt = performance.now();
    this.#received = Buffer.concat([this.#received, data]);
    for (;;) {
      if (this.#received.length < HEADER_BYTES) return;
      const size = HEADER_BYTES + this.#received.readUInt16BE(1);
      if (this.#received.length < size) return;
      this.#take(this.#received[0]!, this.#received.subarray(HEADER_BYTES, size));
      this.#received = this.#received.subarray(size);
    }
  }

  #take(kind: number, content: Buffer): void {
    if (kind === 0x00) {
      this.wasHungUp = true;
      this.#socket.end();
    } else if (kind !== this.#kind) {
      this.#drop(`kind ${kind}`);
    } else if (content.length < 2 || content.length % 2 !== 0) {
      this.#drop(`audio of ${content.length} bytes`);
    } else {
      this.playout.push(samplesOf(content));
    }
  }

  // What Asterisk does with what it does not like: the call ends.
  #drop(why: string): void {
    this.complaints.push(why);
    this.#socket.destroy();
  }

  #onClosed(): void {
    this.isClosed = true;
    this.closeCode = this.wasHungUp ? 1000 : 1006;
    clearInterval(this.#alive);
    clearInterval(this.#watch);
    this.playout.stop();
  }
}
