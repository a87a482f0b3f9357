/**
 * Offers and candidates in, sessions out: the server's side of `POST {path}/webrtc/offer`.
 *
 * An offer is checked before anything is allocated, and whatever fails afterwards is taken back.
 */

import type { AnswerResponse, CandidateRequest, OfferRequest } from "@fastrtc/protocol";

import { opusPacketDurationSamples } from "../../codec/opus-packet.ts";
import { NegotiationError } from "../../errors.ts";
import type { Clock } from "../../media/clock.ts";
import type { Transport } from "../../transport/transport.ts";
import type { RtcBackend, RtcPeerOptions } from "../../transport/webrtc/backend.ts";
import { offerOrigin } from "../../transport/webrtc/offer-origin.ts";
import { inspectOffer } from "../../transport/webrtc/offer.ts";
import { WebRtcTransport } from "../../transport/webrtc/webrtc-transport.ts";
import type { SessionAccess } from "../admission/session-access.ts";
import type { Arrival, SessionHost } from "../admission/session-host.ts";
import type { SessionRegistry } from "../admission/session-registry.ts";

/** How many candidates may wait for their offers; further ones are told that the session is unknown. */
const MAX_EARLY_CANDIDATES = 256;

/** What {@link WebRtcSignaling} works with. */
export interface WebRtcSignalingOptions {
  readonly backend: RtcBackend;
  readonly host: SessionHost;
  readonly registry: SessionRegistry;
  readonly access: SessionAccess;
  /**
   * Says how a peer connection is to be made.
   *
   * @param localAddress - Our address that the offer reached, where it is known.
   */
  readonly peerOptions: (localAddress: string | undefined) => Promise<RtcPeerOptions>;
  readonly clock: Clock;
}

/** One offer, and how it came. */
export interface IncomingOffer {
  readonly body: OfferRequest;
  readonly arrival: Arrival;
  /** Our address that it reached, where it is known. */
  readonly localAddress: string | undefined;
  /** Puts something around the transport of the session, such as another protocol of messages. */
  readonly wrap?: (transport: Transport) => Transport;
}

interface Negotiation {
  readonly transport: WebRtcTransport;
  readonly origin: string;
}

/** Answers offers and takes candidates. */
export class WebRtcSignaling {
  readonly #options: WebRtcSignalingOptions;
  readonly #negotiations = new Map<string, Negotiation>();
  readonly #early = new Set<(webrtcId: string) => void>();

  constructor(options: WebRtcSignalingOptions) {
    this.#options = options;
  }

  /**
   * Begins a session, or restarts the ICE of the one that the same client began.
   *
   * @throws {@link NegotiationError} when the offer cannot be answered, or its id is taken.
   * @throws {@link SessionLimitError} when no further session may begin.
   * @throws {@link AuthenticationError} when the application does not know the client, or the token
   * is not the session's.
   */
  async offer({ body, arrival, localAddress, wrap }: IncomingOffer): Promise<AnswerResponse> {
    const { host, access, peerOptions } = this.#options;
    const { webrtc_id: webrtcId, sdp, params, session_token: sessionToken } = body;
    const earlier = this.#negotiations.get(webrtcId);
    if (earlier?.origin === offerOrigin(sdp)) {
      access.require(webrtcId, { token: sessionToken });
      inspectOffer(sdp, { allowExtraTracks: false });
      return { type: "answer", sdp: await earlier.transport.answer(sdp) };
    }
    const identity = await host.identify(arrival, { webrtcId, sessionToken });
    const peer = await peerOptions(localAddress);
    inspectOffer(sdp, { allowExtraTracks: peer.allowExtraTracks ?? false });
    // Filled by the host, when nothing stands in the session's way any more.
    const made: { negotiation?: Negotiation } = {};
    const forget = (): void => {
      const { negotiation } = made;
      if (negotiation && this.#negotiations.get(webrtcId) === negotiation) {
        this.#negotiations.delete(webrtcId);
      }
    };
    try {
      const opened = await host.begin({
        identity,
        webrtcId,
        params,
        sessionToken,
        tellsToken: true,
        createTransport: () => {
          const transport = this.#createTransport(peer);
          made.negotiation = { transport, origin: offerOrigin(sdp) };
          this.#negotiations.set(webrtcId, made.negotiation);
          return wrap ? wrap(transport) : transport;
        },
        onClosed: forget,
      });
      for (const look of this.#early) look(webrtcId);
      return {
        type: "answer",
        sdp: (await made.negotiation?.transport.answer(sdp)) ?? "",
        session_token: opened.sessionToken,
        ...(opened.resumed ? { resumed: true } : {}),
      };
    } catch (error) {
      forget();
      await made.negotiation?.transport.close();
      throw error;
    }
  }

  /**
   * Adds a candidate.
   *
   * @throws {@link NegotiationError} when there is no such session, or the candidate is malformed.
   * @throws {@link AuthenticationError} when the token is not the session's.
   */
  async addCandidate(body: CandidateRequest): Promise<void> {
    const { webrtc_id: webrtcId, candidate, session_token: token } = body;
    this.#options.access.require(webrtcId, { token });
    await this.#negotiations
      .get(webrtcId)
      ?.transport.addCandidate(
        candidate.candidate,
        candidate.sdpMid ?? null,
        candidate.sdpMLineIndex ?? null,
      );
  }

  /** Tells whether candidates of a session may come: its offer has been taken. */
  hasOffer(webrtcId: string): boolean {
    return this.#negotiations.has(webrtcId);
  }

  /**
   * Waits for the offer of a session, whose candidate has overtaken it. Resolves when it is there,
   * or has not come in time.
   *
   * @throws {@link NegotiationError} when too many wait already.
   */
  async expectOffer(webrtcId: string, waitMs: number): Promise<void> {
    if (this.hasOffer(webrtcId)) return;
    if (this.#early.size >= MAX_EARLY_CANDIDATES) {
      throw new NegotiationError("No session has this webrtc_id.", {
        reason: "unknown_connection",
      });
    }
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#early.delete(look);
        timer.cancel();
        resolve();
      };
      const look = (offered: string): void => {
        if (offered === webrtcId) done();
      };
      const timer = this.#options.clock.setTimeout(done, waitMs);
      this.#early.add(look);
    });
  }

  #createTransport(peer: RtcPeerOptions): WebRtcTransport {
    const { backend, clock } = this.#options;
    return new WebRtcTransport({
      backend,
      peer,
      durationOf: (payload) => opusPacketDurationSamples(payload, 48_000),
      clock,
    });
  }
}
