/**
 * A load balancer as simple as they come: each request goes to the next server, whoever it is from.
 * A server that cannot be reached is passed over.
 */

import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** A proxy that listens. */
export interface RoundRobinProxy {
  /** Where each request goes to the next server; with a slash at the end. */
  readonly url: string;
  /** Where every request goes to the server of this index, and to no other. */
  at(index: number): string;
  close(): Promise<void>;
}

/**
 * Starts a proxy.
 *
 * @param ports - Where the servers listen on this machine.
 */
export async function startRoundRobinProxy(ports: readonly number[]): Promise<RoundRobinProxy> {
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    const [, pinned, path = "/"] = /^\/@(\d)(.*)/.exec(incoming.url ?? "/") ?? [];
    const index = pinned === undefined ? turn++ : Number(pinned);
    const tries = pinned === undefined ? ports.length : 1;
    const inTurn = ports.map((_port, offset) => ports[(index + offset) % ports.length] ?? 0);
    const target = pinned === undefined ? (incoming.url ?? "/") : path;
    void forward(incoming, outgoing, target, inTurn.slice(0, tries));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    at: (index) => `${url}@${index}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  path: string,
  ports: readonly number[],
): Promise<void> {
  const body = await buffer(incoming);
  for (const port of ports) {
    const answer = await ask(incoming, body, path, port);
    if (!answer) continue;
    outgoing.on("close", () => answer.destroy());
    // A server that dies in the middle of its answer has its client see just that.
    answer.on("error", () => outgoing.destroy());
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(outgoing);
    return;
  }
  outgoing.writeHead(502).end();
}

/** Resolves to the beginning of the answer; to undefined where there is none. */
function ask(
  { method, headers }: IncomingMessage,
  body: Buffer,
  path: string,
  port: number,
): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    const options = { host: "127.0.0.1", port, path, method, headers, agent: false };
    request(options, resolve)
      .on("error", () => resolve(undefined))
      .end(body);
  });
}
