import { realtimeId } from "./realtime-id.ts";
import { InvalidStateError } from "../../errors.ts";

/** How many tools may run at the same time for one session. */
const MAX_PENDING = 64;

interface PendingCall {
  readonly resolve: (output: string) => void;
  readonly reject: (reason: unknown) => void;
}

/** A tool that the client was asked to run. */
export interface ToolCall {
  readonly callId: string;
  /** What it gave. Rejects when the wait is over: by the signal, or with the session. */
  readonly output: Promise<string>;
}

/** The tools that a session's client is running. */
export class ToolCalls {
  readonly #pending = new Map<string, PendingCall>();

  /**
   * Begins the wait for a tool.
   *
   * @throws {@link InvalidStateError} when too many run already.
   */
  begin(signal: AbortSignal): ToolCall {
    signal.throwIfAborted();
    if (this.#pending.size >= MAX_PENDING) {
      throw new InvalidStateError(`${MAX_PENDING} tools run already: wait for some of them first.`);
    }
    const callId = realtimeId("call");
    const output = new Promise<string>((resolve, reject) => {
      const onAbort = (): void => this.#settle(callId)?.reject(signal.reason);
      const end = (): void => signal.removeEventListener("abort", onAbort);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#pending.set(callId, {
        resolve: (text) => {
          end();
          resolve(text);
        },
        reject: (reason) => {
          end();
          // What a signal is aborted with is its owner's choice.
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
          reject(reason);
        },
      });
    });
    return { callId, output };
  }

  /**
   * Takes what a tool gave.
   *
   * @returns whether it was waited for.
   */
  finish(callId: string, output: string): boolean {
    const call = this.#settle(callId);
    call?.resolve(output);
    return call !== undefined;
  }

  /** Ends all waits. */
  close(): void {
    const reason = new DOMException("The session has ended.", "AbortError");
    for (const callId of [...this.#pending.keys()]) this.#settle(callId)?.reject(reason);
  }

  #settle(callId: string): PendingCall | undefined {
    const call = this.#pending.get(callId);
    this.#pending.delete(callId);
    return call;
  }
}
