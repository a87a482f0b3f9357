import type { IncomingMessage, ServerResponse } from "node:http";
import { comeAgain } from "./mounted-upgrades.ts";
import type { MountedUpgrades } from "./mounted-upgrades.ts";
import { serve } from "./node.ts";
import type { NodeRequestDetails } from "./node-request.ts";
import { sendResponse } from "./node-response.ts";
import { ownsTarget } from "./route-path.ts";
import type { Router } from "./router.ts";

/** What we use of an Express or Connect request. */
export interface ExpressRequest extends IncomingMessage {
  /** Path and query before any router cut its own path off. */
  readonly originalUrl?: string;
  /** What the routers above have cut off; Connect has none. */
  readonly baseUrl?: string;
  /** The client's address, as far as `trust proxy` goes. */
  readonly ip?: string | undefined;
  /** What a body parser has made of the body. */
  readonly body?: unknown;
}

/** A middleware of Express 4 and 5, and of Connect. */
export type ExpressMiddleware = (
  request: ExpressRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Makes a middleware for `app.use(path, middleware)`; works before and after `express.json()`.
 *
 * @param path - The path that it is used at.
 * @param upgrades - Takes the WebSockets that come below that path.
 */
export function toExpressMiddleware(
  router: Router,
  path = "",
  upgrades?: MountedUpgrades,
): ExpressMiddleware {
  return (request, response, next) => {
    const url = request.originalUrl ?? request.url ?? "/";
    // Express knows the whole prefix, also when it is used on a router below another one.
    const mountPath = request.baseUrl ?? path;
    const outcome = upgrades?.take(request, { mountPath, url, remoteAddress: request.ip });
    if (outcome === "taken") return;
    if (outcome === "come-again") {
      sendResponse(comeAgain(), request, response).catch(next);
      return;
    }
    if (!ownsTarget(router, mountPath, url)) {
      next();
      return;
    }
    const exchange = { incoming: request, outgoing: response, mountPath, ...details(request, url) };
    serve(router, exchange).then((isAnswered) => {
      if (!isAnswered) next();
    }, next);
  };
}

function details(request: ExpressRequest, url: string): NodeRequestDetails {
  return {
    url,
    ...(request.ip === undefined ? {} : { remoteAddress: request.ip }),
    // Express 4's parser sets an empty body also where it read nothing, so the stream decides.
    ...(request.readableDidRead ? { body: parsedBody(request) } : {}),
  };
}

// A parser has read the body; what signatures were made over must be the same text again.
function parsedBody({ body, headers }: ExpressRequest): string | Uint8Array {
  if (typeof body === "string" || body instanceof Uint8Array) return body;
  if (body === undefined) return "";
  return headers["content-type"]?.startsWith("application/x-www-form-urlencoded") === true
    ? new URLSearchParams(body as Record<string, string>).toString()
    : JSON.stringify(body);
}
