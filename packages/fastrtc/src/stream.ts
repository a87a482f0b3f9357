/**
 * The front door: options in, sessions out. HTTP comes in through `mount`, `fetch` or `launch`; each
 * accepted offer becomes a session.
 */

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

import type { AnswerResponse, CandidateRequest, OfferRequest } from "@fastrtc/protocol";

import { AdditionalOutputs } from "./handler/additional-outputs.ts";
import { drainOnSignals } from "./http/drain-signals.ts";
import { listen } from "./http/listen.ts";
import type { ListeningServer } from "./http/listen.ts";
import { normalizeMountPath } from "./http/mount-path.ts";
import { mountOn } from "./http/mount.ts";
import type { MountTarget } from "./http/mount.ts";
import { createRouter } from "./http/router.ts";
import type { Router } from "./http/router.ts";
import type { RequestInfo } from "./http/stream-service.ts";
import { TrustedProxies } from "./http/trusted-proxy.ts";
import { provideDefaultSignal } from "./models/default-signal.ts";
import { listenAudioSocket as listenForAudioSocket } from "./session/entry/audiosocket-server.ts";
import type { AudioSocketOptions, AudioSocketServer } from "./session/entry/audiosocket-server.ts";
import { getContext, getCurrentContext } from "./session/context/context.ts";
import type { SessionContext } from "./session/context/session-context.ts";
import { SessionHandle } from "./session/routing/session-handle.ts";
import type { SessionStore } from "./session/store/store.ts";
import { StreamEntries } from "./stream-entries.ts";
import { StreamHttp } from "./stream-http.ts";
import { checkStreamOptions } from "./stream-options.ts";
import type { StreamOptions } from "./stream-options.ts";
import { StreamSessions } from "./stream-sessions.ts";

// Models whose caller names no signal end with the reply that calls them.
provideDefaultSignal(() => {
  const context = getContext();
  return context?.turn?.signal ?? context?.signal;
});

/** How long {@link Stream.fetchLatestOutput} waits, in milliseconds. */
const FETCH_TIMEOUT_MS = 10_000;

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

/** The types of a stream's contexts. */
interface ContextBag<User, Params, State> {
  readonly user: User;
  readonly params: Params;
  readonly state: State;
}

/** A context, typed as the options of its stream say. */
export type StreamContext<User, Params, State> = SessionContext<ContextBag<User, Params, State>>;

/** Any stream, whatever its types: for functions that take one. */
export type AnyStream = Stream<unknown, unknown, unknown>;

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
 *
 * @typeParam User - What the option `authenticate` returns.
 * @typeParam Params - What the schema `params` makes of a client's parameters.
 * @typeParam State - What the option `state` makes.
 * @typeParam Inputs - What the schema `additionalInputs` makes of a client's inputs.
 */
export class Stream<
  User = unknown,
  Params = unknown,
  State = Record<string, unknown>,
  Inputs = unknown,
> {
  readonly #options: StreamOptions<User, Params, State, Inputs>;
  readonly #sessions: StreamSessions;
  readonly #http: StreamHttp;
  readonly #entries: StreamEntries;
  readonly #endings = new Set<() => unknown>();
  #fetchRouter: Router | undefined;

  /** @throws {@link InvalidOptionError} that names the option, the value and the remedy. */
  constructor(options: StreamOptions<User, Params, State, Inputs>) {
    const checked = checkStreamOptions(options);
    const { mode } = checked;
    const { cors, telephone, openaiRealtime } = options;
    const proxies = new TrustedProxies(options.trustProxy);
    const sessions = new StreamSessions(options, checked);
    this.#options = options;
    this.#sessions = sessions;
    this.#http = new StreamHttp({ options, mode, sessions, proxies });
    this.#entries = new StreamEntries({
      ...{ sessions, checked, proxies },
      ...{ cors, telephone, openaiRealtime },
    });
  }

  /** How many sessions live now in this process. */
  get sessionCount(): number {
    return this.#sessions.registry.size;
  }

  /** Counts the sessions that live now in all processes. */
  countSessions(): Promise<number> {
    return this.#sessions.count();
  }

  /** The contexts of the sessions that live now in this process. */
  *contexts(): Generator<StreamContext<User, Params, State>> {
    for (const { context } of this.#sessions.registry.sessions()) {
      yield context;
    }
  }

  /**
   * Returns the session whose handler is running, or undefined outside a session; typed as this
   * stream's options say. Only for code that serves this stream's sessions alone.
   */
  getContext(): StreamContext<User, Params, State> | undefined {
    return getContext<ContextBag<User, Params, State>>();
  }

  /**
   * Returns the session whose handler is running, typed as {@link Stream.getContext}.
   *
   * @throws {@link NoContextError} outside a session.
   */
  getCurrentContext(): StreamContext<User, Params, State> {
    return getCurrentContext<ContextBag<User, Params, State>>();
  }

  /**
   * Reaches a session from outside it, in whichever process it lives.
   *
   * @param webrtcId - Need not be known: each method says when there is no such session.
   */
  session(webrtcId: string): SessionHandle {
    return new SessionHandle(webrtcId, this.#sessions.operations, this.store(webrtcId));
  }

  /**
   * The store of a session, also before it begins and after it has ended: the same as
   * `context.store` inside.
   */
  store(webrtcId: string): SessionStore {
    return this.#sessions.stores.of(webrtcId);
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
    const unmount = mountOn(app, path, this.#router(options.page ?? false), this.#entries.upgrader);
    this.#endings.add(unmount);
    return () => {
      this.#endings.delete(unmount);
      unmount();
    };
  }

  /**
   * Takes a WebSocket's upgrade request, for servers that {@link Stream.mount} does not know.
   *
   * @param request - As node's `upgrade` event gives it, like the other two.
   * @param path - What stands in the URL before the stream's routes.
   * @returns false where the path is not one of the stream's: nothing has been done then.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, path = ""): boolean {
    const mountPath = normalizeMountPath(path);
    return this.#entries.upgrader.handle({ incoming: request, socket, head }, { mountPath });
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
   * Starts a server with a page to talk to. On SIGTERM and SIGINT it drains ({@link Stream.drain})
   * before the process ends.
   *
   * @throws {@link InvalidOptionError} when the port is taken.
   */
  async launch(options: LaunchOptions = {}): Promise<ListeningServer> {
    const { port = Number(env("PORT", "7860")), host = env("HOST", "127.0.0.1") } = options;
    const server = await listen(this.#router(true), { port, host }, this.#entries.upgrader);
    this.#endings.add(() => server.close());
    this.#endings.add(drainOnSignals(this));
    this.#sessions.logger.info(`Talk to it at ${server.url}`);
    return server;
  }

  /**
   * Takes calls from Asterisk over AudioSocket, beside what comes over HTTP.
   *
   * @throws {@link InvalidOptionError} when the port is taken.
   */
  async listenAudioSocket(options: AudioSocketOptions): Promise<AudioSocketServer> {
    const { host, clock, logger } = this.#sessions;
    const server = await listenForAudioSocket(options, { host, clock, logger });
    this.#endings.add(() => server.close());
    return server;
  }

  /**
   * Lets no further session begin, gives those that live time to end by themselves, and then closes
   * the stream. Meanwhile `GET {path}/ready` says 503, and so do offers, with Retry-After.
   *
   * @param timeoutMs - How long sessions may go on, in milliseconds.
   */
  async drain(timeoutMs = 30_000): Promise<void> {
    this.#entries.close();
    await this.#sessions.drain(timeoutMs);
    await this.close();
  }

  /** Ends every session, every mounted route and every launched server. Safe to call twice. */
  async close(): Promise<void> {
    const endings = [...this.#endings];
    this.#endings.clear();
    this.#entries.close();
    await this.#sessions.close({ type: "update_connection", data: "closed" });
    await Promise.all(endings.map((end) => Promise.resolve(end())));
  }

  /**
   * Answers an offer, or takes a candidate, that came some other way than through the routes.
   *
   * @throws {@link NegotiationError} when it is refused.
   * @throws {@link SessionLimitError} when no further session may begin.
   * @throws {@link AuthenticationError} when `authenticate` refuses the request, or the token is not
   * the session's.
   */
  async offer(
    body: OfferRequest | CandidateRequest,
    request: Request = new Request("http://localhost/"),
    info: RequestInfo = {},
  ): Promise<AnswerResponse | { readonly status: "success" }> {
    if (body.type === "offer") return await this.#http.offer(body, request, info);
    await this.#http.addCandidate(body);
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
    const inputs = this.#options.additionalInputs ? values[0] : values;
    await this.#sessions.operations.setInputs(webrtcId, inputs, "application");
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
    const outputs = await this.#sessions.operations.outputs(webrtcId, "application", signal);
    for await (const args of outputs) yield new AdditionalOutputs(...args);
  }

  /**
   * Waits for the next that a session's handler says beside its audio.
   *
   * @throws {@link TimeoutError} when nothing came within ten seconds.
   * @throws {@link NegotiationError} when there is no such session.
   */
  async fetchLatestOutput(webrtcId: string): Promise<AdditionalOutputs> {
    const args = await this.#sessions.operations.nextOutput(webrtcId, FETCH_TIMEOUT_MS);
    return new AdditionalOutputs(...args);
  }

  #router(page: boolean): Router {
    const { cors } = this.#options;
    return createRouter(this.#http, {
      page,
      routes: this.#entries.routes,
      clock: this.#sessions.clock,
      logger: this.#sessions.logger,
      ...(cors ? { cors } : {}),
    });
  }
}

// Shells set a variable to nothing to take it away.
function env(name: string, fallback: string): string {
  const value = process.env[name];
  return value === undefined || value === "" ? fallback : value;
}
