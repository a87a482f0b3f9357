import type { ReplyProgress, TurnLog, TurnTrace, UserTranscript } from "@fastrtc/protocol";
import type { FastRTCClientError } from "./client-error.ts";

/** Where a session stands. */
export type ClientState =
  | "idle"
  | "requesting-microphone"
  | "connecting"
  | "connected"
  /** Nothing comes through right now; a new path is being sought. */
  | "reconnecting"
  /** Over, without a fault. */
  | "closed"
  /** Over, with a fault: see `error`. */
  | "failed";

/** A step from one {@link ClientState} to the next. */
export interface StateChange {
  readonly state: ClientState;
  readonly previous: ClientState;
  /**
   * With `connected`, after `connect()` and after a loss: whether an earlier session goes on. Left
   * out when the path merely came back.
   */
  readonly resumed?: boolean;
  /** With `closed`: who ended it. */
  readonly closedBy?: "client" | "server";
  /** A sentence for people, where there is something to say. */
  readonly reason?: string;
  /** With `failed`: why. */
  readonly error?: FastRTCClientError;
}

/** What a {@link FastRTCClient} tells, by event name. */
export interface ClientEvents {
  "state-changed": StateChange;
  /** An earlier session goes on: its context and memory are the same, on a new path. */
  resumed: { readonly webrtcId: string };
  /** A moment of a turn. */
  "turn-log": TurnLog;
  /** When what happened in a turn; again when more is known. Not from FastRTC's own servers. */
  "turn-traced": TurnTrace;
  /** A reply begins, says its words, ends or is stopped. Not from FastRTC's own servers. */
  reply: ReplyProgress;
  /** What the user has said, where the server recognises it; again when more is known. */
  transcript: UserTranscript;
  /** The values of one `AdditionalOutputs`. */
  output: readonly unknown[];
  /** What the handler sent, whatever it is. */
  message: unknown;
  /** The stop word was heard. */
  "stop-word-heard": undefined;
  /** Something went wrong. With `reported-by-server` and `inputs-rejected` the session goes on. */
  error: FastRTCClientError;
  /** Something may be wrong; a sentence for people. */
  warning: string;
  /** The browser plays only after a click: call `resumePlayback()` from one. */
  "playback-blocked": undefined;
  /** The server's audio is there, for whoever wants to draw or record it. */
  "stream-received": MediaStream;
}
