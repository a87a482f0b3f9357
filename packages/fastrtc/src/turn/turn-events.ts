/** The words in which {@link TurnTakingHost | turn-taking} speaks: its states, its events, and what it asks for. */

/**
 * Names one attempt at a turn, and the reply to it. Each reply has its own key, so that whatever
 * arrives late can be told from what is awaited.
 */
export interface TurnKey {
  /** Counts the user's turns from 1; 0 is a reply that answers nobody. */
  readonly turn: number;
  /** Counts how often the turn went on after an attempt at its end. */
  readonly rev: number;
}

/**
 * Where the conversation is.
 *
 * - `listening`: nobody speaks.
 * - `speaking`: the user speaks.
 * - `ending`: the user is silent, and may have finished.
 * - `eager`: the same, and a reply is being made in silence.
 * - `replying`: the turn has ended and is being answered.
 * - `overlapping`: the user speaks over an audible reply.
 * - `paused`: the reply went silent for it, reversibly.
 */
export type TurnState =
  "listening" | "speaking" | "ending" | "eager" | "replying" | "overlapping" | "paused";

/** Why a reply was stopped. */
export type StopReason =
  /** The turn went on before anything was audible. */
  | "reopened"
  /** The words that an eager reply answered have changed. */
  | "text-changed"
  /** The user interrupted it, or another turn was asked for. */
  | "interrupted"
  /** Turn-taking was reset or closed. */
  | "closed";

/** What ended a turn. */
export type TurnEndCause =
  /** The silence that is waited for without a model. */
  | "silence"
  /** A model's answer: that the turn is finished. */
  | "prediction"
  /** The longest silence that is waited for with a model. */
  | "max-delay"
  /** The turn's longest duration. */
  | "max-duration"
  /** No final words came in time. */
  | "watchdog"
  /** The application. */
  | "request";

/** What interrupted a reply. */
export type InterruptionCause =
  /** Enough speech, where there are no transcripts. */
  | "speech"
  /** Words. */
  | "words"
  /** The reply had been paused for too long. */
  | "hold-expired"
  /** The application. */
  | "request";

/** Why speech or words over a reply were left out of account. */
export type OverlapDropReason =
  /** Too little speech, and no words that say otherwise. */
  | "too-short"
  /** Words that show attention. */
  | "backchannel"
  /** The reply must not be interrupted. */
  | "uninterruptible"
  /** It was the rest of a turn that had become too long, or whose end was asked for. */
  | "turn-already-ended"
  /** The words are the reply's own. */
  | "echo"
  /** Words in the first moments of the first reply. */
  | "echo-guard";

/** What becomes of a reply. */
export type ReplyStep =
  /** It may be heard: an eager one whose turn has ended, or one that was held. */
  | "reply-released"
  /** It must not begin to be heard for now: the user may be going on. */
  | "reply-held"
  /** Its first sound has gone out. */
  | "reply-audible"
  /** It went silent, reversibly. */
  | "reply-paused"
  /** A false alarm: it goes on where it paused. */
  | "reply-resumed"
  /** Its generator has ended, and its audio has been played. */
  | "reply-finished"
  /** Its generator threw. */
  | "reply-failed";

/** What happened; times are the clock's, in milliseconds. */
export type TurnEvent = { readonly at: number } & (
  | {
      /** Enough speech to be somebody speaking; `onsetAt` is when its first window began. */
      readonly type: "speech-started";
      readonly onsetAt: number;
    }
  | {
      /** It has been followed by a short silence; `endedAt` is the end of its last window. */
      readonly type: "speech-stopped";
      readonly endedAt: number;
    }
  | {
      /** A new turn of the user's; its audio begins with the pre-roll before `onsetAt`. */
      readonly type: "turn-started";
      readonly key: TurnKey;
      readonly onsetAt: number;
    }
  | {
      /** A model answered in time to matter. */
      readonly type: "end-of-turn-predicted";
      readonly key: TurnKey;
      readonly probability: number;
    }
  | {
      /** A model was too slow, or failed. */
      readonly type: "model-failed";
      readonly key: TurnKey;
      readonly cause: "timeout" | "error";
    }
  | {
      /** The model failed three times in a row: warn; from now on the fixed silence holds. */
      readonly type: "model-gave-up";
    }
  | {
      /** The model that had given up has answered in time again. */
      readonly type: "model-recovered";
    }
  | {
      /** The user has finished; `speechEndedAt` is when the last speech was. */
      readonly type: "turn-ended";
      readonly key: TurnKey;
      readonly speechEndedAt: number;
      readonly cause: TurnEndCause;
      /** The turn's words, where there are transcripts. */
      readonly text: string;
    }
  | {
      /** The user went on before the reply to the turn was audible; `key` is the new one. */
      readonly type: "turn-reopened";
      readonly key: TurnKey;
    }
  | {
      /** A turn without words, where there are transcripts; it is not answered. */
      readonly type: "turn-dropped";
      readonly key: TurnKey;
    }
  | {
      /** A reply begins; an eager one in silence. */
      readonly type: "reply-started";
      readonly key: TurnKey;
      readonly eager: boolean;
    }
  | {
      [Step in ReplyStep]: { readonly type: Step; readonly key: TurnKey };
    }[ReplyStep]
  | {
      /** It was stopped before it was audible. */
      readonly type: "reply-discarded";
      readonly key: TurnKey;
      readonly reason: StopReason;
    }
  | {
      /** It was stopped for good by the user, or by a request. */
      readonly type: "reply-interrupted";
      readonly key: TurnKey;
      readonly cause: InterruptionCause;
    }
  | {
      /** What the user said over a reply is of no consequence; its audio can go. */
      readonly type: "overlap-dropped";
      readonly reason: OverlapDropReason;
      /** Its final words, where there are transcripts. */
      readonly text: string;
    }
);

/** {@link TurnEvent} without its time. */
export type TurnEventDetails = TurnEvent extends infer Event
  ? Event extends TurnEvent
    ? Omit<Event, "at">
    : never
  : never;

/** How {@link TurnTakingHost.startReply} is to start a reply. */
export interface StartReplyCall {
  /** Whether the turn has not ended yet, so that nothing may be heard. */
  readonly eager: boolean;
  /** The turn's words, where there are transcripts; else empty. */
  readonly text: string;
}

/**
 * What `TurnTaking` works with. Calls come from within its own methods and timers; a host may
 * call back at once, which is then taken up after the present step. It must not throw.
 */
export interface TurnTakingHost {
  /** Ask the end-of-turn model about the turn so far; give up on an earlier question. */
  predict(key: TurnKey): void;
  /**
   * Start the reply to a turn. The output of an eager one must wait for
   * {@link TurnTakingHost.releaseReply}.
   */
  startReply(key: TurnKey, call: StartReplyCall): void;
  /** Let the output of the eager reply go. */
  releaseReply(): void;
  /** Keep the reply silent, from the next packet on, without losing any of it. */
  holdReply(): void;
  /** Go on where {@link TurnTakingHost.holdReply} stopped. */
  resumeReply(): void;
  /** Abort the reply and drop what has not been heard of it. */
  stopReply(reason: StopReason): void;
  /** Take note of something that happened; for logs, traces and the buffering of audio. */
  turnEvent(event: TurnEvent): void;
}
