import { encodeServerMessage } from "@fastrtc/protocol";
import type { FailureResponse } from "@fastrtc/protocol";
import { BoundedQueue } from "../../media/bounded-queue.ts";
import type { Clock, Timer } from "../../media/clock.ts";
import { readClientEvent } from "./client-event.ts";
import { CloseCode, closeCodeOf } from "./close-codes.ts";
import type { MessageSocket } from "./message-socket.ts";

/** How long a client may take to send `start`, in milliseconds. */
const START_MS = 10_000;
/** Malformed messages that are answered before `start`. */
const MAX_MALFORMED = 5;
/** Messages that may come between `start` and the session's begin. */
const MAX_EARLY_MESSAGES = 256;
/** What they may weigh together. */
const MAX_EARLY_BYTES = 1_048_576;

/** What takes a socket over once its session has begun. */
export interface SocketSuccessor {
  connect(started: string | undefined): void;
  receive(message: string | Uint8Array): void;
  socketClosed(code: number): void;
}

/** What a {@link WaitingSocket} works with. */
export interface WaitingSocketOptions {
  readonly socket: MessageSocket;
  readonly clock: Clock;
  /** Called once, with the `start` message. */
  readonly onStart: (message: Readonly<Record<string, unknown>>) => void;
  /** Called once where the socket ends before `start`. */
  readonly onClosed: () => void;
}

/** An open socket whose session has not begun. */
export class WaitingSocket {
  readonly socket: MessageSocket;
  readonly #options: WaitingSocketOptions;
  readonly #early = new BoundedQueue<string | Uint8Array>(MAX_EARLY_MESSAGES, "drop-oldest");
  readonly #deadline: Timer;
  #earlyBytes = 0;
  #malformed = 0;
  #hasStarted = false;
  #isEnding = false;
  #closedWith: number | undefined;

  constructor(options: WaitingSocketOptions) {
    const { socket, clock } = options;
    this.#options = options;
    this.socket = socket;
    this.#deadline = clock.setTimeout(
      () => this.#fail(CloseCode.timeout, "No start came."),
      START_MS,
    );
    socket.listen({
      onMessage: (message) => this.#onMessage(message),
      onClosed: (code) => this.#onClosed(code),
    });
  }

  /** Closes it. */
  end(code: number, reason: string): void {
    this.#isEnding = true;
    this.#deadline.cancel();
    this.socket.close(code, reason);
  }

  /** Says why no session begins, and closes it. */
  refuse(failure: FailureResponse): void {
    const { error } = failure.meta;
    if (!this.#isEnding) this.socket.send(JSON.stringify(failure));
    this.end(closeCodeOf(error), error);
  }

  /**
   * Gives the socket away, and what has come since `start`.
   *
   * @param started - What the client is told first.
   */
  handOver(successor: SocketSuccessor, started: string | undefined): void {
    if (this.#closedWith !== undefined) {
      successor.socketClosed(this.#closedWith);
      return;
    }
    successor.connect(started);
    for (let early = this.#early.shift(); early !== undefined; early = this.#early.shift()) {
      successor.receive(early);
    }
  }

  #onMessage(message: string | Uint8Array): void {
    if (this.#isEnding) return;
    if (this.#hasStarted) {
      this.#keep(message);
      return;
    }
    if (typeof message !== "string") {
      this.#fail(CloseCode.badMessage, "The session has not started: send start first.");
      return;
    }
    const event = readClientEvent(message);
    switch (event.event) {
      case "start":
        this.#hasStarted = true;
        this.#deadline.cancel();
        this.#options.onStart(event.message);
        break;
      case "ping":
        this.socket.send('{"event":"pong"}');
        break;
      case "stop":
        this.end(CloseCode.normal, "");
        break;
      case "malformed":
        this.#complain(event.complaint);
        break;
      case "media":
      case "text":
        this.#fail(CloseCode.badMessage, "The session has not started: send start first.");
        break;
    }
  }

  #onClosed(code: number): void {
    this.#closedWith = code;
    this.#deadline.cancel();
    this.#early.clear();
    if (!this.#hasStarted) this.#options.onClosed();
  }

  // Clients of FastRTC speak at once and do not wait until the session has begun.
  #keep(message: string | Uint8Array): void {
    if (this.#earlyBytes + message.length > MAX_EARLY_BYTES) return;
    this.#earlyBytes += message.length;
    // Bytes are the socket's, and may be a Buffer, whose slice() copies nothing.
    this.#early.push(typeof message === "string" ? message : new Uint8Array(message));
  }

  #complain(complaint: string): void {
    if (++this.#malformed > MAX_MALFORMED) {
      this.#fail(CloseCode.badMessage, "Too many messages could not be read.");
    } else {
      this.socket.send(encodeServerMessage({ type: "error", message: complaint }));
    }
  }

  #fail(code: number, reason: string): void {
    this.socket.send(encodeServerMessage({ type: "error", message: reason }));
    this.end(code, reason);
  }
}
