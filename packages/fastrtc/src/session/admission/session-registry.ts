/**
 * Which sessions live. A place is taken before anything is awaited, so that neither two offers of
 * one id nor one offer too many can pass each other.
 */

import { NegotiationError, SessionLimitError } from "../../errors.ts";
import type { Session } from "../session.ts";

/** What a client is told to wait before it tries again, in seconds. */
const RETRY_AFTER_SECONDS = 5;
/** How many closed ids are remembered, to tell "closed" from "unknown". */
const MAX_REMEMBERED = 1000;

/** A place in the registry that was taken and not filled yet. */
export interface Reservation {
  /** Puts the session in the place, with the hash of the token that its client has. */
  fill(session: Session, tokenHash: string): void;
  /** Gives the place back; safe to call twice, and after the session has closed. */
  release(): void;
}

interface Place {
  readonly session: Session;
  readonly tokenHash: string;
}

/** The sessions of one stream. */
export class SessionRegistry {
  readonly #limit: number;
  readonly #places = new Map<string, Place | undefined>();
  readonly #closed = new Set<string>();
  readonly #onEmpty = new Set<() => void>();

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
    for (const place of this.#places.values()) if (place) yield place.session;
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
    let isOurs = true;
    return {
      fill: (session, tokenHash) => {
        if (!isOurs) return;
        this.#places.set(webrtcId, { session, tokenHash });
        this.#closed.delete(webrtcId);
      },
      release: () => {
        if (!isOurs) return;
        isOurs = false;
        // What never began has not ended either.
        if (this.#places.get(webrtcId)) this.#remember(webrtcId);
        this.#places.delete(webrtcId);
        if (this.#places.size === 0) this.#tellEmpty();
      },
    };
  }

  /** Resolves once no session lives, nor is about to. */
  async whenEmpty(): Promise<void> {
    if (this.#places.size === 0) return;
    await new Promise<void>((resolve) => this.#onEmpty.add(resolve));
  }

  /** Tells whether the id of a session is taken, complete or not. */
  has(webrtcId: string): boolean {
    return this.#places.has(webrtcId);
  }

  /** Returns the session of an id; undefined when there is none, or it is not complete yet. */
  get(webrtcId: string): Session | undefined {
    return this.#places.get(webrtcId)?.session;
  }

  /** Returns the hash of the token that the client of a session has. */
  tokenHash(webrtcId: string): string | undefined {
    return this.#places.get(webrtcId)?.tokenHash;
  }

  /** Tells whether a session of this id lived and has ended; the last thousand are remembered. */
  hasEnded(webrtcId: string): boolean {
    return this.#closed.has(webrtcId) && !this.#places.has(webrtcId);
  }

  /**
   * Returns the session of an id.
   *
   * @throws {@link NegotiationError} when it has ended, or never was.
   */
  require(webrtcId: string): Session {
    const place = this.#places.get(webrtcId);
    if (place) return place.session;
    throw this.#closed.has(webrtcId)
      ? new NegotiationError("The session has ended.", { reason: "connection_closed" })
      : new NegotiationError("No session has this webrtc_id.", { reason: "unknown_connection" });
  }

  #tellEmpty(): void {
    for (const tell of this.#onEmpty) tell();
    this.#onEmpty.clear();
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
