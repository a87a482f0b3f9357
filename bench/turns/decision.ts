/** What an algorithm did, in the session's time: each time it took a turn for finished. */

/** One decision that a turn has ended. */
export interface Decision {
  readonly atMs: number;
  /** Where the audio begins that is handed to the reply. */
  readonly utteranceStartMs: number;
}
