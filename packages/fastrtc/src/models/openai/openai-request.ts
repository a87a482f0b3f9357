import { TimeoutError } from "../../errors.ts";
import { systemClock } from "../../media/clock.ts";
import type { Timer } from "../../media/clock.ts";
import { toModelError } from "./openai-error.ts";
import type { FailedRequest } from "./openai-error.ts";

/** One request: it ends with the caller's signal, and when the server is silent for too long. */
export class OpenAiRequest {
  readonly #subject: FailedRequest;
  readonly #timeoutMs: number;
  readonly #caller: AbortSignal | undefined;
  readonly #controller = new AbortController();
  readonly #onAbort = (): void => this.#controller.abort(this.#caller?.reason);
  #timer: Timer | undefined;
  #isLate = false;

  /**
   * @param subject - What errors name.
   * @param timeoutMs - Milliseconds of silence; see {@link OpenAiRequest.heard}.
   */
  constructor(subject: FailedRequest, timeoutMs: number, caller: AbortSignal | undefined) {
    this.#subject = subject;
    this.#timeoutMs = timeoutMs;
    this.#caller = caller;
    caller?.throwIfAborted();
    caller?.addEventListener("abort", this.#onAbort, { once: true });
    this.heard();
  }

  /** Closes the request's socket when it aborts. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Says that the server has sent something, and may be silent again. */
  heard(): void {
    this.#timer?.cancel();
    this.#timer = systemClock.setTimeout(() => {
      this.#isLate = true;
      this.#controller.abort();
    }, this.#timeoutMs);
  }

  /** Says that what the server sent is not read for now: meanwhile its silence is not its fault. */
  rest(): void {
    this.#timer?.cancel();
  }

  /** Returns what to throw for what was thrown. */
  failure(cause: unknown): unknown {
    if (this.#caller?.aborted) return this.#caller.reason;
    if (!this.#isLate) return toModelError(cause, this.#subject);
    const { model, input } = this.#subject;
    return new TimeoutError(
      `${model}: nothing came for ${this.#timeoutMs} ms (${input}). Raise timeoutMs, or give the server less to do.`,
      { cause },
    );
  }

  /** Ends it, also in the midst of an answer. */
  close(): void {
    this.#timer?.cancel();
    this.#caller?.removeEventListener("abort", this.#onAbort);
    this.#controller.abort();
  }
}
