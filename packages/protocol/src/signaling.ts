/** What goes over `POST {path}/webrtc/offer`. */

/** A client's offer. */
export interface OfferRequest {
  readonly type: "offer";
  readonly sdp: string;
  /** Chosen by the client; names the session everywhere. */
  readonly webrtc_id: string;
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
}

/** What a client may post. */
export type SignalingRequest = OfferRequest | CandidateRequest;

/** The server's answer to an offer. */
export interface AnswerResponse {
  readonly type: "answer";
  readonly sdp: string;
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
    /** With `invalid_request`: what is wrong with the inputs, field by field. */
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
