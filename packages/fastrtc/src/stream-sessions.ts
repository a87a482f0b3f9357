/**
 * The sessions of one stream, here and in other processes: puts the parts of `session/` together.
 * The entries (offers, sockets, calls) come in through `host`, everything else through `operations`.
 */

import type { ServerMessage } from "@fastrtc/protocol";

import { defaultBackplane } from "./cluster/cluster-backplane.ts";
import { InvalidStateError } from "./errors.ts";
import { systemClock } from "./media/clock.ts";
import type { Clock, Timer } from "./media/clock.ts";
import { consoleLogger } from "./observe/logger.ts";
import type { Logger } from "./observe/logger.ts";
import { Authenticator } from "./session/admission/authenticator.ts";
import type { Backplane, BackplaneListener, BackplaneNode } from "./session/backplane/backplane.ts";
import { DirectoryClient } from "./session/admission/directory-client.ts";
import { ClientValues } from "./session/input-schema.ts";
import { MemoryBackplane } from "./session/backplane/memory-backplane.ts";
import { RemoteCalls } from "./session/backplane/remote-calls.ts";
import { RemoteSessionService, RemoteSessions } from "./session/routing/remote-sessions.ts";
import { ResumableSessions } from "./session/admission/resumable-sessions.ts";
import { SessionAccess } from "./session/admission/session-access.ts";
import { SessionAdmission } from "./session/admission/session-admission.ts";
import { SessionLocator } from "./session/routing/session-locator.ts";
import { LocalSessions } from "./session/routing/session-operations.ts";
import { SessionRegistry } from "./session/admission/session-registry.ts";
import { SessionStores } from "./session/store/session-stores.ts";
import { WebRtcSignaling } from "./session/entry/webrtc-signaling.ts";
import type { WebRtcSignalingOptions } from "./session/entry/webrtc-signaling.ts";
import type { AnyStreamOptions, CheckedStreamOptions, StreamMode } from "./stream-options.ts";
import { valueOf } from "./stream-options.ts";
import type { RtcPeerOptions } from "./transport/webrtc/backend.ts";
import { isLoopbackAddress } from "./transport/webrtc/candidate.ts";
import { createWeriftBackend } from "./transport/webrtc/werift.ts";

const AUDIO_DIRECTIONS = {
  "send-receive": "sendrecv",
  send: "recvonly",
  receive: "sendonly",
} as const satisfies Record<StreamMode, RtcPeerOptions["audioDirection"]>;

/** What the client of a session is told that has gone on elsewhere. */
const GOODBYE = { type: "update_connection", data: "closed" } as const;

/** The sessions of one stream. */
export class StreamSessions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly authenticator: Authenticator;
  readonly params: ClientValues;
  readonly inputs: ClientValues;
  readonly registry: SessionRegistry;
  readonly stores: SessionStores;
  /** The door for entries. */
  readonly host: SessionAdmission;
  /** How WebRTC is done, for entries that take offers of their own. */
  readonly webRtc: Omit<WebRtcSignalingOptions, "host">;
  /** Offers that must be answered here. */
  readonly signaling: WebRtcSignaling;
  /** Asks sessions wherever they are. */
  readonly operations: SessionLocator;
  readonly #options: AnyStreamOptions;
  readonly #checked: CheckedStreamOptions;
  readonly #backplane: Backplane;
  readonly #ownsBackplane: boolean;
  readonly #calls: RemoteCalls;
  readonly #resumable: ResumableSessions;
  #node: Promise<BackplaneNode> | undefined;
  #isClosed = false;

  constructor(options: AnyStreamOptions, checked: CheckedStreamOptions) {
    const { advanced = {} } = options;
    const { name, resumeMs } = checked;
    this.#options = options;
    this.#checked = checked;
    this.clock = advanced.clock ?? systemClock;
    this.logger = options.logger ?? consoleLogger;
    const { clock, logger } = this;
    const node = (): Promise<BackplaneNode> => this.#join();
    const shared = options.backplane ?? defaultBackplane();
    this.#ownsBackplane = !shared;
    this.#backplane = shared ?? new MemoryBackplane({ clock, logger });
    this.authenticator = new Authenticator(options.authenticate, logger);
    this.params = new ClientValues("params", options.params);
    this.inputs = new ClientValues("additionalInputs", options.additionalInputs);
    this.registry = new SessionRegistry(checked.concurrencyLimit);
    const backend = options.store ?? this.#backplane.store(name);
    // A backplane gives each stream a store of its own; an application may give one to several.
    const prefix = options.store ? `${name}:` : "";
    this.stores = new SessionStores({ backend, prefix, clock, logger });
    this.#resumable = new ResumableSessions(clock, resumeMs);
    const limit = checked.concurrencyLimit;
    const directory = new DirectoryClient({ node, limit, logger });
    this.host = new SessionAdmission({
      authenticator: this.authenticator,
      params: this.params,
      inputs: this.inputs,
      createState: options.state ?? (() => ({})),
      registry: this.registry,
      resumable: this.#resumable,
      stores: this.stores,
      directory,
      letGoElsewhere: (owner, earlier) => this.#remote(owner).letGo(earlier),
      resumeMs,
      template: {
        handler: checked.handler,
        onOutputs: options.additionalOutputsHandler,
        onTurn: options.onTurn,
        onDtmf: options.onDtmf,
        timeLimit: checked.timeLimit,
        encoder: advanced.encoder ?? {},
        clock,
        logger,
      },
    });
    const access = new SessionAccess(this.registry, this.authenticator);
    this.webRtc = {
      backend: advanced.backend ?? createWeriftBackend({ clock }),
      registry: this.registry,
      access,
      peerOptions: (localAddress) => this.#peerOptions(localAddress),
      clock,
    };
    this.signaling = new WebRtcSignaling({ ...this.webRtc, host: this.host });
    const { signaling, registry, inputs, host } = this;
    const local = new LocalSessions({ signaling, access, host, inputs, clock });
    this.#calls = new RemoteCalls({
      node: { send: async (nodeId, message) => (await node()).send(nodeId, message) },
      service: new RemoteSessionService(local),
      clock,
      logger,
    });
    this.operations = new SessionLocator({
      registry,
      signaling,
      access,
      local,
      directory,
      remote: (owner) => this.#remote(owner),
      logger,
    });
  }

  /** Whether no further session may begin here. */
  get isClosed(): boolean {
    return this.host.isClosed;
  }

  /** Counts the sessions that live in all processes. */
  async count(): Promise<number> {
    return (await this.#join()).count();
  }

  /** Lets nobody in any more, and gives those who are in time to finish. */
  async drain(timeoutMs: number): Promise<void> {
    this.host.close();
    let deadline: Timer | undefined;
    const isOver = new Promise<void>((resolve) => {
      deadline = this.clock.setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.registry.whenEmpty(), isOver]);
    deadline?.cancel();
  }

  /**
   * Ends every session, and leaves the other processes. Safe to call twice.
   *
   * @param goodbye - What clients are told.
   */
  async close(goodbye: ServerMessage): Promise<void> {
    this.#isClosed = true;
    this.host.close();
    const sessions = [...this.registry.sessions()];
    await Promise.all(sessions.map(async (session) => session.close(goodbye)));
    this.#resumable.clear();
    this.#calls.close();
    const node = await this.#node?.catch(() => undefined);
    await node?.leave().catch((error: unknown) => {
      this.logger.warn("The other processes could not be told that this one leaves.", { error });
    });
    // A shared one serves other streams too.
    if (this.#ownsBackplane) await this.#backplane.close();
  }

  #remote(owner: string): RemoteSessions {
    return new RemoteSessions(this.#calls, owner);
  }

  // Joined when first needed: a stream that is made and never served costs nothing. A failure is
  // tried again by the next one who asks.
  #join(): Promise<BackplaneNode> {
    if (this.#isClosed && !this.#node) {
      return Promise.reject(new InvalidStateError("The stream is closed."));
    }
    const listener: BackplaneListener = {
      onMessage: (from, message) => this.#calls.onMessage(from, message),
      onGone: (nodeId) => this.#calls.onGone(nodeId),
      onLost: (webrtcId) => void this.registry.get(webrtcId)?.close(GOODBYE),
    };
    this.#node ??= this.#backplane.join(this.#checked.name, listener).catch((error: unknown) => {
      this.#node = undefined;
      throw error;
    });
    return this.#node;
  }

  async #peerOptions(localAddress: string | undefined): Promise<RtcPeerOptions> {
    const { serverRtcConfiguration, advanced = {} } = this.#options;
    const { mode, handler } = this.#checked;
    const configuration = await valueOf(serverRtcConfiguration);
    return {
      iceServers: configuration?.iceServers ?? [],
      audioDirection: AUDIO_DIRECTIONS[mode],
      stereo: handler.expectedLayout === "stereo",
      // Another process passes on what reached it; whether over loopback is not known then.
      includeLoopback: localAddress !== undefined && isLoopbackAddress(localAddress),
      ...(advanced.portRange ? { portRange: advanced.portRange } : {}),
    };
  }
}
