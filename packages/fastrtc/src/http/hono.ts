import type { IncomingMessage } from "node:http";
import { mountPathIn } from "./mount-path.ts";
import { comeAgain } from "./mounted-upgrades.ts";
import type { MountedUpgrades } from "./mounted-upgrades.ts";
import type { Router } from "./router.ts";
import type { RequestInfo } from "./stream-service.ts";

/** What we use of a Hono context. */
export interface HonoContext {
  readonly req: {
    readonly raw: Request;
    /** The pattern that the running middleware was added with. */
    readonly routePath?: string;
    /** The body, also when a middleware has read it before. */
    text(): Promise<string>;
  };
  /** Whatever the runtime gives; `@hono/node-server` gives node's request. */
  readonly env: unknown;
}

/** A middleware of Hono. */
export type HonoMiddleware = (
  context: HonoContext,
  next: () => Promise<void>,
) => Promise<Response | undefined>;

/**
 * Makes a middleware for `app.use(path + "/*", middleware)`.
 *
 * @param path - The path that it is used at.
 * @param upgrades - Takes the WebSockets that come below that path.
 */
export function toHonoMiddleware(
  router: Router,
  path = "",
  upgrades?: MountedUpgrades,
): HonoMiddleware {
  return async (context, next) => {
    const mountPath = mountPathOf(context, path);
    const { incoming } = (context.env ?? {}) as { readonly incoming?: IncomingMessage };
    const url = incoming?.url ?? "/";
    const outcome = upgrades?.take(incoming, { mountPath, url });
    if (outcome === "taken") return ALREADY_SENT;
    if (outcome === "come-again") return comeAgain();
    const info = infoOf(incoming, mountPath);
    const response = await router(await unreadRequest(context.req), info);
    if (response) return response;
    await next();
    return undefined;
  };
}

// What @hono/node-server takes for "somebody else has answered".
const ALREADY_SENT = new Response(null, { headers: { "x-hono-already-sent": "true" } });

async function unreadRequest(request: HonoContext["req"]): Promise<Request> {
  const { raw } = request;
  if (!raw.bodyUsed) return raw;
  const { url, method, headers, signal } = raw;
  return new Request(url, { method, headers, signal, body: await request.text() });
}

function infoOf(incoming: IncomingMessage | undefined, mountPath: string): RequestInfo {
  const { socket } = (incoming ?? {}) as Partial<IncomingMessage>;
  return {
    mountPath,
    ...(socket?.remoteAddress === undefined ? {} : { remoteAddress: socket.remoteAddress }),
    ...(socket?.localAddress === undefined ? {} : { localAddress: socket.localAddress }),
  };
}

// An app that is itself routed below another one knows its whole path only per request, and that
// path may have parameters: so the pattern's segments are counted, and taken from the URL.
function mountPathOf({ req }: HonoContext, path: string): string {
  const pattern = req.routePath?.replace(/\/\*$/, "") ?? path;
  return mountPathIn(new URL(req.raw.url).pathname, pattern);
}
