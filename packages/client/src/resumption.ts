import { FastRTCClientError, toClientError } from "./client-error.ts";
import { isFinal } from "./refusal.ts";

/**
 * Longest waits before the second, third, … attempt; the last one repeats. Each is shortened at random
 * by up to a half: the clients of a server that was restarted must not all come at the same moment.
 */
const DELAYS_MS = [500, 1000, 2000, 4000] as const;
/** How long one attempt may take. A server that cannot be reached does not say so. */
const ATTEMPT_TIMEOUT_MS = 10_000;

/** What a {@link Resumption} works with. */
export interface ResumptionOptions {
  /** How long to try, in milliseconds. */
  readonly timeoutMs: number;
  /** Opens a new path; resolves when media flows, and lets go of everything when it is aborted. */
  readonly open: (signal: AbortSignal) => Promise<void>;
  /** It was in vain. */
  readonly onFailed: (error: FastRTCClientError) => void;
}

/**
 * Brings a session back whose path was lost: one attempt after the other, with growing pauses,
 * until one succeeds, the server says no, or the time is over.
 */
export class Resumption {
  readonly #options: ResumptionOptions;
  readonly #timer: ReturnType<typeof setTimeout>;
  #attempt = new AbortController();
  #lastError: FastRTCClientError | undefined;
  #wake: () => void = () => undefined;
  #isOver = false;

  constructor(options: ResumptionOptions) {
    this.#options = options;
    this.#timer = setTimeout(() => {
      this.#fail(
        new FastRTCClientError(
          "connection-lost",
          "The connection was lost and did not come back. Check the network, then start again.",
          { cause: this.#lastError },
        ),
      );
    }, options.timeoutMs);
    void this.#run();
  }

  /** The network may be back: does not wait for the next attempt any longer. */
  hurry(): void {
    this.#wake();
  }

  /** Tries no more. */
  close(): void {
    this.#finish();
    this.#attempt.abort();
  }

  async #run(): Promise<void> {
    for (let attempt = 0; !this.#hasEnded(); attempt += 1) {
      try {
        await this.#tryOnce();
        this.#finish();
        return;
      } catch (caught) {
        if (this.#hasEnded()) return;
        const error = toClientError(caught, "network");
        if (isFinal(error)) {
          this.#fail(toResumeError(error));
          return;
        }
        this.#lastError = error;
        const longestMs = DELAYS_MS[Math.min(attempt, DELAYS_MS.length - 1)] ?? 0;
        const delayMs = longestMs * (1 - Math.random() / 2);
        await this.#sleep(Math.max(delayMs, (error.retryAfterSeconds ?? 0) * 1000));
      }
    }
  }

  async #tryOnce(): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    const timer = setTimeout(() => {
      attempt.abort(new FastRTCClientError("ice-failed", "No path was found in time."));
    }, ATTEMPT_TIMEOUT_MS);
    try {
      await this.#options.open(attempt.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  // A method, because it changes while the loop waits.
  #hasEnded(): boolean {
    return this.#isOver;
  }

  #finish(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#wake();
  }

  #fail(error: FastRTCClientError): void {
    if (this.#isOver) return;
    this.close();
    this.#options.onFailed(error);
  }
}

/** Says that the server will not go on with a session, whatever words it refused with. */
export function toResumeError(cause: FastRTCClientError): FastRTCClientError {
  return new FastRTCClientError(
    "resume-refused",
    "The server does not go on with the earlier session: it has ended, or the server was restarted. Start a new one.",
    {
      cause,
      issues: cause.issues,
      ...(cause.status === undefined ? {} : { status: cause.status }),
      ...(cause.signalingError === undefined ? {} : { signalingError: cause.signalingError }),
    },
  );
}
