/**
 * How the processes that serve one stream know of each other's sessions: the contract.
 *
 * A backplane is a directory (which process owns which session) and a bus (a message to the owner).
 * `memory-backplane.ts` is for one process, `cluster-backplane.ts` for the workers of one machine, and
 * `fastrtc/redis` for many machines. What the messages say is decided in `remote-sessions.ts`.
 */

import type { StoreBackend } from "../store/store.ts";

/** What the directory knows of a session. */
export interface SessionRecord {
  readonly webrtcId: string;
  /** The process that carries it, or carried it last. */
  readonly owner: string;
  /** SHA-256 of the session token, in base64url: who knows the token opened the session. */
  readonly tokenHash: string;
  /** When the session began for the first time, in milliseconds since the epoch. */
  readonly createdAt: number;
  /** False once it is no longer connected, or its owner has died, and it waits to be resumed. */
  readonly isLive: boolean;
}

/** A wish to own a session. */
export interface SessionClaim {
  readonly webrtcId: string;
  /** Of the token that the client will have from now on. */
  readonly tokenHash: string;
  /** Of the token that the client presented; undefined where it presented none. */
  readonly presentedHash: string | undefined;
  /**
   * Whether a session that waits to be resumed gives way to a client that presented no token. It
   * never gives way to a wrong one.
   */
  readonly mayReplace: boolean;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** How many sessions may live at the same time, in all processes together; Infinity for no limit. */
  readonly limit: number;
}

/** What became of a {@link SessionClaim}. */
export type ClaimOutcome =
  /** It is ours. */
  | {
      readonly outcome: "claimed";
      /** Set when the client resumes it: when it began, and who carried it before. */
      readonly resumed?: { readonly createdAt: number; readonly owner: string };
    }
  /** It lives, or waits for somebody else. */
  | { readonly outcome: "taken"; readonly record: SessionRecord }
  /** The limit is reached. */
  | { readonly outcome: "full" };

/** One process's place in a backplane, for one stream. */
export interface BackplaneNode {
  /** Names this process and stream; unique among all that live, never reused. */
  readonly id: string;
  /**
   * Takes a session, in one step: of two claims for one id one wins, and the limit holds.
   *
   * Detached sessions, and those of processes that died, do not count towards the limit.
   */
  claim(claim: SessionClaim): Promise<ClaimOutcome>;
  /** Looks a session up; undefined when nobody has it and nobody may resume it. */
  find(webrtcId: string): Promise<SessionRecord | undefined>;
  /**
   * Says that a session of this process is no longer connected. Does nothing when it is not this
   * process's any more.
   *
   * @param resumableMs - How long it may be resumed; 0 forgets it at once.
   */
  release(webrtcId: string, resumableMs: number): Promise<void>;
  /** Counts the sessions that live, in all processes. */
  count(): Promise<number>;
  /**
   * Sends a message to another process. Messages from one process to another keep their order.
   *
   * @throws {@link TransportError} when that process is known to be gone, or the bus is down.
   */
  send(nodeId: string, message: string): Promise<void>;
  /** Leaves: forgets this process's sessions, closes what it holds. Safe to call twice. */
  leave(): Promise<void>;
}

/** What a {@link Backplane} tells one that joined it. Calls come one at a time, in order. */
export interface BackplaneListener {
  /** Another process has sent a message. */
  onMessage(from: string, message: string): void;
  /** Another process has died or left: no answer will come from it. */
  onGone(nodeId: string): void;
  /**
   * A session of this process is another's now: this one could not be reached, was taken for dead,
   * and the client has gone on elsewhere. What still lives of it here must end.
   */
  onLost(webrtcId: string): void;
}

/** Joins the processes that serve the same streams. */
export interface Backplane {
  /**
   * Joins the processes that serve a stream.
   *
   * @param stream - The stream's name: the same in each of these processes.
   * @throws {@link InvalidOptionError} when this process has joined under that name already.
   */
  join(stream: string, listener: BackplaneListener): Promise<BackplaneNode>;
  /**
   * Where the sessions of all these processes keep their values.
   *
   * @param stream - The stream's name.
   */
  store(stream: string): StoreBackend;
  /** Closes what it holds. Safe to call twice. */
  close(): Promise<void>;
}
