import type { CandidateRequest, SignalingRequest } from "@fastrtc/protocol";
import { RefusedRequest } from "./failure.ts";
import { tooLarge } from "./json-body.ts";

/** The longest SDP that is looked at, in characters; browsers' offers have 2,000 to 10,000. */
const MAX_SDP_LENGTH = 65_536;

const MAX_ID_LENGTH = 128;
// RFC 8839 section 5.1 bounds none of a candidate's parts, but real ones stay below 300 characters.
const MAX_CANDIDATE_LENGTH = 1_024;

/**
 * Reads an offer or a candidate; keys that the protocol does not know are dropped.
 *
 * @param body - The JSON object that the client posted.
 */
export function parseSignalingRequest(body: Readonly<Record<string, unknown>>): SignalingRequest {
  const { type } = body;
  if (type !== "offer" && type !== "ice-candidate") {
    throw invalid('"type" must be "offer" or "ice-candidate".');
  }
  const webrtcId = parseWebrtcId(body["webrtc_id"]);
  if (type === "ice-candidate") {
    return { type, webrtc_id: webrtcId, candidate: parseCandidate(body["candidate"]) };
  }
  const { sdp } = body;
  if (typeof sdp !== "string" || sdp === "") throw invalid('"sdp" must be the offer\'s SDP.');
  if (sdp.length > MAX_SDP_LENGTH) throw tooLarge(MAX_SDP_LENGTH);
  return { type, sdp, webrtc_id: webrtcId };
}

/**
 * Checks a session's name: 1 to 128 characters, none of them a control character, because it
 * goes into log lines and keys of stores.
 */
export function parseWebrtcId(value: unknown): string {
  if (typeof value !== "string" || value === "" || value.length > MAX_ID_LENGTH) {
    throw invalid(`"webrtc_id" must be a string of 1 to ${MAX_ID_LENGTH} characters.`);
  }
  if (/\p{Cc}/u.test(value)) throw invalid('"webrtc_id" must not contain control characters.');
  return value;
}

function parseCandidate(value: unknown): CandidateRequest["candidate"] {
  // Some clients post the null with which `onicecandidate` says that there are no more.
  if (value === null) return { candidate: "" };
  if (typeof value !== "object") throw invalidCandidate();
  const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = value as Record<string, unknown>;
  if (typeof candidate !== "string" || candidate.length > MAX_CANDIDATE_LENGTH) {
    throw invalidCandidate();
  }
  return {
    candidate,
    ...(isShortText(sdpMid) ? { sdpMid } : {}),
    ...(isLineIndex(sdpMLineIndex) ? { sdpMLineIndex } : {}),
    ...(isShortText(usernameFragment) ? { usernameFragment } : {}),
  };
}

function isShortText(value: unknown): value is string | null {
  if (value === undefined) return false;
  if (value === null) return true;
  if (typeof value === "string" && value.length <= MAX_CANDIDATE_LENGTH) return true;
  throw invalidCandidate();
}

function isLineIndex(value: unknown): value is number | null {
  if (value === undefined) return false;
  if (value === null) return true;
  // W3C: an unsigned short.
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff) return true;
  throw invalidCandidate();
}

function invalid(message: string): RefusedRequest {
  return new RefusedRequest(422, "invalid_request", message);
}

function invalidCandidate(): RefusedRequest {
  return new RefusedRequest(
    400,
    "invalid_candidate_format",
    '"candidate" must be a W3C RTCIceCandidateInit.',
  );
}
