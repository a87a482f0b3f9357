/**
 * Every way into a stream besides WebRTC's offers: WebSocket, telephone, OpenAI Realtime. Joins the
 * routes of `http/` with the entries of `session/`.
 */

import { Cors } from "./http/cors.ts";
import type { CorsOptions } from "./http/cors.ts";
import type { ExtraRoute } from "./http/extra-route.ts";
import { isUnexpected } from "./http/failure.ts";
import { describeRealtimeRefusal } from "./http/realtime-failure.ts";
import { createRealtimeRoutes } from "./http/realtime-routes.ts";
import { createTelephoneRoutes } from "./http/telephone-routes.ts";
import type { TrustedProxies } from "./http/trusted-proxy.ts";
import type { UpgradeRoute } from "./http/upgrade-route.ts";
import type { Upgrader } from "./http/upgrade.ts";
import { RealtimeEntry } from "./session/entry/realtime/realtime-entry.ts";
import { TelephoneEntry } from "./session/entry/telephone-entry.ts";
import { checkTelephoneOption } from "./session/entry/telephone-options.ts";
import type { TelephoneOption } from "./session/entry/telephone-options.ts";
import type { CheckedStreamOptions, OpenAiRealtimeOptions } from "./stream-options.ts";
import type { StreamSessions } from "./stream-sessions.ts";
import { StreamSockets } from "./stream-sockets.ts";

/** What {@link StreamEntries} works with. */
export interface StreamEntriesOptions {
  readonly sessions: StreamSessions;
  readonly checked: Pick<CheckedStreamOptions, "handler" | "mode">;
  readonly proxies: TrustedProxies;
  readonly cors: CorsOptions | undefined;
  readonly telephone: TelephoneOption | undefined;
  readonly openaiRealtime: true | OpenAiRealtimeOptions | undefined;
}

/** The ways into one stream. */
export class StreamEntries {
  readonly #sockets: StreamSockets;
  readonly #routes: ExtraRoute[] = [];
  readonly #closers: (() => void)[] = [];

  /** @throws {@link InvalidOptionError} when an option of an entry cannot work. */
  constructor(options: StreamEntriesOptions) {
    const { sessions, checked, proxies, cors, telephone } = options;
    const routes: UpgradeRoute[] = [];
    if (telephone) routes.push(...this.#telephone(telephone, options));
    if (options.openaiRealtime) routes.push(...this.#realtime(options.openaiRealtime, options));
    this.#sockets = new StreamSockets({ sessions, checked, proxies, cors, routes });
  }

  /** What servers give their upgrades to. */
  get upgrader(): Upgrader {
    return this.#sockets.upgrader;
  }

  /** The HTTP routes of the entries. */
  get routes(): readonly ExtraRoute[] {
    return this.#routes;
  }

  /** Closes what has no session yet, and lets nothing in any more. */
  close(): void {
    this.#sockets.close();
    for (const close of this.#closers) close();
  }

  #realtime(
    option: true | OpenAiRealtimeOptions,
    { sessions, proxies, cors }: StreamEntriesOptions,
  ): readonly UpgradeRoute[] {
    const { host, webRtc, operations, clock, logger } = sessions;
    const { path, model = "fastrtc" } = option === true ? {} : option;
    const entry = new RealtimeEntry({
      host,
      webrtc: webRtc,
      model,
      describeRefusal: (error) => {
        if (isUnexpected(error)) logger.error("A Realtime session could not begin.", { error });
        return describeRealtimeRefusal(error);
      },
      endSession: (webrtcId) => operations.close(webrtcId, undefined),
      clock,
    });
    const origins = new Cors(cors);
    const { requests, sockets } = createRealtimeRoutes({
      entry,
      permits: (request, { remoteAddress }) =>
        origins.permits(request, proxies.publicOrigin(remoteAddress, request.headers)),
      clientAddress: (request, { remoteAddress }) =>
        proxies.clientAddress(remoteAddress, request.headers),
      ...(path === undefined ? {} : { path }),
    });
    this.#routes.push(...requests);
    return sockets;
  }

  #telephone(option: TelephoneOption, options: StreamEntriesOptions): readonly UpgradeRoute[] {
    const { sessions, proxies } = options;
    const { host, clock, logger } = sessions;
    const { carriers, params } = checkTelephoneOption(option);
    const entry = new TelephoneEntry({ host, clock, logger, ...(params ? { params } : {}) });
    const { webhooks, sockets } = createTelephoneRoutes({
      carriers,
      entry,
      clientAddress: (request, { remoteAddress }) =>
        proxies.clientAddress(remoteAddress, request.headers),
      publicOrigin: (request, { remoteAddress }) =>
        proxies.publicOrigin(remoteAddress, request.headers),
    });
    this.#routes.push(...webhooks);
    this.#closers.push(() => entry.close());
    return sockets;
  }
}
