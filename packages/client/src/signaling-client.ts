import {
  isFailure,
  type AnswerResponse,
  type CandidateRequest,
  type OfferRequest,
} from "@fastrtc/protocol";
import { FastRTCClientError } from "./client-error.ts";
import type { Endpoint, JsonReply } from "./endpoint.ts";

const ROUTE = "/webrtc/offer";

/** Carries one session's offer and candidates to the server. */
export class SignalingClient {
  readonly #endpoint: Endpoint;
  readonly #webrtcId: string;

  /**
   * @param endpoint - The server.
   * @param webrtcId - The session's name, on every request.
   */
  constructor(endpoint: Endpoint, webrtcId: string) {
    this.#endpoint = endpoint;
    this.#webrtcId = webrtcId;
  }

  /**
   * Sends an offer.
   *
   * @param sdp - The offer.
   * @param signal - Gives up.
   * @returns The answer's SDP.
   * @throws {@link FastRTCClientError} when the server refuses, cannot be reached or is none.
   */
  async offer(sdp: string, signal: AbortSignal): Promise<string> {
    const request: OfferRequest = { type: "offer", sdp, webrtc_id: this.#webrtcId };
    const reply = await this.#endpoint.post(ROUTE, request, signal);
    throwIfRefused(reply, this.#endpoint.url(ROUTE));
    if (!isAnswer(reply.body)) {
      throw new FastRTCClientError(
        "refused",
        `What answers at ${this.#endpoint.url(ROUTE)} does not speak FastRTC's protocol. Check \`url\`.`,
        { status: reply.response.status },
      );
    }
    return reply.body.sdp;
  }

  /**
   * Sends a candidate that was found after the offer.
   *
   * @param candidate - The candidate; an empty line means that there are no more.
   * @param signal - Gives up.
   * @throws {@link FastRTCClientError} when the server refuses it or cannot be reached.
   */
  async candidate(candidate: CandidateRequest["candidate"], signal: AbortSignal): Promise<void> {
    const request: CandidateRequest = {
      type: "ice-candidate",
      candidate,
      webrtc_id: this.#webrtcId,
    };
    const reply = await this.#endpoint.post(ROUTE, request, signal);
    throwIfRefused(reply, this.#endpoint.url(ROUTE));
  }
}

function isAnswer(body: unknown): body is AnswerResponse {
  return typeof body === "object" && body !== null && "sdp" in body && typeof body.sdp === "string";
}

function throwIfRefused({ response, body }: JsonReply, url: string): void {
  const status = response.status;
  if (isFailure(body)) {
    // Python's FastRTC refuses with HTTP 200 and may leave out all but the code.
    const meta = (body as { meta?: Partial<typeof body.meta> }).meta ?? {};
    const signalingError = meta.error;
    const retryAfterSeconds = readRetryAfter(response.headers.get("retry-after"));
    const details = {
      status,
      ...(signalingError === undefined ? {} : { signalingError }),
      ...(meta.limit === undefined ? {} : { limit: meta.limit }),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    };
    switch (signalingError) {
      case "concurrency_limit_reached":
        throw new FastRTCClientError(
          "limit-reached",
          meta.limit === undefined
            ? "The server is busy. Try again in a moment."
            : `The server is busy: it takes ${meta.limit} ${meta.limit === 1 ? "session" : "sessions"} at a time. Try again in a moment.`,
          details,
        );
      case "connection_already_exists":
        throw new FastRTCClientError(
          "already-exists",
          "A session with this webrtcId lives already. Leave `webrtcId` out to get a fresh one each time.",
          details,
        );
      case "not_authorized":
        throw new FastRTCClientError("refused", "The server wants you to sign in first.", details);
      case "server_closing":
        throw new FastRTCClientError(
          "refused",
          "The server is shutting down. Try again in a moment.",
          details,
        );
      case undefined:
      case "unknown_connection":
      case "invalid_candidate_format":
      case "connection_closed":
      case "invalid_request":
      case "invalid_offer":
      case "internal_error":
      default:
        throw new FastRTCClientError(
          "refused",
          meta.message ?? `The server refused: ${signalingError ?? "no reason given"}.`,
          details,
        );
    }
  }
  if (response.ok) return;
  throw new FastRTCClientError(
    "refused",
    status === 404
      ? `There is no FastRTC server at ${url}. Check \`url\` and the mount path.`
      : `The server refused with HTTP ${status} at ${url}.`,
    { status },
  );
}

/** Reads both forms: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function readRetryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - Date.now()) / 1000));
}
