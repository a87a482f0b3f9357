import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { Server as SecureServer } from "node:https";
import { normalizeMountPath } from "./mount-path.ts";
import { requestInfo, toFetchRequest } from "./node-request.ts";
import type { NodeRequestDetails } from "./node-request.ts";
import { sendResponse } from "./node-response.ts";
import { ownsTarget } from "./route-path.ts";
import type { Router } from "./router.ts";

/** One request of node's that a router shall answer. */
export interface NodeExchange extends NodeRequestDetails {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** What stands in the URL before the router's paths. */
  readonly mountPath: string;
  /** Ends event streams in good order when it aborts. */
  readonly closing?: AbortSignal;
}

/** Shapes {@link toNodeHandler}. */
export interface NodeHandlerOptions {
  /** What stands in the URL before the routes. @defaultValue the empty string */
  readonly path?: string;
  /** Ends event streams in good order when it aborts. */
  readonly closing?: AbortSignal;
}

/**
 * Makes a listener for `http.createServer()` that answers everything: what the router does not
 * know is 404.
 *
 * @throws {@link InvalidOptionError} when the path is not one.
 */
export function toNodeHandler(router: Router, options: NodeHandlerOptions = {}): RequestListener {
  const mountPath = normalizeMountPath(options.path ?? "");
  const closing = options.closing ? { closing: options.closing } : {};
  return (incoming, outgoing) => {
    if (!ownsTarget(router, mountPath, incoming.url ?? "/")) {
      notFound(outgoing);
      return;
    }
    void serve(router, { incoming, outgoing, mountPath, ...closing }).then((isAnswered) => {
      if (!isAnswered) notFound(outgoing);
    });
  };
}

/**
 * Takes the router's paths of a server that has its own listeners, and leaves them the rest.
 *
 * @param path - What stands in the URL before the routes.
 * @returns a function that gives the paths back.
 * @throws {@link InvalidOptionError} when the path is not one.
 */
export function attachToServer(
  server: Server | SecureServer,
  router: Router,
  path = "",
): () => void {
  const mountPath = normalizeMountPath(path);
  let isAttached = true;
  // A listener cannot keep a request from the others, and two answers to one request throw.
  // `emit` is the one place before all of them, also those that are added later.
  const emit = server.emit.bind(server) as (event: string, ...args: unknown[]) => boolean;
  const original = Object.getOwnPropertyDescriptor(server, "emit");
  const intercept = (event: string, ...args: unknown[]): boolean => {
    if (!isAttached || event !== "request") return emit(event, ...args);
    const [incoming, outgoing] = args as [IncomingMessage, ServerResponse];
    if (!ownsTarget(router, mountPath, incoming.url ?? "/")) return emit(event, ...args);
    void serve(router, { incoming, outgoing, mountPath }).then((isAnswered) => {
      if (!isAnswered && !emit(event, ...args)) notFound(outgoing);
    });
    return true;
  };
  server.emit = intercept;
  return () => {
    isAttached = false;
    // Somebody may have wrapped us since; then we stay in between and pass everything on.
    if (server.emit !== intercept) return;
    delete (server as Partial<Pick<Server, "emit">>).emit;
    if (original) Object.defineProperty(server, "emit", original);
  };
}

/**
 * Lets a router answer a request of node's.
 *
 * @returns false when the router did not; nothing was read or written then.
 */
export async function serve(router: Router, exchange: NodeExchange): Promise<boolean> {
  const { incoming, outgoing, mountPath, closing } = exchange;
  const gone = new AbortController();
  const leave = (): void => {
    if (!outgoing.writableFinished) gone.abort();
  };
  outgoing.once("close", leave);
  // A client may vanish at any byte; what it breaks is seen where it is read and written.
  incoming.on("error", ignore);
  outgoing.on("error", ignore);
  const request = toFetchRequest(incoming, gone.signal, exchange);
  if (!request) {
    outgoing.writeHead(400, { connection: "close" }).end();
    return true;
  }
  const info = requestInfo(incoming, mountPath, exchange.remoteAddress);
  try {
    const response = await router(request, info);
    if (response) {
      await sendResponse(response, incoming, outgoing, closing);
      return true;
    }
  } catch {
    // Neither throws unless something given to us does, such as a logger. One request must not
    // take the process with it.
    outgoing.destroy();
    return true;
  }
  outgoing.off("close", leave);
  incoming.off("error", ignore);
  outgoing.off("error", ignore);
  return false;
}

function ignore(): void {
  // See serve().
}

function notFound(outgoing: ServerResponse): void {
  if (outgoing.headersSent) return;
  outgoing.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("Not found.\n");
}
