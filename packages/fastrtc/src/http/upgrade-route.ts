/**
 * How a WebSocket of ours is let in: what the WebSocket, telephone and OpenAI Realtime entries give
 * to the mount, and all that they need to know of HTTP.
 */

import type { MessageSocket } from "../transport/websocket/message-socket.ts";
import type { RoutePath } from "./route-path.ts";
import type { RequestInfo } from "./stream-service.ts";

/** Takes the socket over, once it is open. Must not throw. */
export type SocketOpener = (socket: MessageSocket) => void;

/** One path that WebSockets may be opened at. */
export interface UpgradeRoute {
  readonly path: RoutePath;
  /**
   * Decides whether a socket may be opened. The origin has been checked; nothing has been answered.
   *
   * @param request - A GET without body. Its signal aborts when the client goes before the socket
   * is open: the opener is not called then, so what was taken for it must be given back.
   * @returns what takes the open socket.
   * @throws what {@link StreamService} methods may throw; the client reads it as an HTTP answer.
   */
  readonly accept: (request: Request, info: RequestInfo) => Promise<SocketOpener>;
  /**
   * Subprotocols that are spoken, the best first. A client that asks for none of them gets none.
   *
   * @defaultValue none
   */
  readonly protocols?: readonly string[];
  /**
   * The longest message that is taken, in bytes; a longer one ends the socket with code 1009.
   * Higher takes that much memory for each socket.
   *
   * @defaultValue 262144
   */
  readonly maxMessageBytes?: number;
  /** Writes what `accept` threw as an answer. @defaultValue FastRTC's failure object */
  readonly failure?: (error: unknown) => Response;
}
