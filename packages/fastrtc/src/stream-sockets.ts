/**
 * The WebSockets of one stream: joins the upgrades of `http/` with the entries of `session/`.
 */

import type { FailureResponse } from "@fastrtc/protocol";

import type { CorsOptions } from "./http/cors.ts";
import { failureOf, isUnexpected } from "./http/failure.ts";
import type { TrustedProxies } from "./http/trusted-proxy.ts";
import type { UpgradeRoute } from "./http/upgrade-route.ts";
import { Upgrader } from "./http/upgrade.ts";
import { WEBSOCKET_PATH, WebSocketEntry } from "./session/entry/websocket-entry.ts";
import type { CheckedStreamOptions } from "./stream-options.ts";
import type { StreamSessions } from "./stream-sessions.ts";

/** What {@link StreamSockets} works with. */
export interface StreamSocketsOptions {
  readonly sessions: StreamSessions;
  readonly checked: Pick<CheckedStreamOptions, "handler" | "mode">;
  readonly proxies: TrustedProxies;
  readonly cors: CorsOptions | undefined;
  /** The sockets of other entries. @defaultValue none */
  readonly routes?: readonly UpgradeRoute[];
}

/** Lets the WebSockets of one stream in. */
export class StreamSockets {
  /** What servers give their upgrades to. */
  readonly upgrader: Upgrader;
  readonly #entry: WebSocketEntry;

  /** @throws {@link InvalidOptionError} when an origin of `cors` is not one. */
  constructor({ sessions, checked, proxies, cors, routes = [] }: StreamSocketsOptions) {
    const { clock, logger } = sessions;
    const { handler, mode } = checked;
    const entry = new WebSocketEntry({
      host: sessions.host,
      audio: {
        inputSampleRate: mode === "receive" ? undefined : handler.inputSampleRate,
        outputSampleRate: mode === "send" ? undefined : handler.outputSampleRate,
      },
      describeRefusal: (error) => {
        if (isUnexpected(error)) logger.error("A WebSocket's session could not begin.", { error });
        return failureOf(error).json() as Promise<FailureResponse>;
      },
      clock,
    });
    const own: UpgradeRoute = {
      path: WEBSOCKET_PATH,
      accept: (request, { remoteAddress }) => {
        const address = proxies.clientAddress(remoteAddress, request.headers);
        return entry.accept(request, address === undefined ? {} : { remoteAddress: address });
      },
    };
    this.#entry = entry;
    this.upgrader = new Upgrader([own, ...routes], {
      clock,
      logger,
      publicOrigin: (request, { remoteAddress }) =>
        proxies.publicOrigin(remoteAddress, request.headers),
      ...(cors ? { cors } : {}),
    });
  }

  /** How many open sockets wait for their `start`. */
  get waitingCount(): number {
    return this.#entry.waitingCount;
  }

  /** Closes the sockets that have no session yet, and lets no more in. */
  close(): void {
    this.#entry.close();
  }
}
