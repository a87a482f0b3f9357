import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { mountPathIn } from "./mount-path.ts";
import type { MountedUpgrades } from "./mounted-upgrades.ts";
import { pathnameOf, requestInfo, toFetchRequest } from "./node-request.ts";
import { sendResponse } from "./node-response.ts";
import type { Router } from "./router.ts";

/** What we use of a Fastify request. */
export interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly ip: string;
  readonly originalUrl: string;
  readonly body: unknown;
}

/** What we use of a Fastify reply. */
export interface FastifyReply {
  readonly raw: ServerResponse;
  getHeaders(): Readonly<Record<string, number | string | string[] | undefined>>;
  hijack(): unknown;
  send(payload: Response): unknown;
  callNotFound(): unknown;
}

/** What we use of a Fastify instance. */
export interface FastifyInstance {
  readonly server: Server;
  /** Everything that it is registered below. */
  readonly prefix: string;
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    contentType: string,
    parser: (
      request: FastifyRequest,
      payload: AsyncIterable<Uint8Array>,
      done: (error: null, body: unknown) => void,
    ) => void,
  ): unknown;
  route(options: {
    method: string[];
    url: string;
    handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
  }): unknown;
}

/** A plugin for Fastify's `register`. */
export type FastifyPlugin = (instance: FastifyInstance, options: unknown, done: () => void) => void;

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/**
 * Makes a plugin for `app.register(plugin, { prefix })`.
 *
 * Body parsers of the application do not reach into it, and its own does not leave it.
 *
 * @param upgrades - Takes the WebSockets that come below that prefix.
 */
export function toFastifyPlugin(router: Router, upgrades?: MountedUpgrades): FastifyPlugin {
  return (instance, _options, done) => {
    const { prefix } = instance;
    upgrades?.attach(instance.server);
    instance.removeAllContentTypeParsers();
    // Bodies stay streams: the router has its own, earlier limit.
    instance.addContentTypeParser("*", (_request, payload, parsed) => {
      parsed(null, payload);
    });
    for (const path of new Set([...router.paths, ...(upgrades?.paths ?? [])])) {
      // Fastify answers "/" of a plugin at its prefix with and without the slash.
      if (path === "") continue;
      instance.route({
        method: METHODS,
        url: path,
        handler: (request, reply) => {
          const mountPath = mountPathIn(pathnameOf(request.originalUrl), prefix);
          const { raw, ip, originalUrl: url } = request;
          const outcome = upgrades?.take(raw, { mountPath, url, remoteAddress: ip });
          if (outcome === "taken") return Promise.resolve(reply.hijack());
          return respond(router, mountPath, request, reply);
        },
      });
    }
    done();
  };
}

async function respond(
  router: Router,
  mountPath: string,
  { raw, ip, originalUrl, body }: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const gone = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  const request = toFetchRequest(raw, gone.signal, {
    url: originalUrl,
    ...(isStream(body) ? { bodyStream: body } : {}),
  });
  const response = request && (await router(request, requestInfo(raw, mountPath, ip)));
  if (!response) return reply.callNotFound();
  if (response.status < 400 || raw.complete) return reply.send(response);
  // Fastify would either read a refused upload to its end, or reset the connection before the
  // client has read why.
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  await sendResponse(response, raw, reply.raw);
  return reply;
}

function isStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}
