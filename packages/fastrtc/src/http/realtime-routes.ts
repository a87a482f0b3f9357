/**
 * The routes of the OpenAI Realtime API: `WS /v1/realtime`, `POST /v1/realtime/calls`,
 * `POST /v1/realtime/calls/{id}/hangup` and `POST /v1/realtime/client_secrets`.
 *
 * Refusals are objects as OpenAI's, whose `message` the clients show.
 */

import { NegotiationError } from "../errors.ts";
import type {
  RealtimeArrival,
  RealtimeEntry,
  RealtimeOffer,
} from "../session/entry/realtime/realtime-entry.ts";
import type { ExtraRoute } from "./extra-route.ts";
import { json, RefusedRequest } from "./failure.ts";
import { MAX_SIGNALING_BYTES, readBytes, readJsonObject } from "./json-body.ts";
import { realtimeFailure } from "./realtime-failure.ts";
import type { RoutePath } from "./route-path.ts";
import type { RequestInfo } from "./stream-service.ts";
import type { UpgradeRoute } from "./upgrade-route.ts";

/** As OpenAI's: the most that one event may weigh. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024;

/** What the routes are made of. */
export interface RealtimeRoutesOptions {
  readonly entry: Pick<RealtimeEntry, "accept" | "answer" | "hangUp" | "createSecret">;
  /** Finds the client's address behind the proxies that are trusted. */
  readonly clientAddress: (request: Request, info: RequestInfo) => string | undefined;
  /** Tells whether the page that a request comes from may begin sessions. */
  readonly permits: (request: Request, info: RequestInfo) => boolean;
  /** Where they lie below the mount path. @defaultValue "/v1/realtime" */
  readonly path?: RoutePath;
}

/** The routes, for a router and for an upgrader. */
export interface RealtimeRoutes {
  readonly requests: readonly ExtraRoute[];
  readonly sockets: readonly UpgradeRoute[];
}

/** Makes the routes of the OpenAI Realtime API. */
export function createRealtimeRoutes(options: RealtimeRoutesOptions): RealtimeRoutes {
  const { entry, clientAddress, permits, path = "/v1/realtime" } = options;
  const arrivalOf = (request: Request, info: RequestInfo): RealtimeArrival => ({
    request,
    remoteAddress: clientAddress(request, info),
    localAddress: info.localAddress,
  });

  async function call(request: Request, info: RequestInfo): Promise<Response> {
    // Every page can post a form anywhere. It would not read the answer, and need not: to an offer of
    // an ICE-lite agent we connect by ourselves (RFC 8445 section 6.1.1).
    if (!permits(request, info)) {
      throw new RefusedRequest(
        403,
        "not_authorized",
        "Pages of this origin may not begin sessions.",
      );
    }
    const { callId, sdp } = await entry.answer(arrivalOf(request, info), await readOffer(request));
    const location = `${info.mountPath ?? ""}${path}/calls/${callId}`;
    return new Response(sdp, {
      status: 201,
      headers: { "content-type": "application/sdp", "cache-control": "no-store", location },
    });
  }

  async function hangUp(request: Request, info: RequestInfo): Promise<Response> {
    const [id = "", action] = new URL(request.url).pathname.split("/").slice(-2);
    // Calls of the telephone are answered and passed on elsewhere.
    if (action !== "hangup") throw notFound();
    await entry.hangUp(arrivalOf(request, info), id);
    return new Response(null, { status: 200 });
  }

  async function createSecret(request: Request, info: RequestInfo): Promise<Response> {
    const body = await readJsonObject(request, MAX_SIGNALING_BYTES);
    const { expires_after: expiry, session } = body;
    const seconds = isRecord(expiry) ? expiry["seconds"] : undefined;
    const { value, expiresAt } = await entry.createSecret(
      arrivalOf(request, info),
      session,
      typeof seconds === "number" ? seconds : undefined,
    );
    const described = { type: "realtime", ...(isRecord(session) ? session : {}) };
    return json({
      value,
      expires_at: expiresAt,
      session: { ...described, object: "realtime.session" },
    });
  }

  const route = { methods: ["POST"], failure: realtimeFailure } as const;
  return {
    requests: [
      { ...route, path: `${path}/calls`, respond: call },
      { ...route, path: `${path}/calls/*`, respond: hangUp },
      { ...route, path: `${path}/client_secrets`, respond: createSecret },
    ],
    sockets: [
      {
        path,
        // The key that browsers put beside it must never be chosen.
        protocols: ["realtime"],
        maxMessageBytes: MAX_EVENT_BYTES,
        failure: realtimeFailure,
        accept: async (request, info) => {
          const { searchParams } = new URL(request.url);
          // A second connection to a session, and one that only transcribes.
          if (searchParams.has("call_id") || searchParams.has("intent")) throw notFound();
          return await entry.accept(arrivalOf(request, info));
        },
      },
    ],
  };
}

async function readOffer(request: Request): Promise<RealtimeOffer> {
  const type = request.headers.get("content-type") ?? "";
  const kind = type.split(";", 1)[0]?.trim().toLowerCase();
  if (kind === "application/sdp") {
    const bytes = await readBytes(request, MAX_SIGNALING_BYTES);
    return { sdp: checkSdp(Buffer.from(bytes).toString("utf8")), session: undefined };
  }
  if (kind === "multipart/form-data") {
    const bytes = await readBytes(request, MAX_SIGNALING_BYTES);
    const form = await readForm(bytes, type);
    const session = await partOf(form, "session");
    return {
      sdp: checkSdp((await partOf(form, "sdp")) ?? ""),
      session: session === undefined ? undefined : parseSession(session),
    };
  }
  throw new RefusedRequest(
    415,
    "invalid_request",
    "Post the offer as application/sdp, or as multipart/form-data with the parts sdp and session.",
  );
}

async function readForm(bytes: Uint8Array, type: string): Promise<FormData> {
  try {
    const body = new Uint8Array(bytes);
    return await new Response(body, { headers: { "content-type": type } }).formData();
  } catch {
    throw new RefusedRequest(400, "invalid_request", "The form cannot be read.");
  }
}

async function partOf(form: FormData, name: string): Promise<string | undefined> {
  const part = form.get(name);
  if (part === null) return undefined;
  return typeof part === "string" ? part : await part.text();
}

function checkSdp(sdp: string): string {
  if (sdp !== "") return sdp;
  throw new RefusedRequest(400, "invalid_offer", "The offer's SDP is missing.");
}

function parseSession(text: string): unknown {
  let session: unknown;
  try {
    session = JSON.parse(text);
  } catch {
    throw new RefusedRequest(400, "invalid_request", "The part session is not JSON.");
  }
  if (isRecord(session) && (session["type"] ?? "realtime") === "realtime") return session;
  throw new RefusedRequest(400, "invalid_request", 'The session\'s type must be "realtime".');
}

function notFound(): NegotiationError {
  return new NegotiationError("There is no such route.", { reason: "unknown_connection" });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
