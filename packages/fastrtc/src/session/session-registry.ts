/**
 * Which sessions live. A place is taken before anything is awaited, so that neither two offers of
 * one id nor one offer too many can pass each other.
 */

import { NegotiationError, SessionLimitError } from "../errors.ts";
import type { Session } from "./session.ts";

/** What a client is told to wait before it tries again, in seconds. */
const RETRY_AFTER_SECONDS = 5;
/** How many closed ids are remembered, to tell "closed" from "unknown". */
const MAX_REMEMBERED = 1000;

/** A place in the registry that was taken and not filled yet. */
export interface Reservation {
  /** Puts the session in the place. */
  fill(session: Session): void;
  /** Gives the place back; safe to call twice, and after the session has closed. */
  release(): void;
}

/** The sessions of one stream. */
export class SessionRegistry {
  readonly #limit: number;
  readonly #places = new Map<string, Session | undefined>();
  readonly #closed = new Set<string>();

  /** @param limit - How many sessions may live at the same time; Infinity for no limit. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many sessions live or are about to. */
  get size(): number {
    return this.#places.size;
  }

  /** The sessions that live. */
  *sessions(): Generator<Session> {
    for (const session of this.#places.values()) if (session) yield session;
  }

  /**
   * Takes a place.
   *
   * @throws {@link NegotiationError} when the id is taken.
   * @throws {@link SessionLimitError} when no place is free.
   */
  reserve(webrtcId: string): Reservation {
    if (this.#places.has(webrtcId)) {
      throw new NegotiationError("A session with this webrtc_id lives already.", {
        reason: "connection_already_exists",
      });
    }
    if (this.#places.size >= this.#limit) {
      throw new SessionLimitError(this.#limit, RETRY_AFTER_SECONDS);
    }
    this.#places.set(webrtcId, undefined);
    this.#closed.delete(webrtcId);
    let isOurs = true;
    return {
      fill: (session) => {
        if (isOurs) this.#places.set(webrtcId, session);
      },
      release: () => {
        if (!isOurs) return;
        isOurs = false;
        this.#places.delete(webrtcId);
        this.#remember(webrtcId);
      },
    };
  }

  /** Returns the session of an id; undefined when there is none, or it is not complete yet. */
  get(webrtcId: string): Session | undefined {
    return this.#places.get(webrtcId);
  }

  /** Tells whether a session of this id lived and has ended; the last thousand are remembered. */
  hasEnded(webrtcId: string): boolean {
    return this.#closed.has(webrtcId);
  }

  /**
   * Returns the session of an id.
   *
   * @throws {@link NegotiationError} when it has ended, or never was.
   */
  require(webrtcId: string): Session {
    const session = this.#places.get(webrtcId);
    if (session) return session;
    throw this.#closed.has(webrtcId)
      ? new NegotiationError("The session has ended.", { reason: "connection_closed" })
      : new NegotiationError("No session has this webrtc_id.", { reason: "unknown_connection" });
  }

  #remember(webrtcId: string): void {
    this.#closed.add(webrtcId);
    if (this.#closed.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#closed) {
      this.#closed.delete(oldest);
      return;
    }
  }
}
