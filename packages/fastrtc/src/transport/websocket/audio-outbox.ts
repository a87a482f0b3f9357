import { BoundedQueue } from "../../media/bounded-queue.ts";
import type { Clock, Timer } from "../../media/clock.ts";
import type { MessageSocket } from "./message-socket.ts";

/** Audio that may wait in the socket, in messages of 20 ms: 2 s. */
const SOCKET_MESSAGES = 100;
/** Audio that may wait here, once the socket is full, in messages of 20 ms: 2 s. */
const WAITING_MESSAGES = 100;
/** How long a client may read slower than it is sent to, in milliseconds. */
const MAX_SLOW_MS = 10_000;
const LOOK_MS = 20;

/** What an {@link AudioOutbox} works with. */
export interface AudioOutboxOptions {
  readonly socket: MessageSocket;
  readonly clock: Clock;
  /** Called when audio is dropped, once each time that the client becomes too slow. */
  readonly onDropped: () => void;
  /** Called once, when the client has been too slow for too long. */
  readonly onStalled: () => void;
}

/**
 * Sends audio to a client that may read slowly: 2 s wait in the socket, 2 s here, of which the
 * oldest are dropped.
 */
export class AudioOutbox {
  readonly #options: AudioOutboxOptions;
  readonly #waiting = new BoundedQueue<string | Uint8Array>(WAITING_MESSAGES, "drop-oldest");
  #largest = 0;
  #timer: Timer | undefined;
  #slowSince = 0;
  #hasDropped = false;

  constructor(options: AudioOutboxOptions) {
    this.#options = options;
  }

  /** Sends a message of 20 ms. */
  push(message: string | Uint8Array): void {
    const { socket, clock, onDropped } = this.#options;
    this.#largest = Math.max(this.#largest, message.length);
    if (!this.#timer) {
      if (this.#hasRoom()) {
        socket.send(message);
        return;
      }
      this.#slowSince = clock.now();
      this.#hasDropped = false;
      this.#look();
    }
    if (this.#waiting.push(message) === undefined || this.#hasDropped) return;
    this.#hasDropped = true;
    onDropped();
  }

  /** Drops what waits here. */
  clear(): void {
    this.#waiting.clear();
  }

  /** Stops; what waits is dropped. */
  close(): void {
    this.clear();
    this.#timer?.cancel();
  }

  #hasRoom(): boolean {
    return this.#options.socket.bufferedBytes <= SOCKET_MESSAGES * this.#largest;
  }

  #look(): void {
    const { socket, clock, onStalled } = this.#options;
    this.#timer = clock.setTimeout(() => {
      this.#timer = undefined;
      while (this.#hasRoom()) {
        const message = this.#waiting.shift();
        if (message === undefined) return;
        socket.send(message);
      }
      if (clock.now() - this.#slowSince < MAX_SLOW_MS) this.#look();
      else onStalled();
    }, LOOK_MS);
  }
}
