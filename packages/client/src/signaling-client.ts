import type { AnswerResponse, CandidateRequest, OfferRequest } from "@fastrtc/protocol";
import { FastRTCClientError } from "./client-error.ts";
import type { Endpoint } from "./endpoint.ts";
import { throwIfRefused } from "./refusal.ts";
import { takeAnswer, tokenField, type SessionClaim } from "./session-claim.ts";

const ROUTE = "/webrtc/offer";

/** Carries one session's offers and candidates to the server. */
export class SignalingClient {
  readonly #endpoint: Endpoint;
  readonly #claim: SessionClaim;

  /**
   * @param endpoint - The server.
   * @param claim - What is said of the session; each answer is noted in it.
   */
  constructor(endpoint: Endpoint, claim: SessionClaim) {
    this.#endpoint = endpoint;
    this.#claim = claim;
  }

  /** Whether the server lets a session that lost its path go on. */
  get canResume(): boolean {
    return this.#claim.sessionToken !== undefined;
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
    const { webrtcId, params } = this.#claim;
    const request: OfferRequest = {
      type: "offer",
      sdp,
      webrtc_id: webrtcId,
      ...(params === undefined ? {} : { params }),
      ...tokenField(this.#claim),
    };
    const reply = await this.#endpoint.post(ROUTE, request, signal);
    throwIfRefused(reply, this.#endpoint.name(ROUTE));
    if (!isAnswer(reply.body)) {
      throw new FastRTCClientError(
        "refused",
        `What answers at ${this.#endpoint.name(ROUTE)} does not speak FastRTC's protocol. Check \`url\`.`,
        { status: reply.response.status },
      );
    }
    takeAnswer(this.#claim, reply.body);
    return reply.body.sdp;
  }

  /**
   * Sends a candidate that was found after the offer; the offer's answer must be there, because its
   * token goes along.
   *
   * @param candidate - The candidate; an empty line means that there are no more.
   * @param signal - Gives up.
   * @throws {@link FastRTCClientError} when the server refuses it or cannot be reached.
   */
  async candidate(candidate: CandidateRequest["candidate"], signal: AbortSignal): Promise<void> {
    const request: CandidateRequest = {
      type: "ice-candidate",
      candidate,
      webrtc_id: this.#claim.webrtcId,
      ...tokenField(this.#claim),
    };
    const reply = await this.#endpoint.post(ROUTE, request, signal);
    throwIfRefused(reply, this.#endpoint.name(ROUTE));
  }
}

function isAnswer(body: unknown): body is AnswerResponse {
  return typeof body === "object" && body !== null && "sdp" in body && typeof body.sdp === "string";
}
