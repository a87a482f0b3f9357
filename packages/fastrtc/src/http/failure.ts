import type { FailureResponse, SignalingErrorCode } from "@fastrtc/protocol";
import { isFastRTCError } from "../errors.ts";
import type {
  FastRTCError,
  NegotiationError,
  NegotiationErrorReason,
  SessionLimitError,
} from "../errors.ts";

/** A request that the router itself refuses, before the service sees it. */
export class RefusedRequest extends Error {
  override readonly name = "RefusedRequest";
  readonly status: number;
  readonly reason: SignalingErrorCode;

  /**
   * @param message - A sentence for the developer of the client; goes on the wire, so it must not
   * quote anything secret.
   */
  constructor(status: number, reason: SignalingErrorCode, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

const SENTENCES = {
  connection_already_exists: "A session with this webrtc_id exists already.",
  unknown_connection: "No session has this webrtc_id.",
  invalid_candidate_format: "The candidate cannot be read.",
  connection_closed: "The session has ended.",
  invalid_request: "The request does not fit what this stream expects.",
  invalid_offer: "The offer cannot be answered.",
  server_closing: "The server is closing.",
  unavailable: "The server cannot take sessions at the moment.",
} as const satisfies Record<NegotiationErrorReason, string>;

// Of server_closing and unavailable: another server, or the same one, will answer soon.
const RETRY_SECONDS = 5;

/**
 * Turns what a route threw into the protocol's refusal.
 *
 * Only codes, fixed sentences and what the schema says of the client's own inputs leave: an error's
 * message may name files, keys or other users.
 */
export function failureOf(error: unknown): Response {
  if (error instanceof RefusedRequest) {
    return refuse(error.status, error.reason, { message: error.message });
  }
  // By code and not by class: two copies of the package may be loaded.
  if (!isFastRTCError(error)) return internalError();
  switch (error.code) {
    case "NEGOTIATION": {
      const { reason, status, issues } = error as FastRTCError &
        Pick<NegotiationError, "reason" | "status" | "issues">;
      return refuse(
        status,
        reason,
        { message: SENTENCES[reason], ...(issues.length > 0 ? { issues } : {}) },
        status === 503 ? { "retry-after": String(RETRY_SECONDS) } : {},
      );
    }
    case "SESSION_LIMIT": {
      const { limit, retryAfterSeconds } = error as FastRTCError &
        Pick<SessionLimitError, "limit" | "retryAfterSeconds">;
      return refuse(
        503,
        "concurrency_limit_reached",
        { limit, message: "Too many sessions live at the same time." },
        { "retry-after": String(Math.max(1, Math.ceil(retryAfterSeconds))) },
      );
    }
    case "AUTHENTICATION":
      // A 401 must name a scheme (RFC 9110 section 15.5.2); this one opens no browser dialog.
      return refuse(
        401,
        "not_authorized",
        { message: "Not authorized." },
        { "www-authenticate": "Bearer" },
      );
    case "INVALID_STATE":
      return refuse(
        503,
        "server_closing",
        { message: SENTENCES.server_closing },
        { "retry-after": String(RETRY_SECONDS) },
      );
    case "INVALID_OPTION":
    case "NO_CONTEXT":
    case "TRANSPORT":
    case "CODEC":
    case "HANDLER":
    case "TIMEOUT":
    case "MODEL":
      return internalError();
    // An error of another copy of the package may have a code that this one does not know.
    default:
      return internalError();
  }
}

/** Tells whether an error is the server's fault, so that its operator should read of it. */
export function isUnexpected(error: unknown): boolean {
  if (error instanceof RefusedRequest) return false;
  if (!isFastRTCError(error)) return true;
  return !["NEGOTIATION", "SESSION_LIMIT", "AUTHENTICATION"].includes(error.code);
}

/** Writes a JSON answer that no cache may keep. */
export function json(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
  });
}

function internalError(): Response {
  return refuse(500, "internal_error", { message: "Something went wrong on the server." });
}

function refuse(
  status: number,
  error: SignalingErrorCode,
  details: Omit<FailureResponse["meta"], "error">,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const failure: FailureResponse = { status: "failed", meta: { error, ...details } };
  return json(failure, status, headers);
}
