/** What goes over `POST {path}/webrtc/offer`. */

/** A client's offer. */
export interface OfferRequest {
  readonly type: "offer";
  readonly sdp: string;
  /** Chosen by the client; names the session everywhere. */
  readonly webrtc_id: string;
  /** The session's parameters, as the server's `params` schema describes them. */
  readonly params?: unknown;
  /** The token of an earlier answer: resumes the session of that id. */
  readonly session_token?: string;
}

/** A candidate that the client found after its offer. */
export interface CandidateRequest {
  readonly type: "ice-candidate";
  readonly webrtc_id: string;
  readonly candidate: {
    /** The `candidate:` line; empty when there are no more. */
    readonly candidate: string;
    readonly sdpMid?: string | null;
    readonly sdpMLineIndex?: number | null;
    readonly usernameFragment?: string | null;
  };
  /** The token of the answer; servers that authenticate their callers want it. */
  readonly session_token?: string;
}

/** What a client may post. */
export type SignalingRequest = OfferRequest | CandidateRequest;

/** The server's answer to an offer. */
export interface AnswerResponse {
  readonly type: "answer";
  readonly sdp: string;
  /**
   * Proves later requests for this session, and resumes it after a loss. FastRTC's servers send
   * none.
   */
  readonly session_token?: string;
  /** Whether an earlier session of this id goes on. */
  readonly resumed?: boolean;
}

/** Why a request was refused; FastRTC's words, which its clients read. */
export type SignalingErrorCode =
  | "concurrency_limit_reached"
  | "connection_already_exists"
  | "unknown_connection"
  | "invalid_candidate_format"
  | "connection_closed"
  | "invalid_request"
  | "invalid_offer"
  | "not_authorized"
  | "server_closing"
  | "unavailable"
  | "internal_error";

/** A refusal, whatever its HTTP status. */
export interface FailureResponse {
  readonly status: "failed";
  readonly meta: {
    readonly error: SignalingErrorCode;
    /** With `concurrency_limit_reached`: how many sessions may live at the same time. */
    readonly limit?: number;
    /** A sentence for developers. */
    readonly message?: string;
    /** With `invalid_request`: what is wrong with the inputs or parameters, field by field. */
    readonly issues?: readonly { readonly path: string; readonly message: string }[];
  };
}

/** What the server may answer to {@link SignalingRequest}. */
export type SignalingResponse = AnswerResponse | { readonly status: "success" } | FailureResponse;

/** Tells a refusal from every other answer. */
export function isFailure(value: unknown): value is FailureResponse {
  return (
    typeof value === "object" && value !== null && "status" in value && value.status === "failed"
  );
}
