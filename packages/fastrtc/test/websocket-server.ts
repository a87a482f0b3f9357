/** A server with one stream that WebSockets can be opened at. */

import type { Socket } from "node:net";
import { listen } from "../src/http/listen.ts";
import { createRouter } from "../src/http/router.ts";
import { TrustedProxies } from "../src/http/trusted-proxy.ts";
import { WEBSOCKET_PATH } from "../src/session/entry/websocket-entry.ts";
import type { StreamSessions } from "../src/stream-sessions.ts";
import { StreamEntries } from "../src/stream-entries.ts";
import { FakeStreamService } from "../src/testing/fake-stream-service.ts";
import type { ConformanceServerOptions } from "./conformance-harness.ts";
import { conformanceSessions } from "./conformance-sessions.ts";

/** What {@link startWebSocketServer} has started. */
export interface WebSocketServer {
  readonly sessions: StreamSessions;
  /** Where sockets are opened. */
  readonly url: string;
  /** TCP sockets that are open. */
  readonly openSockets: ReadonlySet<Socket>;
  /** WebSockets that wait for their `start`. */
  readonly waitingCount: number;
  close(): Promise<void>;
}

/** Starts a server on a free port of this machine. */
export async function startWebSocketServer(
  options: ConformanceServerOptions,
): Promise<WebSocketServer> {
  const sessions = conformanceSessions(options);
  const entries = new StreamEntries({
    sessions,
    checked: { handler: options.handler, mode: "send-receive" },
    proxies: new TrustedProxies(undefined),
  });
  const router = createRouter(new FakeStreamService());
  const server = await listen(router, { port: 0, host: "127.0.0.1" }, entries.upgrader);
  const openSockets = new Set<Socket>();
  server.server.on("connection", (socket) => {
    openSockets.add(socket);
    socket.once("close", () => openSockets.delete(socket));
  });
  return {
    sessions,
    url: `ws://127.0.0.1:${server.port}${WEBSOCKET_PATH}`,
    openSockets,
    get waitingCount() {
      return entries.waitingCount;
    },
    async close() {
      entries.close();
      await sessions.close({ type: "update_connection", data: "closed" });
      await server.close();
    },
  };
}
