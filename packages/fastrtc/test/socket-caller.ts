import { WebSocket } from "ws";
import type { ClientOptions } from "ws";

import { RealTimePlayout, inRealTime } from "./real-time-playout.ts";
import type { RealTimePlayoutOptions, StandInCaller } from "./real-time-playout.ts";

/** What a {@link SocketCaller} speaks. */
export interface SocketCallerDialect {
  readonly sessionId: string;
  readonly sampleRate: number;
  readonly maxFrames?: number;
  /** Writes a frame of the caller's. */
  frame(samples: Int16Array): string | Buffer;
  /** Writes a key. */
  key(digit: string): string;
  /** Writes the echo of a mark. */
  markEcho(name: string): string;
  /** The last message before the socket closes. */
  readonly goodbye?: string;
  /** Takes a message of the server's. */
  take(message: string | Buffer, caller: SocketCaller): void;
}

/** A caller whose carrier opens a WebSocket to us. */
export class SocketCaller implements StandInCaller {
  readonly sessionId: string;
  readonly sampleRate: number;
  readonly playout: RealTimePlayout;
  readonly complaints: string[] = [];
  flushes = 0;
  closeCode: number | undefined;
  readonly #socket: WebSocket;
  readonly #dialect: SocketCallerDialect;

  constructor(socket: WebSocket, dialect: SocketCallerDialect) {
    this.#socket = socket;
    this.#dialect = dialect;
    this.sessionId = dialect.sessionId;
    this.sampleRate = dialect.sampleRate;
    const options: RealTimePlayoutOptions = {
      sampleRate: dialect.sampleRate,
      onMark: (name) => this.send(dialect.markEcho(name)),
      ...(dialect.maxFrames === undefined ? {} : { maxFrames: dialect.maxFrames }),
    };
    this.playout = new RealTimePlayout(options);
    socket.on("message", (data: Buffer, isBinary) => {
      dialect.take(isBinary ? data : data.toString(), this);
    });
    socket.on("error", () => undefined);
    socket.on("close", (code) => {
      this.closeCode = code;
      this.playout.stop();
    });
  }

  get isClosed(): boolean {
    return this.closeCode !== undefined;
  }

  send(message: string | Buffer): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(message);
  }

  flush(): void {
    this.flushes++;
    this.playout.clear();
  }

  say(samples: Int16Array): Promise<void> {
    return inRealTime(samples, this.sampleRate, (frame) => this.send(this.#dialect.frame(frame)));
  }

  press(digit: string): void {
    this.send(this.#dialect.key(digit));
  }

  hangUp(): void {
    if (this.#dialect.goodbye !== undefined) this.send(this.#dialect.goodbye);
    this.#socket.close(1000);
  }

  vanish(): void {
    this.#socket.terminate();
  }
}

/**
 * Opens a WebSocket as a carrier does.
 *
 * @returns the socket, or the status of the HTTP answer that refused it.
 */
export async function openSocket(
  url: string,
  options: ClientOptions,
  protocols: string[] = [],
): Promise<WebSocket | number> {
  const socket = new WebSocket(url, protocols, options);
  // Not lost: what comes before the caller is made.
  socket.pause();
  return await new Promise((resolve, reject) => {
    socket.once("open", () => {
      resolve(socket);
      setImmediate(() => socket.resume());
    });
    socket.once("unexpected-response", (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    socket.once("error", reject);
  });
}
