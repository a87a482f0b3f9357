/**
 * What one node has to say about its sessions when the directory has forgotten it, or missed
 * something: those that live here, those whose end it has not heard of, those being claimed.
 */

interface OwnSession {
  /** As the directory keeps it. */
  readonly record: string;
  /** Until when it may be resumed; undefined while it lives. */
  readonly until?: number;
}

/** One node's sessions. */
export class OwnSessions {
  readonly #sessions = new Map<string, OwnSession>();
  /** How many claims are under way, by session. */
  readonly #claims = new Map<string, number>();

  /** A session lives here now. */
  begun(webrtcId: string, record: string): void {
    this.#sessions.set(webrtcId, { record });
  }

  /**
   * A session has ended.
   *
   * @returns Its record, if it lived here; {@link OwnSessions.unsaid} wants it when the directory
   * cannot be told.
   */
  ended(webrtcId: string): string | undefined {
    const session = this.#sessions.get(webrtcId);
    this.#sessions.delete(webrtcId);
    return session?.record;
  }

  /** The directory could not be told that a session waits to be resumed. */
  unsaid(webrtcId: string, record: string, until: number): void {
    if (!this.#sessions.has(webrtcId)) this.#sessions.set(webrtcId, { record, until });
  }

  /** Runs a claim; meanwhile nobody knows whether the directory holds the session for us. */
  async claiming<T>(webrtcId: string, claim: () => Promise<T>): Promise<T> {
    this.#claims.set(webrtcId, (this.#claims.get(webrtcId) ?? 0) + 1);
    try {
      return await claim();
    } finally {
      const others = (this.#claims.get(webrtcId) ?? 1) - 1;
      if (others === 0) this.#claims.delete(webrtcId);
      else this.#claims.set(webrtcId, others);
    }
  }

  /** Says everything, as arguments of the script that makes the directory agree. */
  report(now: number): string[] {
    const words: string[] = [];
    for (const [webrtcId, { record, until }] of this.#sessions) {
      if (until === undefined) words.push(webrtcId, record, "-1");
      else if (until > now) words.push(webrtcId, record, String(Math.ceil(until - now)));
    }
    return [String(words.length / 3), ...words, ...this.#claims.keys()];
  }

  /**
   * The directory has read the report.
   *
   * @param lost - The sessions which others have taken.
   * @returns those of them that live here nevertheless.
   */
  reported(lost: readonly string[]): string[] {
    const doubled = lost.filter((id) => {
      const session = this.#sessions.get(id);
      return session !== undefined && session.until === undefined;
    });
    for (const webrtcId of lost) this.#sessions.delete(webrtcId);
    for (const [webrtcId, { until }] of this.#sessions) {
      if (until !== undefined) this.#sessions.delete(webrtcId);
    }
    return doubled;
  }

  /** Forgets everything. */
  clear(): void {
    this.#sessions.clear();
  }
}
