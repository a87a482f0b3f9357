import { setMaxListeners } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { InvalidOptionError, TransportError } from "../errors.ts";
import { systemClock } from "../media/clock.ts";
import { toNodeHandler } from "./node.ts";
import type { Router } from "./router.ts";
import { claimUpgrades } from "./server-upgrades.ts";
import type { Upgrader } from "./upgrade.ts";

/** Where to listen. */
export interface ListenOptions {
  /** TCP port; 0 takes a free one. */
  readonly port: number;
  /** Address or name of the interface; `127.0.0.1` is reachable from this machine only. */
  readonly host: string;
}

/** A server that {@link Stream.launch} has started. */
export interface ListeningServer {
  /** What to open in a browser on this machine. */
  readonly url: string;
  readonly port: number;
  /** For WebSocket upgrades. */
  readonly server: Server;
  /**
   * Stops listening, ends event streams, lets answers that are under way go out, and after a second
   * cuts what is left. Safe to call twice.
   */
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 1_000;

/**
 * Starts an HTTP server that answers with a router, and 404 for everything else.
 *
 * @param upgrader - Takes the WebSockets.
 * @throws {@link InvalidOptionError} when the port is taken or may not be used, or the host is not
 * an address of this machine.
 */
export async function listen(
  router: Router,
  options: ListenOptions,
  upgrader?: Upgrader,
): Promise<ListeningServer> {
  const { port, host } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidOptionError("port", port, "Give a whole number from 0 to 65535.");
  }
  const closing = new AbortController();
  // One listener for each open event stream is no leak.
  setMaxListeners(0, closing.signal);
  const server = createServer(toNodeHandler(router, { closing: closing.signal }));
  if (upgrader) {
    claimUpgrades(server, (incoming, socket, head) =>
      upgrader.handle({ incoming, socket, head }, { mountPath: "" }),
    );
  }
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      reject(listenError(error, options));
    };
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      resolve();
    });
  });
  let closed: Promise<void> | undefined;
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://${urlHost(host)}:${bound}/`,
    port: bound,
    server,
    close: () => (closed ??= close(server, sockets, closing)),
  };
}

async function close(
  server: Server,
  sockets: ReadonlySet<Socket>,
  closing: AbortController,
): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  closing.abort();
  // Also upgraded sockets, which node no longer counts as connections of the server.
  const deadline = systemClock.setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, CLOSE_GRACE_MS);
  await closed;
  deadline.cancel();
}

function urlHost(host: string): string {
  // Listening everywhere is no address to open; and browsers give a microphone to localhost only.
  if (host === "0.0.0.0" || host === "::" || host === "") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}

function listenError(error: NodeJS.ErrnoException, { port, host }: ListenOptions): Error {
  const options = { cause: error };
  switch (error.code) {
    case "EADDRINUSE":
      return new InvalidOptionError(
        "port",
        port,
        `Something else listens on ${host}:${port} already. End it, or give another port; 0 takes a free one.`,
        options,
      );
    case "EACCES":
      return new InvalidOptionError(
        "port",
        port,
        "The system does not let this process listen there. Give a port above 1023.",
        options,
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new InvalidOptionError(
        "host",
        host,
        'This machine has no such address. Give "127.0.0.1" for this machine only, or "0.0.0.0" for all its networks.',
        options,
      );
    case undefined:
    default:
      return new TransportError(`Cannot listen on ${host}:${port}.`, options);
  }
}
