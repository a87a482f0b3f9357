/**
 * Lets sessions in, whatever carries them: who is it, do the parameters fit, is the id free in all
 * processes, does an earlier session go on.
 *
 * Everything is decided before anything is allocated; a place is taken before anything is awaited
 * that others could overtake; and whatever fails afterwards gives the place back.
 */

import { AuthenticationError, NegotiationError } from "../../errors.ts";
import type { TransportCloseReason } from "../../transport/transport.ts";
import type { Authenticator } from "./authenticator.ts";
import { clientInfo, telephoneInfo } from "../context/client-info.ts";
import type { ClaimedSession, DirectoryClient } from "./directory-client.ts";
import type { ClientValues } from "../input-schema.ts";
import type { KeptSession, ResumableSessions } from "./resumable-sessions.ts";
import type { SessionRequest } from "../context/session-context.ts";
import type {
  Arrival,
  EarlierSession,
  Identity,
  OpenedSession,
  SessionHost,
  SessionOpening,
} from "./session-host.ts";
import type { Reservation, SessionRegistry } from "./session-registry.ts";
import { createSessionToken, hashSessionToken, isSessionToken } from "./session-token.ts";
import { Session } from "../session.ts";
import type { SessionOptions } from "../session.ts";
import type { SessionStores } from "../store/session-stores.ts";

/** What every session of a stream has in common. */
export type SessionTemplate = Omit<
  SessionOptions,
  "self" | "transport" | "initialInputs" | "onClosed"
>;

/** What {@link SessionAdmission} works with. */
export interface SessionAdmissionOptions {
  readonly authenticator: Authenticator;
  readonly params: ClientValues;
  readonly inputs: ClientValues;
  /** Makes the state of a new session. */
  readonly createState: () => unknown;
  readonly registry: SessionRegistry;
  readonly resumable: ResumableSessions;
  readonly stores: SessionStores;
  readonly directory: DirectoryClient;
  /** Asks another process to let go of a session whose client has come here. */
  readonly letGoElsewhere: (owner: string, earlier: EarlierSession) => Promise<void>;
  /** How long a session whose client was lost may come back. */
  readonly resumeMs: number;
  readonly template: SessionTemplate;
}

// An admitted session on its way in.
interface Entry {
  readonly opening: SessionOpening;
  readonly reservation: Reservation;
  readonly token: string;
  readonly tokenHash: string;
  readonly params: unknown;
  readonly initialInputs: unknown;
}

/** The door of one stream. */
export class SessionAdmission implements SessionHost {
  readonly #options: SessionAdmissionOptions;
  // Sessions that end because their own client has come back, from elsewhere.
  readonly #superseded = new WeakSet<Session>();
  #isClosed = false;

  constructor(options: SessionAdmissionOptions) {
    this.#options = options;
  }

  /** Whether no further session may begin. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Lets nobody in any more. */
  close(): void {
    this.#isClosed = true;
  }

  async identify(arrival: Arrival, earlier?: EarlierSession): Promise<Identity> {
    if (this.#isClosed) await this.#sendElsewhere(earlier);
    const { request, transport, remoteAddress } = arrival;
    const user = await this.#options.authenticator.identify(request, { transport, remoteAddress });
    return { arrival, user };
  }

  async begin(opening: SessionOpening): Promise<OpenedSession> {
    if (this.#isClosed) await this.#sendElsewhere(opening);
    const { registry, inputs } = this.#options;
    const { webrtcId, sessionToken } = opening;
    const token = sessionToken ?? createSessionToken();
    const tokenHash = hashSessionToken(token);
    const earlier =
      sessionToken === undefined ? undefined : await this.#valuesOf(opening, sessionToken);
    const params = await this.#readParams(opening.params, earlier?.params);
    const initialInputs = earlier?.inputs ?? (await inputs.initial([]));
    await this.#supersede(webrtcId, tokenHash);
    const reservation = registry.reserve(webrtcId);
    const entry = { opening, reservation, token, tokenHash, params, initialInputs };
    try {
      return await this.#enter(entry);
    } catch (error) {
      reservation.release();
      throw error;
    }
  }

  /**
   * Ends a session that its client wants to go on with in another process: resolves once the directory
   * would give it away. Does nothing where the token is not the session's, or none lives here.
   */
  async letGo({ webrtcId, sessionToken }: EarlierSession): Promise<void> {
    if (sessionToken === undefined) return;
    const { directory, resumeMs } = this.#options;
    const goesOn = await this.#supersede(webrtcId, hashSessionToken(sessionToken));
    // Once more, to wait for it: the client may be elsewhere before the first word is.
    if (goesOn) await directory.release(webrtcId, resumeMs);
  }

  async #enter(entry: Entry): Promise<OpenedSession> {
    const { directory, authenticator, resumable, stores, resumeMs } = this.#options;
    const { opening, tokenHash } = entry;
    const { webrtcId, sessionToken } = opening;
    const claimed = await directory.claim({
      webrtcId,
      tokenHash,
      presentedHash: sessionToken === undefined ? undefined : tokenHash,
      mayReplace: authenticator.isOpen,
    });
    const resumed = claimed.resumedFrom !== undefined;
    let kept: KeptSession | undefined;
    try {
      await stores.begin(webrtcId, tokenHash);
      // Whoever closes the stream while we waited must find every session.
      if (this.#isClosed) throw closing();
      const last = resumable.take(webrtcId);
      // Otherwise it is old, or somebody else's: the session has gone on in another process.
      if (claimed.resumedFrom === "us") kept = last;
      const state = kept ? kept.state : this.#options.createState();
      const session = this.#open(entry, state, claimed);
      return { session, sessionToken: entry.token, resumed };
    } catch (error) {
      // The client that has come back may try it again.
      if (kept) resumable.keep(webrtcId, kept);
      await directory.release(webrtcId, resumed ? resumeMs : 0);
      throw error;
    }
  }

  #open(entry: Entry, state: unknown, { createdAt, resumedFrom }: ClaimedSession): Session {
    const { template, stores } = this.#options;
    const { opening, reservation, params } = entry;
    const { webrtcId, identity, telephone } = opening;
    const { request, remoteAddress } = identity.arrival;
    const transport = opening.createTransport();
    try {
      const session = new Session({
        ...template,
        self: {
          webrtcId,
          createdAt: new Date(createdAt),
          resumed: resumedFrom !== undefined,
          user: identity.user,
          params,
          state,
          store: stores.of(webrtcId),
          client: telephone
            ? telephoneInfo(remoteAddress)
            : clientInfo(request.headers, remoteAddress),
          request: snapshot(request, remoteAddress),
          telephone,
        },
        transport,
        initialInputs: entry.initialInputs,
        onClosed: (reason) => this.#onClosed(session, entry, reason),
      });
      reservation.fill(session, entry.tokenHash);
      session.open();
      return session;
    } catch (error) {
      void transport.close();
      throw error;
    }
  }

  #onClosed(session: Session, entry: Entry, reason: TransportCloseReason): void {
    const { directory, resumable, resumeMs } = this.#options;
    const { webrtcId } = entry.opening;
    const { state, params } = session.context;
    // Whom we ourselves have sent away need not come back.
    const mayResume =
      resumeMs > 0 &&
      entry.opening.tellsToken &&
      (reason !== "local" || this.#superseded.has(session));
    if (mayResume) resumable.keep(webrtcId, { state, params, inputs: session.inputs.latest });
    entry.reservation.release();
    void directory.release(webrtcId, mayResume ? resumeMs : 0);
    entry.opening.onClosed?.();
  }

  // The client has come back before we saw that it was lost. Returns whether its session goes on.
  async #supersede(webrtcId: string, tokenHash: string): Promise<boolean> {
    const session = this.#liveSession(webrtcId, tokenHash);
    if (!session) return false;
    // Whom we are sending away already cannot undo that by coming back meanwhile.
    if (!session.isClosing) this.#superseded.add(session);
    await session.close({ type: "update_connection", data: "closed" });
    return this.#superseded.has(session);
  }

  async #sendElsewhere(earlier: EarlierSession | undefined): Promise<never> {
    if (earlier) await this.letGo(earlier);
    throw closing();
  }

  #liveSession(webrtcId: string, tokenHash: string): Session | undefined {
    const { registry } = this.#options;
    return registry.tokenHash(webrtcId) === tokenHash ? registry.get(webrtcId) : undefined;
  }

  async #readParams(sent: unknown, kept: unknown): Promise<unknown> {
    const { params } = this.#options;
    if (sent === undefined && kept !== undefined) return kept;
    return await params.parse(sent ?? (params.hasSchema ? {} : undefined));
  }

  // What the session that the token belongs to had, if this process carried it last.
  async #valuesOf(
    { webrtcId, identity }: SessionOpening,
    token: string,
  ): Promise<Omit<KeptSession, "state"> | undefined> {
    const found = await this.#options.directory.find(webrtcId);
    if (!found) {
      throw new NegotiationError("The session can no longer be resumed.", {
        reason: "connection_closed",
      });
    }
    const { record, isOurs } = found;
    if (!isSessionToken(token, record.tokenHash)) throw new AuthenticationError();
    if (!isOurs) {
      // An offer would have been passed on to the owner. The claim shows what became of it.
      if (record.isLive && identity.arrival.transport !== "webrtc") {
        const earlier = { webrtcId, sessionToken: token };
        await this.#options.letGoElsewhere(record.owner, earlier).catch(() => undefined);
      }
      return undefined;
    }
    const live = this.#liveSession(webrtcId, record.tokenHash);
    if (!live) return this.#options.resumable.peek(webrtcId);
    return { params: live.context.params, inputs: live.inputs.latest };
  }
}

function closing(): NegotiationError {
  return new NegotiationError("The stream is closing.", { reason: "server_closing" });
}

function snapshot(request: Request, remoteAddress: string | undefined): SessionRequest {
  const { method, url, headers } = request;
  return { method, url, headers, remoteAddress };
}
