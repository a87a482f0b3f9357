/**
 * What is kept of a session whose client was lost, for the time in which it may come back: its
 * state, its parameters and its inputs. The store keeps itself; the directory knows the token.
 */

import type { Clock, Timer } from "../../media/clock.ts";

/** How many are kept; beyond, the one that was lost first is forgotten. */
const MAX_KEPT = 10_000;

/** What a session that comes back finds again. */
export interface KeptSession {
  readonly state: unknown;
  readonly params: unknown;
  readonly inputs: unknown;
}

/** The sessions of this process that may come back. */
export class ResumableSessions {
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #kept = new Map<string, { readonly session: KeptSession; readonly timer: Timer }>();

  /** @param keepMs - How long each is kept. */
  constructor(clock: Clock, keepMs: number) {
    this.#clock = clock;
    this.#keepMs = keepMs;
  }

  /** Keeps a session that was lost now. */
  keep(webrtcId: string, session: KeptSession): void {
    this.take(webrtcId);
    if (this.#kept.size >= MAX_KEPT) {
      for (const oldest of this.#kept.keys()) {
        this.take(oldest);
        break;
      }
    }
    const timer = this.#clock.setTimeout(() => this.#kept.delete(webrtcId), this.#keepMs);
    this.#kept.set(webrtcId, { session, timer });
  }

  /** Looks at a session without taking it. */
  peek(webrtcId: string): KeptSession | undefined {
    return this.#kept.get(webrtcId)?.session;
  }

  /** Takes a session out; undefined where none is kept. */
  take(webrtcId: string): KeptSession | undefined {
    const kept = this.#kept.get(webrtcId);
    if (!kept) return undefined;
    kept.timer.cancel();
    this.#kept.delete(webrtcId);
    return kept.session;
  }

  /** Forgets all. */
  clear(): void {
    for (const webrtcId of [...this.#kept.keys()]) this.take(webrtcId);
  }
}
