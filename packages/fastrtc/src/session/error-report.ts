/** Errors of the user's code: into the log whole, to the client in words meant for it. */

import { HandlerError, WebRTCError, isFastRTCError } from "../errors.ts";
import type { Clock } from "../media/clock.ts";
import type { Logger } from "../observe/logger.ts";

/** What a client reads when the user's code failed. */
const FIXED_TEXT = "The application failed to answer. Please try again.";
/** At most one message to the client in this time; a handler may throw at every frame. */
const INTERVAL_MS = 1000;

/** Reports the errors of one session. */
export class ErrorReport {
  readonly #webrtcId: string;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #tell: (text: string) => void;
  #lastAt = -Infinity;
  #suppressed = 0;

  /** @param tell - Sends a text to the client. */
  constructor(webrtcId: string, logger: Logger, clock: Clock, tell: (text: string) => void) {
    this.#webrtcId = webrtcId;
    this.#logger = logger;
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Notes in the log what went wrong without harm to the user. */
  note(error: unknown): void {
    this.#logger.warn(error instanceof Error ? error.message : String(error), {
      webrtcId: this.#webrtcId,
      error,
    });
  }

  /** Reports one error; further ones within a second are only counted. */
  report(error: unknown): void {
    const now = this.#clock.now();
    if (now - this.#lastAt < INTERVAL_MS) {
      this.#suppressed++;
      return;
    }
    const suppressed = this.#suppressed;
    this.#lastAt = now;
    this.#suppressed = 0;
    const wrapped = isFastRTCError(error)
      ? error
      : new HandlerError("The handler threw.", { cause: error, webrtcId: this.#webrtcId });
    this.#logger.error(wrapped.message, {
      webrtcId: this.#webrtcId,
      error: wrapped,
      ...(suppressed > 0 ? { suppressed } : {}),
    });
    this.#tell(error instanceof WebRTCError ? error.message : FIXED_TEXT);
  }
}
