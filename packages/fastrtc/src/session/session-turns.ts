import type { TurnControl, TurnPolicy } from "../handler/turn-control.ts";
import { runInContext } from "./context/context.ts";
import type { SessionContext } from "./context/session-context.ts";

/** Decides about a session's turns from outside of it: in its context, and without ever throwing. */
export class SessionTurns implements TurnControl {
  readonly #context: SessionContext;
  readonly #handler: TurnControl;
  readonly #onError: (error: unknown) => void;

  constructor(context: SessionContext, handler: TurnControl, onError: (error: unknown) => void) {
    this.#context = context;
    this.#handler = handler;
    this.#onError = onError;
  }

  endTurnNow(): boolean {
    return this.call(() => this.#handler.endTurnNow()) ?? false;
  }

  interruptNow(): boolean {
    return this.call(() => this.#handler.interruptNow()) ?? false;
  }

  onText(text: string): boolean {
    return this.call(() => this.#handler.onText(text)) ?? false;
  }

  setTurnPolicy(policy: TurnPolicy): void {
    this.call(() => this.#handler.setTurnPolicy(policy));
  }

  reset(): void {
    this.call(() => this.#handler.reset());
  }

  /**
   * Runs code of the application's as the session's own, until the session ends.
   *
   * @returns undefined where it throws, which is reported.
   */
  call<T>(action: () => T): T | undefined {
    if (this.#context.signal.aborted) return undefined;
    try {
      return runInContext(this.#context, action);
    } catch (error) {
      this.#onError(error);
      return undefined;
    }
  }
}
