/** A server with one stream that clients of the OpenAI Realtime API can use. */

import type { Socket } from "node:net";
import type { StreamHandlerBase } from "../src/handler/stream-handler.ts";
import { silentLogger } from "../src/observe/logger.ts";
import type { StreamOptions } from "../src/stream-options.ts";
import { Stream } from "../src/stream.ts";

/** What {@link startRealtimeServer} has started. */
export interface RealtimeServer {
  readonly stream: Stream;
  /** As in `http://127.0.0.1:1234`. */
  readonly url: string;
  /** Where sockets are opened. */
  readonly socketUrl: string;
  /** TCP sockets that are open. */
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/** Starts a server on a free port of this machine. */
export async function startRealtimeServer(
  options: Partial<StreamOptions> & { readonly handler: StreamHandlerBase },
): Promise<RealtimeServer> {
  const stream = new Stream({
    modality: "audio",
    logger: silentLogger,
    openaiRealtime: true,
    ...options,
  });
  const { server, port } = await stream.launch({ port: 0, host: "127.0.0.1" });
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return {
    stream,
    url: `http://127.0.0.1:${port}`,
    socketUrl: `ws://127.0.0.1:${port}/v1/realtime`,
    sockets,
    close: () => stream.close(),
  };
}
