/** What the protocol needs of the handler that answers; `TurnControl` of `handler/` fulfils it. */
export interface RealtimeControl {
  /** Ends the user's turn and answers it; false where the handler does not answer on request. */
  endTurnNow(): boolean;
  /** Stops the running reply; false where there is none. */
  interruptNow(): boolean;
  /** Answers a text; false where the handler answers none. */
  onText(text: string): boolean;
  /** Changes which turns are found, answered and given up. */
  setTurnPolicy(policy: {
    readonly detectsTurns: boolean;
    readonly repliesAutomatically: boolean;
    readonly isInterruptible: boolean;
  }): void;
  /** Forgets what was heard and has not been answered. */
  reset(): void;
}
