/**
 * The contract of semantic endpointing: what was said so far in, how likely the speaker has finished
 * out. Silence alone cannot tell a pause to think from an end; words and melody often can.
 *
 * Asked once at each pause of a turn, never on a timer. Fulfilled by `createTranscriptEndOfTurn`
 * (words) and `createSmartTurn` (sound), or by a model of your own.
 */

/** What an {@link EndOfTurnModel} may judge by. */
export interface EndOfTurnInput {
  /**
   * The turn so far, up to now: mono at 16,000 Hz, -1 to 1, at most its last 8,000 ms. Read it only; it may be a view of a buffer that is reused when the
   * prediction has settled.
   */
  readonly audio: Float32Array;
  /** The words of the turn so far, where a recognizer listens along. */
  readonly transcript?: string;
}

/** How one prediction ends early. */
export interface EndOfTurnCall {
  /** Aborts when the speaker goes on, when the model is too slow, and when the session ends. */
  readonly signal: AbortSignal;
}

/** Tells how likely the speaker has finished. One model may serve all sessions of a process. */
export interface EndOfTurnModel {
  /**
   * Returns the probability that the turn is complete, 0 to 1; 0.5 where the model cannot tell.
   *
   * A session has one prediction open at a time: it aborts the last one before it asks again. The
   * promise rejects with `signal.reason` as soon as the signal aborts, and with any other error when
   * the model fails; the turn then ends as if the model had said that more is to come.
   */
  predict(input: EndOfTurnInput, call: EndOfTurnCall): Promise<number>;
  /** Loads what the first prediction would have to wait for. */
  warmUp?(): Promise<void>;
}
