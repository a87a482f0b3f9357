import type { TurnLog } from "@fastrtc/client";

/** Whose turn it is, as far as a client can tell. */
export type TurnState = "listening" | "speaking" | "replying";

const AUDIBLE_LEVEL = 0.05;
// Longer than the pauses between a reply's sentences, shorter than a user would wonder.
const REPLY_QUIET_MS = 1000;

/**
 * Follows the turns of a session.
 *
 * The protocol tells when a reply starts and not when it has been heard to its end, so the end is
 * taken from the sound itself.
 */
export class TurnTracker {
  #log: TurnLog | undefined;
  #lastAudibleMs = 0;
  #pauseMs: number | undefined;
  #replyDelayMs: number | undefined;

  /** Milliseconds between the last turn's end and its reply's start, where both were told. */
  get replyDelayMs(): number | undefined {
    return this.#replyDelayMs;
  }

  /** Takes what the server tells. */
  take(log: TurnLog, nowMs: number): void {
    if (log === "pause_detected") this.#pauseMs = nowMs;
    if (log === "response_starting") {
      this.#lastAudibleMs = nowMs;
      // FastRTC repeats this for every chunk of the reply; the first one counts.
      if (this.#pauseMs !== undefined) this.#replyDelayMs = nowMs - this.#pauseMs;
      this.#pauseMs = undefined;
    }
    this.#log = log;
  }

  /** Tells whose turn it is, given how loud the reply is right now. */
  read(outputLevel: number, nowMs: number): TurnState {
    if (outputLevel > AUDIBLE_LEVEL) this.#lastAudibleMs = nowMs;
    if (this.#log === "started_talking") return "speaking";
    const isReplying =
      this.#log === "response_starting" && nowMs - this.#lastAudibleMs < REPLY_QUIET_MS;
    return isReplying ? "replying" : "listening";
  }

  /** Forgets the session. */
  reset(): void {
    this.#log = undefined;
    this.#pauseMs = undefined;
    this.#replyDelayMs = undefined;
  }
}
