/**
 * The WebSockets of one stream: upgrade requests in, open sockets out, to the {@link UpgradeRoute}
 * that the path belongs to.
 *
 * Node servers give theirs through `server-upgrades.ts`, an application's own listener through
 * `stream.handleUpgrade`. A refusal is an HTTP answer with the body that the HTTP routes would give.
 */

import { STATUS_CODES } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { systemClock } from "../media/clock.ts";
import type { Clock } from "../media/clock.ts";
import { consoleLogger } from "../observe/logger.ts";
import type { Logger } from "../observe/logger.ts";
import { SocketAcceptor } from "../transport/websocket/ws-socket.ts";
import type { UpgradeExchange } from "../transport/websocket/ws-socket.ts";
import { Cors } from "./cors.ts";
import type { CorsOptions } from "./cors.ts";
import { failureOf, isUnexpected, RefusedRequest } from "./failure.ts";
import { pathBelow } from "./mount-path.ts";
import { pathnameOf, requestInfo, toFetchRequest } from "./node-request.ts";
import { RouteTable } from "./route-path.ts";
import type { RequestInfo } from "./stream-service.ts";
import type { SocketOpener, UpgradeRoute } from "./upgrade-route.ts";

/** What fits: 4 s of mu-law at 48 kHz in base64. Real clients send a tenth of a second. */
const MAX_MESSAGE_BYTES = 262_144;
/** How long a refused client may take to read why, in milliseconds. */
const REFUSAL_MS = 1_000;

/** Decides what an {@link Upgrader} does. */
export interface UpgraderOptions {
  /** Which other sites' pages may open sockets. @defaultValue those of the same host only */
  readonly cors?: CorsOptions;
  /** Tells our own origin as the client sees it, where a trusted proxy has told it. */
  readonly publicOrigin?: (request: Request, info: RequestInfo) => string | undefined;
  /** Where time comes from. @defaultValue the system's clock */
  readonly clock?: Clock;
  /** Told of errors that clients see as `internal_error`. @defaultValue the console */
  readonly logger?: Logger;
}

/** What is known of an upgrade besides node's request. */
export interface UpgradeDetails {
  /** What stands in the URL before the stream's paths. */
  readonly mountPath: string;
  /** Path and query as the client asked for them. @defaultValue those of node's request */
  readonly url?: string;
  /** The client's address, where a framework has looked behind its proxies. */
  readonly remoteAddress?: string | undefined;
}

interface Entrance {
  readonly route: UpgradeRoute;
  readonly acceptor: SocketAcceptor;
}

/** Lets the WebSockets of one stream in. */
export class Upgrader {
  /** The paths that it takes, below the mount path; one that ends in `/*` is a folder. */
  readonly paths: readonly string[];
  readonly #entrances: RouteTable<Entrance>;
  readonly #cors: Cors;
  readonly #publicOrigin: UpgraderOptions["publicOrigin"];
  readonly #clock: Clock;
  readonly #logger: Logger;

  /** @throws {@link InvalidOptionError} when an option cannot work. */
  constructor(routes: readonly UpgradeRoute[], options: UpgraderOptions = {}) {
    const clock = options.clock ?? systemClock;
    this.paths = routes.map(({ path }) => path);
    this.#clock = clock;
    this.#logger = options.logger ?? consoleLogger;
    this.#cors = new Cors(options.cors);
    this.#publicOrigin = options.publicOrigin;
    this.#entrances = new RouteTable(
      routes.map((route) => {
        const { protocols = [], maxMessageBytes = MAX_MESSAGE_BYTES } = route;
        const acceptor = new SocketAcceptor({ protocols, maxMessageBytes, clock });
        return [route.path, { route, acceptor }] as const;
      }),
    );
  }

  /** Tells whether a path below the mount path is one of them. */
  owns(path: string): boolean {
    return this.#entrances.find(path) !== undefined;
  }

  /**
   * Takes an upgrade request where its path is one of the stream's.
   *
   * @returns false when it is not; nothing has been read or written then.
   */
  handle(exchange: UpgradeExchange, details: UpgradeDetails): boolean {
    const { incoming, socket } = exchange;
    const { mountPath, url = incoming.url ?? "/" } = details;
    const path = pathBelow(mountPath, pathnameOf(url));
    const entrance = path === undefined ? undefined : this.#entrances.find(path);
    if (!entrance) return false;
    // Until the handshake is over a broken socket is nobody else's to notice.
    socket.on("error", destroyThis);
    void this.#accept(entrance, exchange, details).catch(() => {
      // Only what was given to us can throw there, such as a logger.
      socket.destroy();
    });
    return true;
  }

  async #accept(
    { route, acceptor }: Entrance,
    exchange: UpgradeExchange,
    { mountPath, remoteAddress, url }: UpgradeDetails,
  ): Promise<void> {
    const { incoming, socket } = exchange;
    const gone = new AbortController();
    const leave = (): void => {
      gone.abort();
    };
    socket.once("close", leave);
    let open: SocketOpener;
    try {
      const request = checkHandshake(incoming, gone.signal, url);
      const info = requestInfo(incoming, mountPath, remoteAddress);
      if (!this.#cors.permits(request, this.#publicOrigin?.(request, info))) {
        throw new RefusedRequest(403, "not_authorized", "Pages of this origin may not open it.");
      }
      open = await route.accept(request, info);
    } catch (error) {
      if (isUnexpected(error)) this.#logger.error(`WebSocket ${route.path} failed.`, { error });
      const failure = isRefusal(error) ? failureOf : (route.failure ?? failureOf);
      await this.#refuse(socket, failure(error));
      return;
    }
    socket.off("close", leave);
    if (gone.signal.aborted) return;
    acceptor.accept(exchange, (webSocket) => {
      socket.off("error", destroyThis);
      open(webSocket);
    });
    // Where the handshake failed after all, the opener is not called and must learn of it.
    if (socket.destroyed) gone.abort();
  }

  async #refuse(socket: Duplex, response: Response): Promise<void> {
    const body = Buffer.from(await response.arrayBuffer());
    const headers = new Headers(response.headers);
    headers.set("connection", "close");
    headers.set("content-length", String(body.byteLength));
    if (response.status === 426) {
      headers.set("upgrade", "websocket");
      headers.set("connection", "close, upgrade");
      headers.set("sec-websocket-version", "13");
    }
    const lines = [`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ""}`];
    headers.forEach((value, name) => lines.push(`${name}: ${value}`));
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    socket.end(body);
    // Unread bytes would make TCP reset the connection before the answer is read.
    socket.resume();
    const deadline = this.#clock.setTimeout(() => socket.destroy(), REFUSAL_MS);
    socket.once("close", () => deadline.cancel());
  }
}

function destroyThis(this: Duplex): void {
  this.destroy();
}

// Ours to answer in FastRTC's words, whatever the route's own are.
function isRefusal(error: unknown): boolean {
  return error instanceof RefusedRequest;
}

// RFC 6455 section 4.2.1.
function checkHandshake(incoming: IncomingMessage, signal: AbortSignal, url?: string): Request {
  const { headers, method } = incoming;
  if (headers.upgrade?.toLowerCase() !== "websocket") {
    throw new RefusedRequest(426, "invalid_request", "This path takes WebSockets only.");
  }
  if (headers["sec-websocket-version"] !== "13") {
    throw new RefusedRequest(426, "invalid_request", "This path takes version 13 only.");
  }
  if (method !== "GET" || !/^[A-Za-z0-9+/]{22}==$/.test(headers["sec-websocket-key"] ?? "")) {
    throw new RefusedRequest(400, "invalid_request", "The WebSocket handshake is malformed.");
  }
  const request = toFetchRequest(incoming, signal, url === undefined ? {} : { url });
  if (request) return request;
  throw new RefusedRequest(400, "invalid_request", "The request cannot be read.");
}
