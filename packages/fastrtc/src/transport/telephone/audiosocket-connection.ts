import type { Socket } from "node:net";

import { TransportError } from "../../errors.ts";
import { BoundedQueue } from "../../media/bounded-queue.ts";
import type { Clock, Timer } from "../../media/clock.ts";
import type { MessageSocket, MessageSocketListener } from "../websocket/message-socket.ts";
import { audioRateOf, AudioSocketParser, silenceOf, uuidOf } from "./audiosocket.ts";

/** Asterisk drops a call after 2000 ms in which neither side has sent anything. */
const QUIET_MS = 1000;
/** Between two looks at what has been sent and received. */
const LOOK_MS = 500;
/** How long a connection has to say whose call it is; Asterisk takes 20 ms. */
const UUID_TIMEOUT_MS = 2000;
/** How long an orderly end may take. */
const CLOSE_MS = 2000;
/** Messages that wait until somebody listens: half a second of audio. */
const MAX_WAITING = 25;
/** The longest message that is taken: 40 ms at 192 kHz, or a second at 8 kHz. */
const MAX_CONTENT_BYTES = 16_000;

/** What an {@link AudioSocketConnection} works with. */
export interface AudioSocketConnectionOptions {
  readonly socket: Socket;
  readonly clock: Clock;
  /** Milliseconds without anything from Asterisk after which the call is taken for lost. */
  readonly idleTimeoutMs: number;
}

/**
 * One TCP connection of AudioSocket's as a socket of messages. First it tells whose call it is and
 * at which rate; then, listened to, it is that call's media socket.
 */
export class AudioSocketConnection implements MessageSocket {
  /** Resolves when nothing of it is left. */
  readonly closed: Promise<void>;
  /** Where it came from. */
  readonly remoteAddress: string | undefined;
  readonly #options: AudioSocketConnectionOptions;
  readonly #parser: AudioSocketParser = new AudioSocketParser((message) =>
    this.#onMessage(message),
  );
  readonly #waiting = new BoundedQueue<Uint8Array>(MAX_WAITING, "drop-oldest");
  #listener: MessageSocketListener | undefined;
  #uuid: string | undefined;
  #rate: number | undefined;
  #silence: Uint8Array | undefined;
  #end: { readonly code: number; readonly reason: string } | undefined;
  #isClosing = false;
  #hasSaidGoodbye = false;
  #failure = "";
  #receivedAt: number;
  #sentAt: number;
  #timer: Timer;
  // Those who wait for the UUID, for the first audio, or for the end.
  readonly #waiters = new Set<() => void>();

  constructor(options: AudioSocketConnectionOptions) {
    this.#options = options;
    const { socket, clock } = options;
    this.remoteAddress = socket.remoteAddress;
    this.#receivedAt = this.#sentAt = clock.now();
    this.#timer = clock.setTimeout(() => this.#look(), LOOK_MS);
    // Frames of 20 ms that wait for an acknowledgement arrive in lumps.
    socket.setNoDelay(true);
    socket.on("data", (data) => this.#onData(data));
    socket.on("end", () => (this.#hasSaidGoodbye = true));
    socket.on("error", (error) => (this.#failure = error.message));
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#onClosed();
        resolve();
      });
    });
  }

  /** Whether it has told whose call it is. */
  get isIdentified(): boolean {
    return this.#uuid !== undefined;
  }

  /** Whether it has ended. */
  get isClosed(): boolean {
    return this.#end !== undefined;
  }

  get bufferedBytes(): number {
    return this.#options.socket.writableLength;
  }

  /**
   * Waits for the call's name.
   *
   * @throws {@link TransportError} when the connection ends before, or does not say it in time.
   */
  async uuid(): Promise<string> {
    await this.#wait(() => this.#uuid !== undefined, UUID_TIMEOUT_MS);
    if (this.#uuid !== undefined) return this.#uuid;
    const why = this.#failure || "It did not say whose call it is.";
    this.terminate();
    throw new TransportError(`An AudioSocket connection was dropped. ${why}`);
  }

  /**
   * Waits for the first audio of the caller's, which tells the rate, and keeps it.
   *
   * @param timeoutMs - How long at most.
   * @returns Hz; 8000 where none has come.
   */
  async sampleRate(timeoutMs: number): Promise<number> {
    await this.#wait(() => this.#rate !== undefined, timeoutMs);
    const rate = this.#rate ?? 8000;
    this.#silence = silenceOf(rate);
    return rate;
  }

  listen(listener: MessageSocketListener): void {
    this.#listener = listener;
    for (let message = this.#waiting.shift(); message; message = this.#waiting.shift()) {
      listener.onMessage(message);
    }
    if (this.#end) listener.onClosed(this.#end.code, this.#end.reason);
  }

  send(message: string | Uint8Array): void {
    if (this.#isClosing || !this.#options.socket.writable) return;
    this.#sentAt = this.#options.clock.now();
    this.#options.socket.write(message);
  }

  /** Does nothing: AudioSocket knows no ping. */
  ping(): void {
    // Silence keeps the connection awake.
  }

  close(): void {
    if (this.#isClosing || this.#end) return;
    this.#isClosing = true;
    this.#timer.cancel();
    this.#timer = this.#options.clock.setTimeout(() => this.terminate(), CLOSE_MS);
    this.#options.socket.end();
  }

  terminate(): void {
    this.#options.socket.destroy();
  }

  #onData(data: Uint8Array): void {
    this.#receivedAt = this.#options.clock.now();
    try {
      this.#parser.push(data);
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
      this.terminate();
    }
  }

  #onMessage(message: Uint8Array): void {
    if (this.#uuid === undefined) {
      this.#uuid = uuidOf(message);
      this.#parser.maxContentBytes = MAX_CONTENT_BYTES;
    } else {
      this.#rate ??= audioRateOf(message);
      if (this.#listener) this.#listener.onMessage(message);
      // Not slice(), which copies nothing of a Buffer.
      else this.#waiting.push(new Uint8Array(message));
    }
    if (this.#waiters.size > 0) this.#wakeAll();
  }

  #onClosed(): void {
    this.#timer.cancel();
    // 1006 is RFC 6455's word for a socket that broke; Asterisk's hang-up is a bare FIN.
    const isOrderly = this.#failure === "" && (this.#hasSaidGoodbye || this.#isClosing);
    this.#end = { code: isOrderly ? 1000 : 1006, reason: this.#failure };
    this.#wakeAll();
    this.#listener?.onClosed(this.#end.code, this.#end.reason);
  }

  #look(): void {
    const { clock, idleTimeoutMs } = this.#options;
    const now = clock.now();
    if (now - this.#receivedAt > idleTimeoutMs) {
      this.#failure = "Nothing came any more.";
      this.terminate();
      return;
    }
    const quietMs = now - Math.max(this.#receivedAt, this.#sentAt);
    if (this.#silence && quietMs >= QUIET_MS) this.send(this.#silence);
    this.#timer = clock.setTimeout(() => this.#look(), LOOK_MS);
  }

  #wait(isDone: () => boolean, timeoutMs: number): Promise<void> {
    if (isDone() || this.#end) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiters.delete(look);
        timer.cancel();
        resolve();
      };
      const look = (): void => {
        if (isDone() || this.#end) done();
      };
      const timer = this.#options.clock.setTimeout(done, timeoutMs);
      this.#waiters.add(look);
    });
  }

  #wakeAll(): void {
    for (const look of this.#waiters) look();
  }
}
