/**
 * Fulfils {@link MessageSocket} with the `ws` package, whose types stay in this file.
 *
 * In comes an upgrade request that has been let in, out goes an open socket. `http/upgrade.ts` calls.
 */

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { RawData, WebSocket } from "ws";
import type { Clock, Timer } from "../../media/clock.ts";
import { CloseCode } from "./close-codes.ts";
import type { MessageSocket, MessageSocketListener } from "./message-socket.ts";

/** How long the other side may take to answer a close before the socket is cut, in milliseconds. */
const CLOSE_ANSWER_MS = 3_000;
/** What fits into a close frame beside the code: RFC 6455 section 5.5. */
const MAX_REASON_BYTES = 123;

/** An upgrade request as node gives it. */
export interface UpgradeExchange {
  readonly incoming: IncomingMessage;
  readonly socket: Duplex;
  /** The first bytes that came after the request. */
  readonly head: Buffer;
}

/** Shapes the sockets of a {@link SocketAcceptor}. */
export interface SocketAcceptorOptions {
  /** Subprotocols that are spoken, the best first. */
  readonly protocols: readonly string[];
  /** The longest message that is taken, in bytes. */
  readonly maxMessageBytes: number;
  readonly clock: Clock;
}

/** Completes the handshakes of one path. */
export class SocketAcceptor {
  readonly #server: WebSocketServer;
  readonly #clock: Clock;

  constructor(options: SocketAcceptorOptions) {
    const { protocols, maxMessageBytes } = options;
    this.#clock = options.clock;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: maxMessageBytes,
      // A deflate context costs each socket some 300 kB, and speech does not shrink.
      perMessageDeflate: false,
      handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
    });
    // Handshakes are checked before they get here; what is refused all the same is only closed.
    this.#server.on("wsClientError", (_error, socket) => socket.destroy());
  }

  /**
   * Completes a handshake.
   *
   * @param open - Called with the socket, within this call.
   */
  accept({ incoming, socket, head }: UpgradeExchange, open: (socket: MessageSocket) => void): void {
    this.#server.handleUpgrade(incoming, socket, head, (webSocket) => {
      open(new WsSocket(webSocket, this.#clock));
    });
  }
}

class WsSocket implements MessageSocket {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  #listener: MessageSocketListener | undefined;
  #deadline: Timer | undefined;
  #failure: number | undefined;
  #ending: { readonly code: number; readonly reason: string } | undefined;

  constructor(socket: WebSocket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    // What comes before somebody listens waits at the sender: nothing to bound, nothing to lose.
    socket.pause();
    socket.on("message", (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on("pong", () => this.#listener?.onPong?.());
    socket.on("error", (error) => {
      this.#failure = closeCodeOfFailure(error);
      // ws answers with a close frame, and would wait half a minute for the other side's.
      this.#awaitClose();
    });
    socket.on("close", (code, reason) => {
      this.#deadline?.cancel();
      this.#ending = { code: this.#failure ?? code, reason: reason.toString() };
      this.#listener?.onClosed(this.#ending.code, this.#ending.reason);
    });
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  listen(listener: MessageSocketListener): void {
    this.#listener = listener;
    const ending = this.#ending;
    if (ending) queueMicrotask(() => this.#listener?.onClosed(ending.code, ending.reason));
    else this.#socket.resume();
  }

  send(message: string | Uint8Array): void {
    // Without a callback ws would throw into whoever sends to a socket that has just broken.
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(message, ignore);
  }

  ping(): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping("", false, ignore);
  }

  close(code: number, reason = ""): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.close(code, Buffer.from(reason).subarray(0, MAX_REASON_BYTES));
    // A paused socket would not read the other side's answer.
    this.#socket.resume();
    this.#awaitClose();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #awaitClose(): void {
    this.#deadline ??= this.#clock.setTimeout(() => this.#socket.terminate(), CLOSE_ANSWER_MS);
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    // With the default binaryType it is always a Buffer, which is only read here and in the call.
    const bytes = data as Buffer;
    this.#listener?.onMessage(isBinary ? bytes : bytes.toString("utf8"));
  }
}

function ignore(): void {
  // The close that follows says it.
}

function closeCodeOfFailure(error: Error & { readonly code?: string }): number | undefined {
  switch (error.code) {
    case "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH":
      return CloseCode.messageTooBig;
    default:
      return undefined;
  }
}
