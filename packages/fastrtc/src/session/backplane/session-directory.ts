/**
 * Whose session is it: the rules of a {@link Backplane}'s directory, for one stream, in memory.
 *
 * Claims and releases come in, one at a time, from `backplane-hub.ts`; nothing waits and nothing
 * leaves. A session is live with its owner, or waits for its client to come back, or is unknown.
 */

import type { ClaimOutcome, SessionClaim, SessionRecord } from "./backplane.ts";

interface LiveSession {
  readonly owner: string;
  readonly tokenHash: string;
  readonly createdAt: number;
}

interface WaitingSession extends LiveSession {
  /** On the clock of {@link SessionDirectory}. */
  readonly until: number;
}

/** The sessions of one stream. */
export class SessionDirectory {
  readonly #now: () => number;
  readonly #maxWaiting: number;
  readonly #live = new Map<string, LiveSession>();
  /** The session that has waited longest stands first. */
  readonly #waiting = new Map<string, WaitingSession>();

  /**
   * @param now - Monotonic milliseconds.
   * @param maxWaiting - How many sessions may wait to be resumed; at the bound the one that has
   * waited longest is forgotten.
   */
  constructor(now: () => number, maxWaiting: number) {
    this.#now = now;
    this.#maxWaiting = maxWaiting;
  }

  /** How many sessions live. */
  get liveCount(): number {
    return this.#live.size;
  }

  /** How many sessions are remembered because they may be resumed, or were a moment ago. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Gives a session to an owner, if the rules of {@link SessionClaim} allow it. */
  claim(owner: string, claim: SessionClaim): ClaimOutcome {
    const { webrtcId, tokenHash, presentedHash, mayReplace, limit } = claim;
    const record = this.find(webrtcId);
    const isResumed = record?.isLive === false && presentedHash === record.tokenHash;
    const isReplaced = record?.isLive === false && presentedHash === undefined && mayReplace;
    if (record && !isResumed && !isReplaced) return { outcome: "taken", record };
    if (this.#live.size >= limit) return { outcome: "full" };
    const resumed = isResumed ? { createdAt: record.createdAt, owner: record.owner } : undefined;
    this.#waiting.delete(webrtcId);
    this.#live.set(webrtcId, {
      owner,
      tokenHash,
      createdAt: resumed?.createdAt ?? claim.createdAt,
    });
    return { outcome: "claimed", ...(resumed ? { resumed } : {}) };
  }

  /** Looks a session up; undefined when it is unknown, or its time to be resumed is over. */
  find(webrtcId: string): SessionRecord | undefined {
    const live = this.#live.get(webrtcId);
    if (live) return recordOf(webrtcId, live, true);
    const waiting = this.#waiting.get(webrtcId);
    if (!waiting) return undefined;
    if (waiting.until > this.#now()) return recordOf(webrtcId, waiting, false);
    this.#waiting.delete(webrtcId);
    return undefined;
  }

  /**
   * Ends a session of an owner; does nothing when it is not, or no longer, that owner's.
   *
   * @param resumableMs - How long it may be resumed; 0 forgets it.
   */
  release(owner: string, webrtcId: string, resumableMs: number): void {
    const session = this.#live.get(webrtcId) ?? this.#waiting.get(webrtcId);
    if (session?.owner !== owner) return;
    this.#live.delete(webrtcId);
    this.#waiting.delete(webrtcId);
    if (resumableMs > 0) this.#wait(webrtcId, session, resumableMs);
  }

  /**
   * Ends all live sessions of an owner. Those that wait for their clients go on waiting: whoever
   * they come to next carries them on.
   *
   * @param resumableMs - How long they may be resumed; 0 forgets them.
   */
  releaseAll(owner: string, resumableMs: number): void {
    for (const [webrtcId, session] of this.#live) {
      if (session.owner !== owner) continue;
      this.#live.delete(webrtcId);
      if (resumableMs > 0) this.#wait(webrtcId, session, resumableMs);
    }
  }

  #wait(webrtcId: string, session: LiveSession, resumableMs: number): void {
    const { owner, tokenHash, createdAt } = session;
    const until = this.#now() + resumableMs;
    this.#waiting.set(webrtcId, { owner, tokenHash, createdAt, until });
    this.#forgetOldest();
  }

  // No timers: what nobody asks for goes when others come after it. One stream gives its sessions
  // the same time as a rule, so that those which are over stand in front.
  #forgetOldest(): void {
    const now = this.#now();
    for (const [webrtcId, { until }] of this.#waiting) {
      if (until > now && this.#waiting.size <= this.#maxWaiting) return;
      this.#waiting.delete(webrtcId);
    }
  }
}

function recordOf(webrtcId: string, session: LiveSession, isLive: boolean): SessionRecord {
  const { owner, tokenHash, createdAt } = session;
  return { webrtcId, owner, tokenHash, createdAt, isLive };
}
