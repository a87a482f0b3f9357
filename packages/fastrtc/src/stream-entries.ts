/**
 * Every way into a stream besides WebRTC's offers: WebSocket, telephone, OpenAI Realtime. Joins the
 * routes of `http/` with the entries of `session/entry/`.
 */

import type { FailureResponse } from "@fastrtc/protocol";

import { Cors } from "./http/cors.ts";
import type { CorsOptions } from "./http/cors.ts";
import type { ExtraRoute } from "./http/extra-route.ts";
import { failureOf, isUnexpected } from "./http/failure.ts";
import { describeRealtimeRefusal } from "./http/realtime-failure.ts";
import { createRealtimeRoutes } from "./http/realtime-routes.ts";
import type { RequestInfo } from "./http/stream-service.ts";
import { createTelephoneRoutes } from "./http/telephone-routes.ts";
import type { TrustedProxies } from "./http/trusted-proxy.ts";
import type { UpgradeRoute } from "./http/upgrade-route.ts";
import { Upgrader } from "./http/upgrade.ts";
import { RealtimeEntry } from "./session/entry/realtime/realtime-entry.ts";
import { TelephoneEntry } from "./session/entry/telephone-entry.ts";
import { checkTelephoneOption } from "./session/entry/telephone-options.ts";
import type { TelephoneOption } from "./session/entry/telephone-options.ts";
import { WEBSOCKET_PATH, WebSocketEntry } from "./session/entry/websocket-entry.ts";
import type { CheckedStreamOptions, OpenAiRealtimeOptions } from "./stream-options.ts";
import type { StreamSessions } from "./stream-sessions.ts";

/** What {@link StreamEntries} works with. */
export interface StreamEntriesOptions {
  readonly sessions: StreamSessions;
  readonly checked: Pick<CheckedStreamOptions, "handler" | "mode">;
  readonly proxies: TrustedProxies;
  readonly cors?: CorsOptions | undefined;
  readonly telephone?: TelephoneOption | undefined;
  readonly openaiRealtime?: true | OpenAiRealtimeOptions | undefined;
}

type OfRequest = (request: Request, info: RequestInfo) => string | undefined;

/** The ways into one stream. */
export class StreamEntries {
  /** What servers give their upgrades to. */
  readonly upgrader: Upgrader;
  readonly #options: StreamEntriesOptions;
  readonly #cors: Cors;
  readonly #clientAddress: OfRequest;
  readonly #publicOrigin: OfRequest;
  readonly #routes: ExtraRoute[] = [];
  readonly #webSockets: WebSocketEntry;
  readonly #closers: (() => void)[] = [];

  /** @throws {@link InvalidOptionError} when an option of an entry cannot work. */
  constructor(options: StreamEntriesOptions) {
    const { sessions, proxies, cors, telephone, openaiRealtime } = options;
    const { clock, logger } = sessions;
    this.#options = options;
    this.#cors = new Cors(cors);
    this.#clientAddress = (request, info) => proxies.clientAddress(request, info);
    this.#publicOrigin = (request, info) => proxies.publicOrigin(request, info);
    this.#webSockets = this.#createWebSocketEntry();
    const upgrades = [
      this.#webSocketRoute(),
      ...(telephone ? this.#openTelephone(telephone) : []),
      ...(openaiRealtime ? this.#openRealtime(openaiRealtime) : []),
    ];
    this.upgrader = new Upgrader(upgrades, {
      clock,
      logger,
      publicOrigin: this.#publicOrigin,
      ...(cors ? { cors } : {}),
    });
  }

  /** The HTTP routes of the entries. */
  get routes(): readonly ExtraRoute[] {
    return this.#routes;
  }

  /** How many open sockets wait for their `start`. */
  get waitingCount(): number {
    return this.#webSockets.waitingCount;
  }

  /** Closes what has no session yet, and lets nothing in any more. */
  close(): void {
    for (const close of this.#closers) close();
  }

  #createWebSocketEntry(): WebSocketEntry {
    const { sessions, checked } = this.#options;
    const { handler, mode } = checked;
    const entry = new WebSocketEntry({
      host: sessions.host,
      audio: {
        inputSampleRate: mode === "receive" ? undefined : handler.inputSampleRate,
        outputSampleRate: mode === "send" ? undefined : handler.outputSampleRate,
      },
      describeRefusal: (error) => {
        this.#noteUnexpected("A WebSocket's session could not begin.", error);
        return failureOf(error).json() as Promise<FailureResponse>;
      },
      clock: sessions.clock,
    });
    this.#closers.push(() => entry.close());
    return entry;
  }

  #webSocketRoute(): UpgradeRoute {
    return {
      path: WEBSOCKET_PATH,
      accept: (request, info) => {
        const remoteAddress = this.#clientAddress(request, info);
        return this.#webSockets.accept(
          request,
          remoteAddress === undefined ? {} : { remoteAddress },
        );
      },
    };
  }

  #openTelephone(option: TelephoneOption): readonly UpgradeRoute[] {
    const { host, clock, logger } = this.#options.sessions;
    const { carriers, params } = checkTelephoneOption(option);
    const entry = new TelephoneEntry({ host, clock, logger, ...(params ? { params } : {}) });
    const { webhooks, sockets } = createTelephoneRoutes({
      carriers,
      entry,
      clientAddress: this.#clientAddress,
      publicOrigin: this.#publicOrigin,
    });
    this.#routes.push(...webhooks);
    this.#closers.push(() => entry.close());
    return sockets;
  }

  #openRealtime(option: true | OpenAiRealtimeOptions): readonly UpgradeRoute[] {
    const { host, webRtc, operations, clock } = this.#options.sessions;
    const { path, model = "fastrtc" } = option === true ? {} : option;
    const entry = new RealtimeEntry({
      host,
      webrtc: webRtc,
      model,
      describeRefusal: (error) => {
        this.#noteUnexpected("A Realtime session could not begin.", error);
        return describeRealtimeRefusal(error);
      },
      endSession: (webrtcId) => operations.close(webrtcId, undefined),
      clock,
    });
    const { requests, sockets } = createRealtimeRoutes({
      entry,
      permits: (request, info) => this.#cors.permits(request, this.#publicOrigin(request, info)),
      clientAddress: this.#clientAddress,
      ...(path === undefined ? {} : { path }),
    });
    this.#routes.push(...requests);
    return sockets;
  }

  #noteUnexpected(text: string, error: unknown): void {
    if (isUnexpected(error)) this.#options.sessions.logger.error(text, { error });
  }
}
