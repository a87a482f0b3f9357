/**
 * The one door through which every session comes, whatever carries it.
 *
 * An entry (`webrtc-signaling.ts`, `websocket-entry.ts`, `telephone-entry.ts`, …) calls
 * {@link SessionHost.identify} before it allocates anything, and {@link SessionHost.begin} when it
 * knows the id and the parameters. Whatever fails in between leaves nothing behind.
 */

import type { Transport, TransportKind } from "../../transport/transport.ts";
import type { TelephoneCall } from "../context/session-context.ts";
import type { Session } from "../session.ts";

/** Who knocks. */
export interface Arrival {
  /** The request that opened the way in; its body may have been read. */
  readonly request: Request;
  /** How the session will be carried. */
  readonly transport: TransportKind;
  /** The peer's address, or that of the trusted proxy's client. */
  readonly remoteAddress?: string | undefined;
}

/** Somebody who may come in. */
export interface Identity {
  readonly arrival: Arrival;
  /** What `authenticate` returned; undefined where the stream has none. */
  readonly user: unknown;
}

/** The session that somebody says they come back to. */
export interface EarlierSession {
  readonly webrtcId: string;
  /** The token that the client presented; undefined where it comes for the first time. */
  readonly sessionToken: string | undefined;
}

/** A session to begin. */
export interface SessionOpening {
  readonly identity: Identity;
  /** Chosen by the client or the carrier; checked by {@link parseWebrtcId} already. */
  readonly webrtcId: string;
  /** The session parameters as they came, unchecked. */
  readonly params: unknown;
  /** The token that the client presented, to resume a session. */
  readonly sessionToken: string | undefined;
  /**
   * Whether the client is told the session's token. Without it nobody can come back: nothing of the
   * session is kept for anybody then.
   */
  readonly tellsToken: boolean;
  readonly telephone?: TelephoneCall;
  /** Makes the transport, once it is sure that the session may begin. Called at most once. */
  readonly createTransport: () => Transport;
  /** Called once when the session is over and nothing of it is left. */
  readonly onClosed?: () => void;
}

/** A session that has begun. Its transport is open: media flows as soon as that connects. */
export interface OpenedSession {
  readonly session: Session;
  /** The client's proof for later requests. */
  readonly sessionToken: string;
  /** Whether an earlier session of this id goes on. */
  readonly resumed: boolean;
}

/** Lets sessions in. */
export interface SessionHost {
  /**
   * Asks the application who this is.
   *
   * @param earlier - Where it is known already: a session of theirs that lives here is let go when
   * none may begin here now, so that another process can carry it on.
   * @throws {@link AuthenticationError} when it does not want to know them.
   * @throws {@link NegotiationError} with reason `server_closing` when no session may begin now.
   */
  identify(arrival: Arrival, earlier?: EarlierSession): Promise<Identity>;
  /**
   * Begins a session.
   *
   * @throws {@link NegotiationError} when the parameters do not fit, or the id is taken.
   * @throws {@link SessionLimitError} when no further session may begin.
   * @throws {@link AuthenticationError} when the token is not that of the session.
   */
  begin(opening: SessionOpening): Promise<OpenedSession>;
}
