/**
 * The front door: options in, sessions out. HTTP comes in through `mount`, `fetch` or `launch`; each
 * accepted offer becomes a session.
 */

import type {
  AnswerResponse,
  CandidateRequest,
  ClientConfig,
  OfferRequest,
} from "@fastrtc/protocol";

import { NegotiationError } from "./errors.ts";
import { AdditionalOutputs } from "./handler/additional-outputs.ts";
import { listen } from "./http/listen.ts";
import type { ListeningServer } from "./http/listen.ts";
import { mountOn } from "./http/mount.ts";
import type { MountTarget } from "./http/mount.ts";
import { createRouter } from "./http/router.ts";
import type { Router } from "./http/router.ts";
import type { RequestInfo, StreamService } from "./http/stream-service.ts";
import { systemClock } from "./media/clock.ts";
import type { Clock } from "./media/clock.ts";
import { consoleLogger } from "./observe/logger.ts";
import type { Logger } from "./observe/logger.ts";
import type { SessionContext } from "./session/context.ts";
import { AdditionalInputs } from "./session/input-schema.ts";
import { SessionRegistry } from "./session/session-registry.ts";
import { WebRtcSignaling } from "./session/webrtc-signaling.ts";
import { checkStreamOptions } from "./stream-options.ts";
import type { StreamMode, StreamOptions, ValueOrFunction } from "./stream-options.ts";
import type { RtcPeerOptions } from "./transport/webrtc/backend.ts";
import { isLoopbackAddress } from "./transport/webrtc/candidate.ts";
import { createWeriftBackend } from "./transport/webrtc/werift.ts";

/** How long {@link Stream.fetchLatestOutput} waits, in milliseconds. */
const FETCH_TIMEOUT_MS = 10_000;

const TRACK_CONSTRAINTS = {
  channelCount: 1,
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};

const AUDIO_DIRECTIONS = {
  "send-receive": "sendrecv",
  send: "recvonly",
  receive: "sendonly",
} as const satisfies Record<StreamMode, RtcPeerOptions["audioDirection"]>;

/** Where {@link Stream.launch} listens. */
export interface LaunchOptions {
  /**
   * TCP port; 0 takes any free one.
   *
   * @defaultValue the environment variable `PORT`, else 7860
   */
  readonly port?: number;
  /**
   * Address to listen on. Browsers give a microphone only to pages from this machine (127.0.0.1) or
   * over https.
   *
   * @defaultValue the environment variable `HOST`, else "127.0.0.1"
   */
  readonly host?: string;
}

/** Decides what {@link Stream.mount} adds. */
export interface MountOptions {
  /**
   * Whether the built-in page is served too.
   *
   * @defaultValue false
   */
  readonly page?: boolean;
}

/**
 * Turns a handler into a real-time application.
 *
 * @example
 * ```ts
 * const stream = new Stream({
 *   handler: new ReplyOnPause(async function* (audio) {
 *     yield audio; // an echo
 *   }),
 *   modality: "audio",
 * });
 * await stream.launch();
 * ```
 */
export class Stream {
  readonly #options: StreamOptions;
  readonly #mode: StreamMode;
  readonly #isStereo: boolean;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #inputs: AdditionalInputs;
  readonly #registry: SessionRegistry;
  readonly #signaling: WebRtcSignaling;
  readonly #endings = new Set<() => unknown>();
  #fetchRouter: Router | undefined;
  #isClosed = false;

  /** @throws {@link InvalidOptionError} that names the option, the value and the remedy. */
  constructor(options: StreamOptions) {
    const checked = checkStreamOptions(options);
    const { advanced = {} } = options;
    this.#options = options;
    this.#mode = checked.mode;
    this.#isStereo = checked.handler.expectedLayout === "stereo";
    this.#clock = advanced.clock ?? systemClock;
    this.#logger = options.logger ?? consoleLogger;
    this.#inputs = new AdditionalInputs(options.additionalInputs);
    this.#registry = new SessionRegistry(checked.concurrencyLimit);
    this.#signaling = new WebRtcSignaling({
      backend: advanced.backend ?? createWeriftBackend({ clock: this.#clock }),
      registry: this.#registry,
      clock: this.#clock,
      template: {
        handler: checked.handler,
        onOutputs: options.additionalOutputsHandler,
        onTurn: options.onTurn,
        timeLimit: checked.timeLimit,
        encoder: advanced.encoder ?? {},
        clock: this.#clock,
        logger: this.#logger,
      },
    });
  }

  /** How many sessions live now. */
  get sessionCount(): number {
    return this.#registry.size;
  }

  /** The contexts of the sessions that live now. */
  *contexts(): Generator<SessionContext> {
    for (const session of this.#registry.sessions()) yield session.context;
  }

  /**
   * Adds the stream's routes to an application, beside its own.
   *
   * @param app - A `node:http` or `node:https` server, or an app of Express, Fastify or Hono.
   * @param path - What stands in the URL before the routes; empty for none.
   * @returns a function that takes them away again.
   * @throws {@link InvalidOptionError} when the app is none of these, or the path is not one.
   */
  mount(app: MountTarget, path = "", options: MountOptions = {}): () => void {
    const unmount = mountOn(app, path, this.#router(options.page ?? false));
    this.#endings.add(unmount);
    return () => {
      this.#endings.delete(unmount);
      unmount();
    };
  }

  /**
   * Answers one request, for servers that speak Fetch.
   *
   * @param info - What the server knows of the connection.
   * @returns 404 where the path is not one of the stream's.
   */
  async fetch(request: Request, info?: RequestInfo): Promise<Response> {
    this.#fetchRouter ??= this.#router(false);
    const response = await this.#fetchRouter(request, info);
    return response ?? new Response("Not found", { status: 404 });
  }

  /**
   * Starts a server with a page to talk to.
   *
   * @throws {@link InvalidOptionError} when the port is taken.
   */
  async launch(options: LaunchOptions = {}): Promise<ListeningServer> {
    const { port = Number(env("PORT", "7860")), host = env("HOST", "127.0.0.1") } = options;
    const server = await listen(this.#router(true), { port, host });
    this.#endings.add(() => server.close());
    this.#logger.info(`Talk to it at ${server.url}`);
    return server;
  }

  /** Ends every session, every mounted route and every launched server. Safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const endings = [...this.#endings];
    this.#endings.clear();
    const goodbye = { type: "update_connection", data: "closed" } as const;
    const sessions = [...this.#registry.sessions()];
    await Promise.all(sessions.map(async (session) => session.close(goodbye)));
    await Promise.all(endings.map((end) => Promise.resolve(end())));
  }

  /**
   * Answers an offer, or takes a candidate, that came some other way than through the routes.
   *
   * @throws {@link NegotiationError} when it is refused.
   * @throws {@link SessionLimitError} when no further session may begin.
   */
  async offer(
    body: OfferRequest | CandidateRequest,
    request: Request = new Request("http://localhost/"),
    info: RequestInfo = {},
  ): Promise<AnswerResponse | { readonly status: "success" }> {
    if (body.type === "offer") return await this.#offer(body, request, info);
    await this.#signaling.addCandidate(body);
    return { status: "success" };
  }

  /**
   * Sets the inputs of a session, as a client would.
   *
   * @param values - With `additionalInputs` one value of that schema; without, whatever replies are
   * to find in `inputs`, as an array.
   * @throws {@link NegotiationError} when there is no such session, or the value does not fit.
   */
  async setInput(webrtcId: string, ...values: readonly unknown[]): Promise<void> {
    await this.#setInputs(webrtcId, this.#options.additionalInputs ? values[0] : values);
  }

  /**
   * Reads what a session's handler says beside its audio. Ends with the session.
   *
   * @param signal - Ends the reading.
   * @throws {@link NegotiationError} when there is no such session.
   */
  async *outputStream(
    webrtcId: string,
    signal?: AbortSignal,
  ): AsyncGenerator<AdditionalOutputs, void, undefined> {
    const { outputs } = this.#registry.require(webrtcId);
    for await (const args of outputs.subscribe(signal)) yield new AdditionalOutputs(...args);
  }

  /**
   * Waits for the next that a session's handler says beside its audio.
   *
   * @throws {@link TimeoutError} when nothing came within ten seconds.
   * @throws {@link NegotiationError} when there is no such session.
   */
  async fetchLatestOutput(webrtcId: string): Promise<AdditionalOutputs> {
    const { outputs } = this.#registry.require(webrtcId);
    return new AdditionalOutputs(...(await outputs.next(this.#clock, FETCH_TIMEOUT_MS)));
  }

  #router(page: boolean): Router {
    const { cors } = this.#options;
    return createRouter(this.#service(), {
      page,
      clock: this.#clock,
      logger: this.#logger,
      ...(cors ? { cors } : {}),
    });
  }

  #service(): StreamService {
    return {
      offer: (body, request, info) => this.#offer(body, request, info),
      addCandidate: (body) => this.#signaling.addCandidate(body),
      setInputs: (webrtcId, inputs) => this.#setInputs(webrtcId, inputs),
      outputs: (webrtcId, _request, signal) =>
        Promise.resolve(this.#registry.require(webrtcId).outputs.subscribe(signal)),
      config: () => this.#config(),
    };
  }

  async #offer(body: OfferRequest, request: Request, info: RequestInfo): Promise<AnswerResponse> {
    const configuration = await valueOf(this.#options.serverRtcConfiguration);
    const initialInputs = await this.#inputs.initial();
    // Only now: whoever closes the stream while we wait for those must find every session.
    if (this.#isClosed) {
      throw new NegotiationError("The stream is closing.", { reason: "server_closing" });
    }
    const { portRange } = this.#options.advanced ?? {};
    const { localAddress } = info;
    return await this.#signaling.offer({
      body,
      initialInputs,
      request: {
        method: request.method,
        url: request.url,
        headers: request.headers,
        remoteAddress: info.remoteAddress,
      },
      peer: {
        iceServers: configuration?.iceServers ?? [],
        audioDirection: AUDIO_DIRECTIONS[this.#mode],
        stereo: this.#isStereo,
        includeLoopback: localAddress !== undefined && isLoopbackAddress(localAddress),
        ...(portRange ? { portRange } : {}),
      },
    });
  }

  async #setInputs(webrtcId: string, inputs: unknown): Promise<void> {
    const session = this.#registry.require(webrtcId);
    session.inputs.set(await this.#inputs.parse(inputs));
  }

  async #config(): Promise<ClientConfig> {
    const { rtcConfiguration, trackConstraints, uiArgs = {} } = this.#options;
    const configuration = await valueOf(rtcConfiguration);
    return {
      modality: "audio",
      mode: this.#mode,
      rtcConfiguration: configuration ? { ...configuration } : null,
      trackConstraints: trackConstraints ?? TRACK_CONSTRAINTS,
      additionalInputs: this.#inputs.jsonSchema,
      page: {
        title: uiArgs.title ?? "fastrtc",
        subtitle: uiArgs.subtitle ?? "Press start and speak.",
      },
    };
  }
}

// Shells set a variable to nothing to take it away.
function env(name: string, fallback: string): string {
  const value = process.env[name];
  return value === undefined || value === "" ? fallback : value;
}

async function valueOf<T>(value: ValueOrFunction<T> | undefined): Promise<T | undefined> {
  return typeof value === "function" ? await (value as () => T | Promise<T>)() : value;
}
