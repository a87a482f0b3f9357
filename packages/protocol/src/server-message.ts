/**
 * What a server says to a client, on the data channel or the WebSocket.
 *
 * Two shapes, as FastRTC has them: `{ type, data }`, and for errors and warnings `{ type, message }`.
 */

/** The moments of a turn that FastRTC's clients know. */
export type TurnLog = "started_talking" | "pause_detected" | "response_starting";

/** When what happened in one turn; milliseconds since the epoch by the server's clock. */
export interface TurnTrace {
  /** Counts the session's turns from 1; 0 is the start-up reply. */
  readonly index: number;
  readonly speechStartedAt?: number;
  readonly speechEndedAt?: number;
  /** The turn was taken to be over. */
  readonly endedAt?: number;
  readonly replyStartedAt?: number;
  readonly firstFrameAt?: number;
  readonly firstPacketAt?: number;
  /** The client heard the reply's first sound. */
  readonly firstAudibleAt?: number;
  readonly interruptedAt?: number;
}

/** Where a reply stands; not one of FastRTC's messages. */
export type ReplyProgress =
  /** It begins to be heard. */
  | { readonly phase: "started"; readonly index: number }
  /** The words of the audio that follows. */
  | { readonly phase: "text"; readonly index: number; readonly text: string }
  /** All of it has been sent. */
  | { readonly phase: "finished"; readonly index: number }
  /** It was stopped; `heardText` is what the user heard of its words, as far as it is known. */
  | { readonly phase: "interrupted"; readonly index: number; readonly heardText: string };

/** What the user has said, as it was recognised; not one of FastRTC's messages. */
export interface UserTranscript {
  /** Which turn of the session, from 1. */
  readonly index: number;
  readonly text: string;
  /** Whether the turn is over; until then the text may change. */
  readonly isFinal: boolean;
}

/** One message from server to client. */
export type ServerMessage =
  /** The handler waits for inputs of this turn. */
  | { readonly type: "send_input"; readonly data: readonly unknown[] }
  /** Additional outputs are there to fetch; `data` is empty for FastRTC's clients. */
  | { readonly type: "fetch_output"; readonly data: readonly unknown[] }
  /** The stop word was heard. */
  | { readonly type: "stopword"; readonly data: string }
  /** The handler ended the stream. */
  | { readonly type: "end_stream"; readonly data: string }
  /** The session is over. */
  | { readonly type: "update_connection"; readonly data: "closed" }
  /** A moment of a turn ({@link TurnLog}), or the echo of a client's text. */
  | { readonly type: "log"; readonly data: string }
  /** How long each step of a turn took; not one of FastRTC's. */
  | { readonly type: "turn"; readonly data: TurnTrace }
  /** A reply begins, speaks, ends; not one of FastRTC's. `index` counts as in {@link TurnTrace}. */
  | { readonly type: "reply"; readonly data: ReplyProgress }
  /** What the user said; only where the server recognises it. Not one of FastRTC's. */
  | { readonly type: "transcript"; readonly data: UserTranscript }
  /** Whatever the handler sent. */
  | { readonly type: "message"; readonly data: unknown }
  /** Something went wrong; the text is meant for users. */
  | { readonly type: "error"; readonly message: string }
  /** Something may be wrong; the text is meant for users. */
  | { readonly type: "warning"; readonly message: string };

const TYPES = new Set<string>([
  "send_input",
  "fetch_output",
  "stopword",
  "end_stream",
  "update_connection",
  "log",
  "turn",
  "reply",
  "transcript",
  "message",
  "error",
  "warning",
]);

/** Writes a message as it goes on the wire. */
export function encodeServerMessage(message: ServerMessage): string {
  return JSON.stringify(message);
}

/**
 * Reads a message from the wire.
 *
 * @param text - One message of the data channel or the WebSocket.
 * @returns undefined for anything that is not a message of this protocol.
 */
export function parseServerMessage(text: string): ServerMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("type" in value)) return undefined;
  const { type } = value;
  if (typeof type !== "string" || !TYPES.has(type)) return undefined;
  if (type === "error" || type === "warning") {
    return "message" in value && typeof value.message === "string"
      ? { type, message: value.message }
      : undefined;
  }
  return "data" in value ? (value as ServerMessage) : undefined;
}
