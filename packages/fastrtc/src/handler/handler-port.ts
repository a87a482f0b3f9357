/** What a handler may ask of the session that runs it. The session implements it. */

import type { AudioFrame } from "../media/audio-frame.ts";
import type { Clock } from "../media/clock.ts";
import type { SessionContext, TurnTimings } from "../session/context/context.ts";
import type { AdditionalOutputs } from "./additional-outputs.ts";
import type { CloseStream } from "./close-stream.ts";

/** The moments of a turn that a client is told of; FastRTC's words. */
export type TurnMoment = "started_talking" | "pause_detected" | "response_starting";

/** Where a reply stands, in the words of the protocol's message. */
export type ReplyProgress =
  /** It begins to be heard. */
  | { readonly phase: "started"; readonly index: number }
  /** The words of the audio that is sent next. */
  | { readonly phase: "text"; readonly index: number; readonly text: string }
  /** All of it has been sent. */
  | { readonly phase: "finished"; readonly index: number }
  /** It was stopped. */
  | { readonly phase: "interrupted"; readonly index: number; readonly heardText: string };

/** What was recognised of a turn of the user's, in the words of the protocol's message. */
export interface UserTranscript {
  readonly index: number;
  readonly text: string;
  readonly isFinal: boolean;
}

/** A handler's way to its session. */
export interface HandlerPort {
  readonly context: SessionContext;
  readonly clock: Clock;
  /** The inputs last set for this session, defaults applied; an empty array before the first. */
  readonly inputs: unknown;
  /** Resolves with the inputs when they are next set; rejects when the signal aborts. */
  nextInputs(signal: AbortSignal): Promise<unknown>;
  /**
   * Queues audio for the caller.
   *
   * @param onSent - Called as its parts are sent, with their length in ms.
   * @returns undefined while there is room, else a promise that resolves when there is again.
   */
  write(frame: AudioFrame, onSent?: (durationMs: number) => void): Promise<void> | undefined;
  /** Says that no more audio follows for now: a last part of a frame need not wait for its rest. */
  flush(): void;
  /** Goes silent, reversibly: queued audio waits for {@link HandlerPort.release}. */
  hold(): void;
  /** Goes on where {@link HandlerPort.hold} stopped. */
  release(): void;
  /** How long ago, in ms, the audio was sent that the caller hears now, as far as it is known. */
  readonly playoutDelayMs: number;
  /** Drops the audio that has not been heard yet, here and at the other side. */
  clear(): void;
  /** Whether queued audio waits to be sent. */
  readonly isPlaying: boolean;
  /** Resolves when all queued audio has been sent or dropped. */
  drained(): Promise<void>;
  /** Hands values to whoever reads this session's outputs. */
  output(outputs: AdditionalOutputs): void;
  /** Tells the client where the turn stands. */
  log(moment: TurnMoment): void;
  /** Tells the client, and whoever watches the server, how long the steps of a turn took. */
  traceTurn(trace: TurnTimings & { readonly index: number }): void;
  /** Tells the client where a reply stands. */
  replyProgress(progress: ReplyProgress): void;
  /** Tells the client what was recognised of the user's speech. */
  userTranscript(transcript: UserTranscript): void;
  /** Tells the client that a stop word was heard. */
  stopWordHeard(): void;
  /** Asks the client for its inputs. */
  requestInputs(): void;
  /** Reports an error of the user's code: to the log, and to the client in words meant for it. */
  reportError(error: unknown): void;
  /** Notes in the log what went wrong without harm to the user. */
  noteError(error: unknown): void;
  /** Ends the session when queued audio has been sent. */
  closeStream(close: CloseStream): void;
}
