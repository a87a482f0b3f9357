import type { Socket } from "node:net";
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
 */
export function toHonoMiddleware(router: Router, path = ""): HonoMiddleware {
  return async (context, next) => {
    const info = infoOf(context, path);
    const response = await router(await unreadRequest(context.req), info);
    if (response) return response;
    await next();
    return undefined;
  };
}

async function unreadRequest(request: HonoContext["req"]): Promise<Request> {
  const { raw } = request;
  if (!raw.bodyUsed) return raw;
  const { url, method, headers, signal } = raw;
  return new Request(url, { method, headers, signal, body: await request.text() });
}

function infoOf(context: HonoContext, path: string): RequestInfo {
  const socket = (context.env as { incoming?: { socket?: Socket } } | undefined)?.incoming?.socket;
  return {
    mountPath: mountPathOf(context, path),
    ...(socket?.remoteAddress === undefined ? {} : { remoteAddress: socket.remoteAddress }),
    ...(socket?.localAddress === undefined ? {} : { localAddress: socket.localAddress }),
  };
}

// An app that is itself routed below another one knows its whole path only per request, and that
// path may have parameters: so the pattern's segments are counted, and taken from the URL.
function mountPathOf({ req }: HonoContext, path: string): string {
  const pattern = req.routePath?.replace(/\/\*$/, "") ?? path;
  const segments = pattern === "" ? 1 : pattern.split("/").length;
  return new URL(req.raw.url).pathname.split("/").slice(0, segments).join("/");
}
