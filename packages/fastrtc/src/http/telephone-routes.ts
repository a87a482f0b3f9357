/**
 * The routes of the telephone: `POST {path}/telephone/incoming` for a carrier's webhook and
 * `WS {path}/telephone/handler` for its media socket, for the first carrier; and for each one
 * `{path}/telephone/{carrier}/incoming` and `{path}/telephone/{carrier}/handler`.
 */

import { InvalidOptionError } from "../errors.ts";
import type { CarrierRequest, TelephoneEntry } from "../session/entry/telephone-entry.ts";
import type { Carrier } from "../transport/telephone/carrier.ts";
import type { ExtraRoute } from "./extra-route.ts";
import { readBytes } from "./json-body.ts";
import type { RequestInfo } from "./stream-service.ts";
import type { UpgradeRoute } from "./upgrade-route.ts";

/** The most that a webhook may weigh; carriers' have 1 to 3 kB. */
const MAX_WEBHOOK_BYTES = 100_000;
/** The most that a message of a media socket may weigh: a second of 24 kHz PCM in base64. */
const MAX_MESSAGE_BYTES = 65_536;
/** Asterisk asks for it, and hangs up where it is not spoken; the others ask for none. */
const PROTOCOLS = ["media"];

/** What the telephone's routes are made of. */
export interface TelephoneRoutesOptions {
  readonly carriers: readonly Carrier[];
  readonly entry: Pick<TelephoneEntry, "announce" | "admit">;
  /** Finds the client's address behind the proxies that are trusted. */
  readonly clientAddress: (request: Request, info: RequestInfo) => string | undefined;
  /**
   * Finds the origin that the carrier asked for, as a trusted proxy tells it; undefined where none
   * does. Asked for carriers without a `publicUrl`.
   */
  readonly publicOrigin: (request: Request, info: RequestInfo) => string | undefined;
}

/** The telephone's routes, for a router and for an upgrader. */
export interface TelephoneRoutes {
  readonly webhooks: readonly ExtraRoute[];
  readonly sockets: readonly UpgradeRoute[];
}

/** Makes the telephone's routes. */
export function createTelephoneRoutes(options: TelephoneRoutesOptions): TelephoneRoutes {
  const { carriers, entry } = options;
  const webhooks: ExtraRoute[] = [];
  const sockets: UpgradeRoute[] = [];
  const add = (carrier: Carrier, folder: `/${string}`): void => {
    const arrivalOf = (request: Request, info: RequestInfo): CarrierRequest => {
      const origin = () => carrier.publicUrl ?? options.publicOrigin(request, info);
      const remoteAddress = options.clientAddress(request, info);
      const routes = carrierRoutes(origin, folder, request, info);
      return { carrier, request, routes, remoteAddress };
    };
    webhooks.push({
      path: `${folder}/incoming`,
      methods: ["POST", "GET"],
      respond: async (request, info) => {
        const body = await readBytes(request, MAX_WEBHOOK_BYTES);
        return await entry.announce(arrivalOf(request, info), Buffer.from(body).toString("utf8"));
      },
    });
    const accept: UpgradeRoute["accept"] = async (request, info) =>
      await entry.admit(arrivalOf(request, info));
    const socket = { accept, maxMessageBytes: MAX_MESSAGE_BYTES, protocols: PROTOCOLS };
    // Below it too: carriers that sign no upgrade are given a token in the path.
    sockets.push(
      { ...socket, path: `${folder}/handler` },
      { ...socket, path: `${folder}/handler/*` },
    );
  };
  for (const carrier of carriers) add(carrier, `/telephone/${carrier.name}`);
  if (carriers[0]) add(carriers[0], "/telephone");
  return { webhooks, sockets };
}

// Both addresses as the carrier knows them. What it signed is the URL that it called, letter by
// letter, so that path and query must come from the request and the origin must not. Read only by
// carriers that need them: a local one opens its socket without having been told where.
function carrierRoutes(
  origin: () => string | undefined,
  folder: string,
  request: Request,
  info: RequestInfo,
): CarrierRequest["routes"] {
  const known = (): string => {
    const found = origin();
    if (found !== undefined) return found;
    throw new InvalidOptionError(
      "publicUrl",
      undefined,
      "Give the carrier the address under which it reaches this server, or the stream a trustProxy.",
    );
  };
  const mountPath = info.mountPath ?? "";
  return {
    get webhookUrl() {
      const { pathname, search } = new URL(request.url);
      return `${known()}${pathname}${search}`;
    },
    get mediaUrl() {
      return `${known().replace(/^http/, "ws")}${mountPath}${folder}/handler`;
    },
  };
}
