/** What may be decided about a session's turns from outside: by its client, or by the application. */

/** Which turns are found, answered and given up without being asked. */
export interface TurnPolicy {
  /**
   * Whether the end of a turn is looked for. Where it is not, everything that is heard belongs to one
   * turn, until {@link TurnControl.endTurnNow}.
   */
  readonly detectsTurns: boolean;
  /**
   * Whether a turn is answered as soon as it has ended. Where it is not, it waits for
   * {@link TurnControl.endTurnNow}, together with those before it.
   */
  readonly repliesAutomatically: boolean;
  /** Whether speech stops a reply. */
  readonly isInterruptible: boolean;
}

/** What a handler does that nobody has said anything else to. */
export const DEFAULT_TURN_POLICY: TurnPolicy = Object.freeze({
  detectsTurns: true,
  repliesAutomatically: true,
  isInterruptible: true,
});

/** Decides about the turns of one session. Called in the session's context. */
export interface TurnControl {
  /**
   * Ends the user's turn now and answers it; answers silence when nothing has been said. A running
   * reply is interrupted.
   *
   * @returns whether this handler answers on request: true means that a reply begins.
   */
  endTurnNow(): boolean;
  /**
   * Stops the running reply.
   *
   * @returns whether there was one.
   */
  interruptNow(): boolean;
  /**
   * Takes a text of the user's for a turn of its own and answers it. A running reply is interrupted.
   *
   * @returns whether this handler answers texts: true means that a reply begins.
   */
  onText(text: string): boolean;
  /** Changes which turns are found, answered and given up. */
  setTurnPolicy(policy: TurnPolicy): void;
  /** Forgets what was heard so far and has not been answered. */
  reset(): void;
}
