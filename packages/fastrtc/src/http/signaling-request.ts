import type { CandidateRequest, SignalingRequest } from "@fastrtc/protocol";
import { isSessionId, MAX_SESSION_ID_LENGTH } from "../transport/session-id.ts";
import { RefusedRequest } from "./failure.ts";
import { tooLarge } from "./json-body.ts";

/** The longest SDP that is looked at, in characters; browsers' offers have 2,000 to 10,000. */
const MAX_SDP_LENGTH = 65_536;

/** 32 bytes are 43 characters of base64url; room is left for servers that give longer ones. */
const TOKEN = /^[\w-]{1,128}$/;
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
  const token = parseSessionToken(body["session_token"]);
  const proof = token === undefined ? {} : { session_token: token };
  if (type === "ice-candidate") {
    return { type, webrtc_id: webrtcId, candidate: parseCandidate(body["candidate"]), ...proof };
  }
  const { sdp } = body;
  if (typeof sdp !== "string" || sdp === "") throw invalid('"sdp" must be the offer\'s SDP.');
  if (sdp.length > MAX_SDP_LENGTH) throw tooLarge(MAX_SDP_LENGTH);
  const { params } = body;
  return { type, sdp, webrtc_id: webrtcId, ...(params === undefined ? {} : { params }), ...proof };
}

/**
 * Checks the token that a client presents; whether it is the right one is not decided here.
 *
 * @returns undefined where none is presented.
 */
export function parseSessionToken(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string" && TOKEN.test(value)) return value;
  throw invalid('"session_token" must be the token that came with the answer.');
}

/** Checks a session's name, see {@link isSessionId}. */
export function parseWebrtcId(value: unknown): string {
  if (isSessionId(value)) return value;
  throw invalid(
    `"webrtc_id" must be a string of 1 to ${MAX_SESSION_ID_LENGTH} characters without control characters.`,
  );
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
