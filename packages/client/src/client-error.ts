import type { SignalingErrorCode } from "@fastrtc/protocol";

/** Names what went wrong, for programs. */
export type FastRTCClientErrorCode =
  /** The user or the browser's settings refused the microphone. */
  | "microphone-denied"
  /** There is no microphone, or another program holds it. */
  | "microphone-missing"
  /** The page is neither on https nor on localhost, so that browsers give it no microphone. */
  | "insecure-context"
  /** All sessions of the server are taken: see `limit` and `retryAfterSeconds`. */
  | "limit-reached"
  /** A session with this `webrtcId` lives already. */
  | "already-exists"
  /** The server does not know who this is, or does not let them in. */
  | "not-authorized"
  /** The server does not accept the session's parameters: see `issues`. */
  | "params-rejected"
  /** The server said no: see `signalingError` and `status`. */
  | "refused"
  /** The server could not be reached over HTTP. */
  | "network"
  /** HTTP works, but no path for media was found, or it was lost. */
  | "ice-failed"
  /** The path was lost, and none was found again in time. */
  | "connection-lost"
  /** The server does not go on with a session of before: see `cause`. */
  | "resume-refused"
  /** The server ended the session. */
  | "closed-by-server"
  /** The handler reported an error; the session goes on. */
  | "reported-by-server"
  /** The server does not accept these inputs: see `issues`. */
  | "inputs-rejected"
  /** This needs a connected session. */
  | "not-connected"
  /** This browser, or this client, cannot do that. */
  | "unsupported";

/** What is wrong with one input, or one parameter. */
export interface InputIssue {
  /** Its name; members of members after dots; empty for all of them together. */
  readonly path: string;
  readonly message: string;
}

/** What a {@link FastRTCClientError} can carry besides its message. */
export interface FastRTCClientErrorDetails {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** HTTP status of the refusal. */
  readonly status?: number;
  /** The server's own code. */
  readonly signalingError?: SignalingErrorCode;
  /** How many sessions the server takes. */
  readonly limit?: number;
  /** When to try again. */
  readonly retryAfterSeconds?: number;
  /** What is wrong with the inputs or parameters. */
  readonly issues?: readonly InputIssue[];
}

/** Every error of the client: `code` is for programs, `message` is a sentence for people. */
export class FastRTCClientError extends Error {
  override readonly name = "FastRTCClientError";
  /** What went wrong. */
  readonly code: FastRTCClientErrorCode;
  /** HTTP status of the refusal, where there was one. */
  readonly status: number | undefined;
  /** The server's own code, where it gave one. */
  readonly signalingError: SignalingErrorCode | undefined;
  /** With `limit-reached`: how many sessions the server takes. */
  readonly limit: number | undefined;
  /** When to try again, where the server said so. */
  readonly retryAfterSeconds: number | undefined;
  /** With `inputs-rejected` and `params-rejected`: what is wrong, field by field. */
  readonly issues: readonly InputIssue[];

  constructor(
    code: FastRTCClientErrorCode,
    message: string,
    details: FastRTCClientErrorDetails = {},
  ) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.status = details.status;
    this.signalingError = details.signalingError;
    this.limit = details.limit;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.issues = details.issues ?? [];
  }
}

/**
 * Turns whatever was caught into a {@link FastRTCClientError}.
 *
 * @param error - What was caught; returned as it is when it is one already.
 * @param code - What to call it otherwise.
 */
export function toClientError(error: unknown, code: FastRTCClientErrorCode): FastRTCClientError {
  if (error instanceof FastRTCClientError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new FastRTCClientError(code, message, { cause: error });
}
