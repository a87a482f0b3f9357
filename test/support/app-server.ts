/** An application's own HTTP server: an empty page at "/", and a stream where it is mounted. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Stream } from "fastrtc";

/** A server that listens. */
export interface AppServer {
  /** With a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts a server; without a stream it is just another origin. */
export async function startApp(stream?: Stream): Promise<AppServer> {
  const server = createServer((_request, response) => {
    response
      .writeHead(200, { "content-type": "text/html" })
      .end("<!doctype html><title>Test</title>");
  });
  stream?.mount(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
