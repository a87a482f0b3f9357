/**
 * Offers and candidates in, sessions out: the server's side of `POST {path}/webrtc/offer`.
 *
 * An offer is checked before anything is allocated, its place is taken before anything is awaited,
 * and whatever fails afterwards gives the place back.
 */

import type { AnswerResponse, CandidateRequest, OfferRequest } from "@fastrtc/protocol";

import { opusPacketDurationSamples } from "../codec/opus-packet.ts";
import { NegotiationError } from "../errors.ts";
import type { Clock } from "../media/clock.ts";
import type { RtcBackend, RtcPeerOptions } from "../transport/webrtc/backend.ts";
import { offerOrigin } from "../transport/webrtc/offer-origin.ts";
import { inspectOffer } from "../transport/webrtc/offer.ts";
import { WebRtcTransport } from "../transport/webrtc/webrtc-transport.ts";
import type { SessionRequest } from "./context.ts";
import type { SessionRegistry } from "./session-registry.ts";
import { Session } from "./session.ts";
import type { SessionOptions } from "./session.ts";

/** How long a candidate that overtook its offer waits for it, in milliseconds. */
const EARLY_CANDIDATE_MS = 2000;
/** How many such candidates may wait; further ones are told that the session is unknown. */
const MAX_EARLY_CANDIDATES = 256;

/** What every session of a stream has in common. */
export type SessionTemplate = Omit<
  SessionOptions,
  "webrtcId" | "request" | "transport" | "initialInputs" | "onClosed"
>;

/** What {@link WebRtcSignaling} works with. */
export interface WebRtcSignalingOptions {
  readonly backend: RtcBackend;
  readonly registry: SessionRegistry;
  readonly template: SessionTemplate;
  readonly clock: Clock;
}

/** One offer, with what the stream knows about it. */
export interface IncomingOffer {
  readonly body: OfferRequest;
  readonly request: SessionRequest;
  readonly peer: RtcPeerOptions;
  readonly initialInputs: unknown;
}

interface Negotiation {
  readonly transport: WebRtcTransport;
  readonly origin: string;
}

/** Answers offers and takes candidates. */
export class WebRtcSignaling {
  readonly #options: WebRtcSignalingOptions;
  readonly #negotiations = new Map<string, Negotiation>();
  readonly #early = new Set<() => void>();

  constructor(options: WebRtcSignalingOptions) {
    this.#options = options;
  }

  /**
   * Begins a session, or restarts the ICE of the one that the same client began.
   *
   * @throws {@link NegotiationError} when the offer cannot be answered, or its id is taken.
   * @throws {@link SessionLimitError} when no further session may begin.
   */
  async offer(offer: IncomingOffer): Promise<AnswerResponse> {
    const { webrtc_id: webrtcId, sdp } = offer.body;
    inspectOffer(sdp, { allowExtraTracks: offer.peer.allowExtraTracks ?? false });
    const earlier = this.#negotiations.get(webrtcId);
    if (earlier?.origin === offerOrigin(sdp)) {
      return { type: "answer", sdp: await earlier.transport.answer(sdp) };
    }
    const session = this.#begin(offer);
    try {
      return { type: "answer", sdp: await session.transport.answer(sdp) };
    } catch (error) {
      await session.transport.close();
      throw error;
    }
  }

  /**
   * Adds a candidate; one that overtook its offer waits for it.
   *
   * @throws {@link NegotiationError} when there is no such session, or the candidate is malformed.
   */
  async addCandidate({ webrtc_id: webrtcId, candidate }: CandidateRequest): Promise<void> {
    let negotiation = this.#negotiations.get(webrtcId);
    if (!negotiation && !this.#options.registry.hasEnded(webrtcId)) {
      await this.#offerOf(webrtcId);
      negotiation = this.#negotiations.get(webrtcId);
    }
    if (!negotiation) {
      this.#options.registry.require(webrtcId);
      return;
    }
    await negotiation.transport.addCandidate(
      candidate.candidate,
      candidate.sdpMid ?? null,
      candidate.sdpMLineIndex ?? null,
    );
  }

  #begin(offer: IncomingOffer): { readonly transport: WebRtcTransport } {
    const { backend, registry, template, clock } = this.#options;
    const { webrtc_id: webrtcId, sdp } = offer.body;
    const reservation = registry.reserve(webrtcId);
    let transport: WebRtcTransport | undefined;
    try {
      transport = new WebRtcTransport({
        backend,
        peer: offer.peer,
        durationOf: (payload) => opusPacketDurationSamples(payload, 48_000),
        clock,
      });
      const session = new Session({
        ...template,
        webrtcId,
        request: offer.request,
        transport,
        initialInputs: offer.initialInputs,
        onClosed: () => {
          this.#negotiations.delete(webrtcId);
          reservation.release();
        },
      });
      reservation.fill(session);
      session.open();
    } catch (error) {
      reservation.release();
      void transport?.close();
      throw error;
    }
    this.#negotiations.set(webrtcId, { transport, origin: offerOrigin(sdp) });
    for (const look of this.#early) look();
    return { transport };
  }

  // Resolves when the offer is there, or has not come in time.
  #offerOf(webrtcId: string): Promise<void> {
    if (this.#early.size >= MAX_EARLY_CANDIDATES) {
      throw new NegotiationError("No session has this webrtc_id.", {
        reason: "unknown_connection",
      });
    }
    return new Promise((resolve) => {
      const done = (): void => {
        this.#early.delete(look);
        timer.cancel();
        resolve();
      };
      const look = (): void => {
        if (this.#negotiations.has(webrtcId)) done();
      };
      const timer = this.#options.clock.setTimeout(done, EARLY_CANDIDATE_MS);
      this.#early.add(look);
    });
  }
}
