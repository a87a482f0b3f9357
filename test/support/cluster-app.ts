/**
 * An application for `fastrtc start` that says what its worker knows: each worker answers on the
 * port that all share, and on one of its own.
 *
 * Arguments: the shared port, and how many milliseconds its one session takes to end.
 */

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { defaultBackplane } from "../../packages/fastrtc/src/cluster/cluster-backplane.ts";
import { drainOnSignals } from "../../packages/fastrtc/src/http/drain-signals.ts";
import type {
  BackplaneNode,
  SessionClaim,
} from "../../packages/fastrtc/src/session/backplane/backplane.ts";

/** What a worker prints when it is ready, as JSON. */
export interface WorkerInfo {
  readonly pid: number;
  readonly node: string;
  /** The port that only this worker listens on. */
  readonly port: number;
}

const [sharedPort = "0", drainMs = "0"] = process.argv.slice(2);
const heard: unknown[] = [];
const backplane = defaultBackplane();
if (!backplane) throw new Error("This worker has no backplane.");
const store = backplane.store("voice");
const node = await backplane.join("voice", {
  onMessage: (from, message) => heard.push({ from, message }),
  onGone: (gone) => heard.push({ gone }),
  onLost: (lost) => heard.push({ lost }),
});

const commands: Record<string, (argument: string) => unknown> = {
  pid: () => process.pid,
  claim: (text) => node.claim({ ...(JSON.parse(text) as SessionClaim), limit: Infinity }),
  find: async (id) => (await node.find(id)) ?? null,
  count: () => node.count(),
  send: (text) => node.send(...(JSON.parse(text) as Parameters<BackplaneNode["send"]>)),
  heard: () => heard,
  set: (text) => store.set("a", "key", text),
  get: async () => (await store.get("a", "key")) ?? null,
  throw: () => {
    setImmediate(() => {
      throw new Error("a bug of the application");
    });
  },
};

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  const result = await commands[pathname.slice(1)]?.(searchParams.get("argument") ?? "");
  response.setHeader("connection", "close");
  response.end(JSON.stringify(result ?? null));
}

const listener = (request: IncomingMessage, response: ServerResponse): void => {
  answer(request, response).catch((error: unknown) => {
    response.statusCode = 500;
    response.end(String(error));
  });
};
const shared = createServer(listener).listen(Number(sharedPort), "127.0.0.1");
const own = createServer(listener).listen({ port: 0, host: "127.0.0.1", exclusive: true });
await Promise.all([once(shared, "listening"), once(own, "listening")]);

drainOnSignals({
  drain: async (timeoutMs) => {
    console.log(JSON.stringify({ draining: process.pid, timeoutMs }));
    await sleep(Math.min(Number(drainMs), timeoutMs));
  },
});

const { port } = own.address() as AddressInfo;
console.log(JSON.stringify({ pid: process.pid, node: node.id, port } satisfies WorkerInfo));
