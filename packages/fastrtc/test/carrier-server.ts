import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

import type { StreamHandlerBase } from "../src/handler/stream-handler.ts";
import { failureOf } from "../src/http/failure.ts";
import { requestInfo, toFetchRequest } from "../src/http/node-request.ts";
import { createTelephoneRoutes } from "../src/http/telephone-routes.ts";
import { Upgrader } from "../src/http/upgrade.ts";
import { systemClock } from "../src/media/clock.ts";
import { silentLogger } from "../src/observe/logger.ts";
import { listenAudioSocket } from "../src/session/entry/audiosocket-server.ts";
import type {
  AudioSocketOptions,
  AudioSocketServer,
} from "../src/session/entry/audiosocket-server.ts";
import type { SessionContext } from "../src/session/context/session-context.ts";
import { TelephoneEntry } from "../src/session/entry/telephone-entry.ts";
import { checkStreamOptions } from "../src/stream-options.ts";
import type { AnyStreamOptions } from "../src/stream-options.ts";
import { StreamSessions } from "../src/stream-sessions.ts";
import type { Carrier } from "../src/transport/telephone/carrier.ts";

/** What a {@link CarrierServer} serves. */
export interface CarrierServerOptions {
  readonly handler: StreamHandlerBase;
  readonly carrier?: Carrier;
  readonly audioSocket?: Partial<AudioSocketOptions>;
  readonly stream?: Partial<AnyStreamOptions>;
  readonly params?: Readonly<Record<string, string>>;
}

/** A server on loopback that a carrier's stand-in can call. */
export class CarrierServer {
  readonly #http: Server;
  readonly #sockets: ReadonlySet<Duplex>;
  readonly #sessions: StreamSessions;
  readonly #entry: TelephoneEntry;
  readonly #audioSocket: AudioSocketServer | undefined;

  private constructor(
    http: Server,
    sockets: ReadonlySet<Duplex>,
    sessions: StreamSessions,
    entry: TelephoneEntry,
    audioSocket: AudioSocketServer | undefined,
  ) {
    this.#http = http;
    this.#sockets = sockets;
    this.#sessions = sessions;
    this.#entry = entry;
    this.#audioSocket = audioSocket;
  }

  static async start(options: CarrierServerOptions): Promise<CarrierServer> {
    const all: AnyStreamOptions = {
      handler: options.handler,
      modality: "audio",
      logger: silentLogger,
      ...options.stream,
    };
    const sessions = new StreamSessions(all, checkStreamOptions(all));
    const parts = { host: sessions.host, clock: systemClock, logger: silentLogger };
    const entry = new TelephoneEntry({ ...parts, params: () => options.params ?? {} });
    const http = createServer();
    const sockets = new Set<Duplex>();
    http.on("upgrade", (_request, socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
    if (options.carrier) serve(http, options.carrier, entry);
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    const audioSocket = options.audioSocket
      ? await listenAudioSocket({ port: 0, ...options.audioSocket }, parts)
      : undefined;
    return new CarrierServer(http, sockets, sessions, entry, audioSocket);
  }

  /** Without a slash at its end. */
  get origin(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  get audioSocketPort(): number {
    return this.#audioSocket?.port ?? 0;
  }

  get sessionCount(): number {
    return this.#sessions.registry.size;
  }

  /** Sockets that are held for callers. */
  get heldResources(): number {
    return this.#sockets.size + (this.#audioSocket?.connectionCount ?? 0);
  }

  setInput(webrtcId: string, values: readonly unknown[]): void {
    this.#sessions.registry.require(webrtcId).inputs.set(values);
  }

  contexts(): SessionContext[] {
    return [...this.#sessions.registry.sessions()].map(({ context }) => context);
  }

  async close(): Promise<void> {
    this.#entry.close();
    for (const session of this.#sessions.registry.sessions()) await session.close();
    await this.#audioSocket?.close();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}

function serve(http: Server, carrier: Carrier, entry: TelephoneEntry): void {
  const { webhooks, sockets } = createTelephoneRoutes({
    carriers: [carrier],
    entry,
    clientAddress: (_request, { remoteAddress }) => remoteAddress,
    publicOrigin: () => undefined,
  });
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const request = toFetchRequest(incoming, new AbortController().signal)!;
    const { pathname } = new URL(request.url);
    const route = webhooks.find(({ path }) => path === pathname)!;
    const response = await route.respond(request, requestInfo(incoming, "")).catch(failureOf);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(await response.text());
  };
  http.on("request", (incoming, outgoing) => void answer(incoming, outgoing));
  const upgrader = new Upgrader(sockets, { logger: silentLogger });
  http.on("upgrade", (incoming, socket, head) => {
    upgrader.handle({ incoming, socket, head }, { mountPath: "" });
  });
}
