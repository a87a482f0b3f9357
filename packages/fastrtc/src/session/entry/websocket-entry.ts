/**
 * The WebSocket way in, `WS {path}/websocket/offer`: an upgrade request and then a socket in, a
 * session out.
 *
 * The application is asked who it is before the socket is opened; the session begins with `start`.
 * Refusals before are HTTP answers, and after FastRTC's failure object and a close code.
 */

import type { FailureResponse } from "@fastrtc/protocol";

import { opusPacketDurationSamples } from "../../codec/opus-packet.ts";
import { NegotiationError } from "../../errors.ts";
import type { Clock } from "../../media/clock.ts";
import { CloseCode } from "../../transport/websocket/close-codes.ts";
import type { MessageSocket } from "../../transport/websocket/message-socket.ts";
import { encodeStarted, parseStartMessage } from "../../transport/websocket/start-message.ts";
import type { WebSocketAudioDefaults } from "../../transport/websocket/start-message.ts";
import { WaitingSocket } from "../../transport/websocket/waiting-socket.ts";
import { WebSocketTransport } from "../../transport/websocket/websocket-transport.ts";
import type { Identity, SessionHost } from "../admission/session-host.ts";

/** Where FastRTC's clients open their sockets, below the mount path. */
export const WEBSOCKET_PATH = "/websocket/offer";

/** Sockets that may wait for their `start`. */
const MAX_WAITING = 256;

/** What a {@link WebSocketEntry} works with. */
export interface WebSocketEntryOptions {
  readonly host: SessionHost;
  /** What the stream's handler takes and gives. */
  readonly audio: WebSocketAudioDefaults;
  /** Puts an error into the words that a client may read; logs what it may not. */
  readonly describeRefusal: (error: unknown) => Promise<FailureResponse>;
  readonly clock: Clock;
  /**
   * How many open sockets may wait for their `start`; one more, and the oldest of them is closed.
   * Higher bears more clients that connect at the same moment, and as many idle sockets.
   *
   * @defaultValue 256
   */
  readonly maxWaiting?: number;
}

/** Begins the sessions that come over WebSockets. */
export class WebSocketEntry {
  readonly #options: WebSocketEntryOptions;
  // In the order in which they came.
  readonly #waiting = new Set<WaitingSocket>();
  #isClosed = false;

  constructor(options: WebSocketEntryOptions) {
    this.#options = options;
  }

  /** How many open sockets wait for their `start`. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /**
   * Decides whether a socket may be opened.
   *
   * @returns what takes the open socket.
   * @throws whatever {@link SessionHost.identify} throws.
   */
  async accept(
    request: Request,
    { remoteAddress }: { readonly remoteAddress?: string },
  ): Promise<(socket: MessageSocket) => void> {
    if (this.#isClosed) throw closing();
    const identity = await this.#options.host.identify({
      request,
      transport: "websocket",
      remoteAddress,
    });
    return (socket) => this.#take(socket, identity);
  }

  /** Closes the sockets that wait for their `start`, and lets no more in. */
  close(): void {
    this.#isClosed = true;
    for (const socket of this.#waiting) socket.end(CloseCode.goingAway, "The server is closing.");
    this.#waiting.clear();
  }

  #take(socket: MessageSocket, identity: Identity): void {
    if (this.#isClosed) {
      socket.close(CloseCode.goingAway, "The server is closing.");
      return;
    }
    // Of many sockets that do nothing, the oldest has had the most time: who means it sends `start`
    // within a round trip. To refuse the newest would let the idle ones keep everybody out.
    const { maxWaiting = MAX_WAITING, clock } = this.#options;
    const [oldest] = this.#waiting;
    if (oldest && this.#waiting.size >= maxWaiting) {
      this.#waiting.delete(oldest);
      oldest.end(CloseCode.tryAgainLater, "Too many sockets wait for their start.");
    }
    const waiting = new WaitingSocket({
      socket,
      clock,
      onStart: (message) => {
        this.#waiting.delete(waiting);
        void this.#begin(message, waiting, identity);
      },
      onClosed: () => this.#waiting.delete(waiting),
    });
    this.#waiting.add(waiting);
  }

  async #begin(
    message: Readonly<Record<string, unknown>>,
    waiting: WaitingSocket,
    identity: Identity,
  ): Promise<void> {
    const { host, audio, clock } = this.#options;
    try {
      const start = parseStartMessage(message, audio);
      const transport = new WebSocketTransport({
        socket: waiting.socket,
        audio: start.audio,
        opusDuration: opusPacketDurationSamples,
        clock,
      });
      const { sessionToken, resumed } = await host.begin({
        identity,
        webrtcId: start.webrtcId,
        params: start.params,
        sessionToken: start.sessionToken,
        tellsToken: start.wantsAnswer,
        createTransport: () => transport,
      });
      waiting.handOver(
        transport,
        start.wantsAnswer ? encodeStarted(start.audio, sessionToken, resumed) : undefined,
      );
    } catch (error) {
      waiting.refuse(await this.#options.describeRefusal(error));
    }
  }
}

function closing(): NegotiationError {
  return new NegotiationError("The stream is closing.", { reason: "server_closing" });
}
