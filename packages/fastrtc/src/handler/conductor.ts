import type { AudioFrame } from "../media/audio-frame.ts";
import type { Reply } from "./reply.ts";
import type { TurnPolicy } from "./turn-control.ts";

/** Conducts the turns and replies of one session: frames go in, replies come out. */
export interface Conductor {
  /** Reads the next frame of the caller's. */
  push(frame: AudioFrame): void;
  /** Begins a reply that answers nobody. Does nothing where the user is already speaking. */
  greet(run: (reply: Reply) => void): void;
  /** Ends the user's turn now and answers it; answers silence when nothing has been said. */
  endTurnNow(): void;
  /** Stops the running reply; false where there is none. */
  interruptNow(): boolean;
  /** Answers a text, and what is being said beside it. */
  onText(text: string): void;
  /** Changes which turns are found, answered and given up. */
  setPolicy(policy: TurnPolicy): void;
  /** Forgets what was heard so far and has not been answered. */
  reset(): void;
  /**
   * Takes note that the client has heard the first sound of the reply.
   *
   * @param atMs - When, in milliseconds since the epoch.
   */
  onAudible(atMs: number): void;
  /** Ends the conversation: the running reply stops, no timer is left. */
  close(): void;
}
