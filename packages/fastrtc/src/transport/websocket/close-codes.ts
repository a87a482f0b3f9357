import type { SignalingErrorCode } from "@fastrtc/protocol";

/**
 * Why this side closes a WebSocket. Those of RFC 6455 section 7.4.1 mean what they mean there;
 * 4400 and above are 4000 plus the HTTP status that says the same.
 */
export const CloseCode = {
  /** The session has ended in good order. */
  normal: 1000,
  /** The server is closing. */
  goingAway: 1001,
  /** A message is longer than is taken. */
  messageTooBig: 1009,
  /** Something went wrong on the server. */
  internalError: 1011,
  /** No further session may begin now, or the client reads slower than it is sent to. */
  tryAgainLater: 1013,
  /** What the client sent cannot follow what it sent before, or cannot be read. */
  badMessage: 4400,
  /** The application does not want to know the client, or the token is not the session's. */
  notAuthorized: 4401,
  /** Nothing came for too long: no `start`, or no life sign at all. */
  timeout: 4408,
  /** A session of this id lives already. */
  conflict: 4409,
  /** The session has ended. */
  gone: 4410,
  /** `start` does not fit what the stream expects. */
  invalidRequest: 4422,
} as const;

const OF_REFUSALS = {
  concurrency_limit_reached: CloseCode.tryAgainLater,
  connection_already_exists: CloseCode.conflict,
  unknown_connection: CloseCode.gone,
  invalid_candidate_format: CloseCode.badMessage,
  connection_closed: CloseCode.gone,
  invalid_request: CloseCode.invalidRequest,
  invalid_offer: CloseCode.invalidRequest,
  not_authorized: CloseCode.notAuthorized,
  server_closing: CloseCode.goingAway,
  unavailable: CloseCode.tryAgainLater,
  internal_error: CloseCode.internalError,
} as const satisfies Record<SignalingErrorCode, number>;

/** Returns the close code that says the same as a refusal. */
export function closeCodeOf(error: SignalingErrorCode): number {
  return OF_REFUSALS[error];
}
