/**
 * The HTTP side of a stream as one Fetch-style function.
 *
 * In come a `Request` and where it came from, out goes a `Response`, or undefined when the path is
 * not ours. The adapters beside this file (`node.ts`, `express.ts`, `fastify.ts`, `hono.ts`) call
 * it; it calls a {@link StreamService}.
 */

import { InvalidOptionError } from "../errors.ts";
import { systemClock } from "../media/clock.ts";
import type { Clock } from "../media/clock.ts";
import { consoleLogger } from "../observe/logger.ts";
import type { Logger } from "../observe/logger.ts";
import { Cors } from "./cors.ts";
import type { CorsOptions } from "./cors.ts";
import type { ExtraRoute } from "./extra-route.ts";
import { failureOf, isUnexpected, json, RefusedRequest } from "./failure.ts";
import { MAX_SIGNALING_BYTES, readJsonObject } from "./json-body.ts";
import { pathBelow } from "./mount-path.ts";
import { outputEvents } from "./output-events.ts";
import { RouteTable } from "./route-path.ts";
import { parseSessionToken, parseSignalingRequest, parseWebrtcId } from "./signaling-request.ts";
import { loadStaticPage } from "./static-page.ts";
import type { RequestInfo, StreamService } from "./stream-service.ts";

/** Decides what a {@link Router} serves. */
export interface RouterOptions {
  /**
   * Which other sites' pages may use the routes.
   *
   * @defaultValue none: pages of the same origin only
   */
  readonly cors?: CorsOptions;
  /**
   * Whether the built-in page is served at `/`.
   *
   * @defaultValue false
   */
  readonly page?: boolean;
  /**
   * Where the built page lies.
   *
   * @defaultValue the one inside this package
   */
  readonly pageDirectory?: URL;
  /**
   * The most bytes that one `POST /input_hook` may have. Higher takes longer chat histories, and
   * that much memory for each request that is under way.
   *
   * @defaultValue 100000
   */
  readonly maxInputsBytes?: number;
  /**
   * Silence in milliseconds after which `GET /outputs` sends a comment. Lower survives stricter
   * proxies and costs a few bytes each time.
   *
   * @defaultValue 15000
   */
  readonly heartbeatMs?: number;
  /** What is answered besides FastRTC's own routes. @defaultValue none */
  readonly routes?: readonly ExtraRoute[];
  /** Where time comes from. @defaultValue the system's clock */
  readonly clock?: Clock;
  /** Told of errors that clients see as `internal_error`. @defaultValue the console */
  readonly logger?: Logger;
}

/** Answers requests for one stream. */
export interface Router {
  /**
   * Answers a request; never throws.
   *
   * @param info - Where the request came from.
   * @returns undefined when the path is not one of ours.
   */
  (request: Request, info?: RequestInfo): Promise<Response | undefined>;
  /** The paths that it may answer, below the mount path; one that ends in `/*` is a folder. */
  readonly paths: ReadonlySet<string>;
  /** Tells whether it may answer a path below the mount path. */
  owns(path: string): boolean;
}

type Route = Omit<ExtraRoute, "path">;

const PAGE_DIRECTORY = new URL("../../page/", import.meta.url);

/** Carries the session token of requests that have no JSON body. */
const TOKEN_HEADER = "x-session-token";

const SUCCESS = { status: "success" } as const;

/**
 * Makes the router of a stream.
 *
 * @throws {@link InvalidOptionError} when an option cannot work.
 */
export function createRouter(service: StreamService, options: RouterOptions = {}): Router {
  const logger = options.logger ?? consoleLogger;
  const clock = options.clock ?? systemClock;
  const heartbeatMs = positive("heartbeatMs", options.heartbeatMs ?? 15_000);
  const maxInputsBytes = positive("maxInputsBytes", options.maxInputsBytes ?? MAX_SIGNALING_BYTES);
  const cors = new Cors(options.cors);
  const page =
    options.page === true ? loadStaticPage(options.pageDirectory ?? PAGE_DIRECTORY) : undefined;

  const own: readonly (readonly [string, Route])[] = [
    ["/webrtc/offer", { methods: ["POST"], respond: signal }],
    ["/input_hook", { methods: ["POST"], respond: setInputs }],
    ["/outputs", { methods: ["GET"], respond: subscribe }],
    ["/config", { methods: ["GET", "HEAD"], respond: config }],
    ["/ready", { methods: ["GET", "HEAD"], respond: ready }],
  ];
  const extra = (options.routes ?? []).map((route) => [route.path, route] as const);
  const routes = new RouteTable<Route>([...extra, ...own]);

  async function signal(request: Request, info: RequestInfo): Promise<Response> {
    const body = parseSignalingRequest(await readJsonObject(request, MAX_SIGNALING_BYTES));
    if (body.type === "offer") return json(await service.offer(body, request, info));
    await service.addCandidate(body, request, info);
    return json(SUCCESS);
  }

  async function setInputs(request: Request, info: RequestInfo): Promise<Response> {
    const body = await readJsonObject(request, maxInputsBytes);
    const { webrtc_id: id, session_token: inBody, ...rest } = body;
    const webrtcId = parseWebrtcId(id);
    const token = parseSessionToken(inBody ?? request.headers.get(TOKEN_HEADER));
    // FastRTC's demos put their own keys beside the id; ours has one key for all.
    const inputs = Object.hasOwn(rest, "inputs") ? rest["inputs"] : rest;
    await service.setInputs(inputs, { webrtcId, token, request, info });
    return json(SUCCESS);
  }

  async function subscribe(request: Request, info: RequestInfo): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const webrtcId = parseWebrtcId(searchParams.get("webrtc_id"));
    // In the query for an EventSource, which cannot set headers.
    const token = parseSessionToken(
      request.headers.get(TOKEN_HEADER) ?? searchParams.get("session_token"),
    );
    const subscription = new AbortController();
    const leave = (): void => {
      subscription.abort();
    };
    if (request.signal.aborted) leave();
    else request.signal.addEventListener("abort", leave, { once: true });
    const outputs = await service.outputs({ webrtcId, token, request, info }, subscription.signal);
    return outputEvents(outputs, { clock, logger, heartbeatMs, subscription });
  }

  async function config(request: Request, info: RequestInfo): Promise<Response> {
    return withoutBodyForHead(request, json(await service.config(request, info)));
  }

  // Not async itself, but every route is.
  // eslint-disable-next-line @typescript-eslint/require-await
  async function ready(request: Request): Promise<Response> {
    const { isReady, sessions } = service.readiness();
    const status = isReady ? "ready" : "draining";
    return withoutBodyForHead(request, json({ status, sessions }, isReady ? 200 : 503));
  }

  async function answer(
    path: string,
    { methods, respond, failure = failureOf }: Route,
    request: Request,
    info: RequestInfo,
  ): Promise<Response> {
    const allow = [...methods, "OPTIONS"].join(", ");
    if (request.method === "OPTIONS") return cors.preflight(request, allow);
    try {
      if (methods.includes(request.method)) return await respond(request, info);
      const refusal = failureOf(
        new RefusedRequest(405, "invalid_request", `This path takes ${allow}.`),
      );
      refusal.headers.set("allow", allow);
      return refusal;
    } catch (error) {
      if (isUnexpected(error)) logger.error(`${request.method} ${path} failed.`, { error });
      return failure(error);
    }
  }

  async function route(request: Request, info: RequestInfo = {}): Promise<Response | undefined> {
    const mountPath = info.mountPath ?? "";
    const path = pathBelow(mountPath, new URL(request.url).pathname);
    if (path === undefined) return undefined;
    const found = routes.find(path);
    if (found) {
      const response = await answer(path, found, request, info);
      cors.apply(request, response);
      return response;
    }
    return page?.paths.has(path) === true ? page.respond(path, mountPath, request) : undefined;
  }

  return Object.assign(route, {
    paths: new Set([...[...own, ...extra].map(([path]) => path), ...(page?.paths ?? [])]),
    owns: (path: string) => routes.find(path) !== undefined || page?.paths.has(path) === true,
  });
}

function withoutBodyForHead(request: Request, response: Response): Response {
  return request.method === "HEAD" ? new Response(null, response) : response;
}

function positive(option: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidOptionError(option, value, "Give a number above zero.");
}
