/**
 * The WebRTC backend on werift.
 *
 * In go an SDP offer and remote candidates, out come the answer, RTP packets and texts. werift does ICE
 * and SCTP; DTLS and SRTP are our own, on node:crypto (see `dtls/` and `srtp.ts` for why). The WebRTC
 * transport is the only caller.
 */

import { randomInt, randomUUID } from "node:crypto";
import { InvalidStateError, NegotiationError } from "../../errors.ts";
import { systemClock, type Clock } from "../../media/clock.ts";
import { answerDirection, writeAnswer } from "./answer.ts";
import type {
  OutboundRtp,
  RtcBackend,
  RtcPeer,
  RtcPeerListener,
  RtcPeerOptions,
  RtcPeerState,
  RtcPeerStats,
} from "./backend.ts";
import { parseCandidate, type RemoteCandidate } from "./candidate.ts";
import { createDtlsCertificate, type DtlsCertificate } from "./dtls/certificate.ts";
import { DtlsServer } from "./dtls/dtls-server.ts";
import { inspectOffer, type InspectedOffer } from "./offer.ts";
import { MediaSession } from "./media-session.ts";
import { AEAD_AES128_GCM, AES128_CM_SHA1_80 } from "./srtp-cipher.ts";
import type { WeriftChannel } from "./werift-channel.ts";
import type { IceAgent } from "./werift-ice.ts";
import type * as weriftParts from "./werift-parts.ts";

/** Decides what a backend shares between its peers. */
export interface WeriftBackendOptions {
  /**
   * Where time comes from, except inside werift's ICE and SCTP.
   *
   * @defaultValue the process's own monotonic clock
   */
  readonly clock?: Clock;
}

// GCM first: one pass over the packet instead of two.
const SRTP_PROFILES = [AEAD_AES128_GCM, AES128_CM_SHA1_80];
/** Candidates that come before the offer. */
const MAX_EARLY_CANDIDATES = 30;

type WeriftParts = typeof weriftParts;

let loading: Promise<WeriftParts> | undefined;

// Not with the library: who imports it for its types, its command line or its tests need not wait.
function loadParts(): Promise<WeriftParts> {
  loading ??= import("./werift-parts.ts");
  return loading;
}

/** Makes the WebRTC backend. It begins to load werift, which the first offer then waits for. */
export function createWeriftBackend(options: WeriftBackendOptions = {}): RtcBackend {
  const { clock = systemClock } = options;
  // Whoever needs it learns why it cannot be loaded.
  loadParts().catch(() => undefined);
  let certificate: DtlsCertificate | undefined;
  return {
    name: "werift",
    createPeer(peerOptions, listener) {
      // One for all sessions: its fingerprint is public anyway, and a key costs a millisecond.
      certificate ??= createDtlsCertificate();
      return new WeriftPeer(peerOptions, listener, clock, certificate);
    },
  };
}

class WeriftPeer implements RtcPeer {
  readonly #options: RtcPeerOptions;
  readonly #listener: RtcPeerListener;
  readonly #clock: Clock;
  readonly #certificate: DtlsCertificate;
  readonly #sessionId = randomInt(1, 2 ** 47);
  readonly #cname = randomUUID();
  readonly #trackId = randomUUID();
  readonly #ssrc = randomInt(1, 0xffff_ffff);
  readonly #early: RemoteCandidate[] = [];
  #sessionVersion = 0;
  #state: RtcPeerState = "new";
  #offer: InspectedOffer | undefined;
  #ice: IceAgent | undefined;
  #dtls: DtlsServer | undefined;
  #media: MediaSession | undefined;
  #channel: WeriftChannel | undefined;
  #isChannelGone = false;
  #answering: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(
    options: RtcPeerOptions,
    listener: RtcPeerListener,
    clock: Clock,
    certificate: DtlsCertificate,
  ) {
    this.#options = options;
    this.#listener = listener;
    this.#clock = clock;
    this.#certificate = certificate;
  }

  answer(offerSdp: string): Promise<string> {
    const isFirst = this.#state === "new";
    const answer = this.#answering.then(() => this.#answer(offerSdp));
    this.#answering = answer.catch(async () => {
      if (isFirst && this.#sessionVersion === 0) await this.close();
    });
    return answer;
  }

  addCandidate(candidate: string): Promise<void> {
    return Promise.resolve().then(() => {
      const parsed = parseCandidate(candidate);
      if (!parsed || this.#isOver) return;
      if (this.#ice && this.#sessionVersion > 0) this.#ice.addCandidate(parsed);
      else if (this.#early.length < MAX_EARLY_CANDIDATES) this.#early.push(parsed);
    });
  }

  get canRetransmit(): boolean {
    return this.#offer?.audio?.opus.nack === true;
  }

  sendRtp(packet: OutboundRtp): void {
    if (this.#state === "connected") this.#media?.send(packet);
  }

  requestRetransmission(ssrc: number, sequenceNumbers: readonly number[]): void {
    if (this.#state === "connected" && sequenceNumbers.length > 0) {
      this.#media?.requestRetransmission(ssrc, sequenceNumbers);
    }
  }

  sendText(text: string): boolean {
    return (
      this.#state === "connected" && !this.#isChannelGone && this.#channel?.send(text) === true
    );
  }

  stats(): RtcPeerStats {
    const roundTripMs = this.#media?.roundTripMs ?? this.#ice?.roundTripMs;
    const outboundLossShare = this.#media?.outboundLossShare;
    return {
      ...(roundTripMs !== undefined && { roundTripMs }),
      ...(outboundLossShare !== undefined && { outboundLossShare }),
    };
  }

  close(): Promise<void> {
    this.#setState("closed");
    return this.#free();
  }

  get #isOver(): boolean {
    return this.#state === "closed" || this.#state === "failed";
  }

  async #answer(offerSdp: string): Promise<string> {
    if (this.#isOver)
      throw new InvalidStateError("The peer has closed; a new offer needs a new peer.");
    const { allowExtraTracks = false } = this.#options;
    const offer = inspectOffer(offerSdp, { allowExtraTracks });
    if (this.#offer) assertSameSession(this.#offer, offer);
    const parts = await loadParts();
    this.#assertOpen();
    const ice = (this.#ice ??= this.#createIce(parts, offer));
    const isRestart = this.#offer !== undefined && this.#offer.iceUfrag !== offer.iceUfrag;
    if (isRestart) ice.restart();
    if (isRestart || !this.#offer) await ice.gather();
    this.#assertOpen();
    this.#dtls ??= this.#createDtls(parts, offer);
    if (isRestart || !this.#offer) {
      ice.start(offer.iceUfrag, offer.icePwd, offer.iceLite, offer.candidates);
    } else {
      for (const candidate of offer.candidates) ice.addCandidate(candidate);
    }
    for (const candidate of this.#early.splice(0)) ice.addCandidate(candidate);
    this.#offer = offer;
    this.#sessionVersion++;
    if (this.#state === "new") this.#setState("connecting");
    return this.#writeAnswer(offer, ice, parts.MAX_MESSAGE_SIZE);
  }

  #writeAnswer(offer: InspectedOffer, ice: IceAgent, maxMessageSize: number): string {
    const { audioDirection, stereo = false } = this.#options;
    if (offer.audio)
      this.#media?.setDirection(answerDirection(offer.audio.direction, audioDirection));
    return writeAnswer(offer, {
      sessionId: this.#sessionId,
      sessionVersion: this.#sessionVersion,
      iceUfrag: ice.localUfrag,
      icePwd: ice.localPwd,
      fingerprint: this.#certificate.fingerprint,
      candidates: ice.localCandidates,
      audioDirection,
      stereo,
      ssrc: this.#ssrc,
      cname: this.#cname,
      streamId: this.#cname,
      trackId: this.#trackId,
      maxMessageSize,
    });
  }

  #createIce({ IceAgent }: WeriftParts, offer: InspectedOffer): IceAgent {
    return new IceAgent(offer.iceLite, this.#options, this.#clock, {
      onPath: () => undefined,
      onDtls: (datagram) => this.#dtls?.receive(datagram),
      onMedia: (packet) => this.#media?.receive(packet),
      onFailed: () => this.#fail(),
    });
  }

  #createDtls(parts: WeriftParts, offer: InspectedOffer): DtlsServer {
    const dtls = new DtlsServer(
      {
        certificate: this.#certificate,
        remoteFingerprints: offer.fingerprints,
        srtpProfiles: offer.audio ? SRTP_PROFILES : [],
        clock: this.#clock,
      },
      {
        onSend: (datagram) => this.#ice?.send(datagram),
        onConnected: () => this.#onDtlsConnected(dtls),
        onData: (data) => this.#channel?.receive(data),
        onClosed: () => this.#onChannelClosed(),
        onFailed: () => this.#fail(),
      },
    );
    if (offer.channel) this.#channel = this.#createChannel(parts, offer.channel, dtls);
    return dtls;
  }

  #createChannel(
    { WeriftChannel }: WeriftParts,
    channel: NonNullable<InspectedOffer["channel"]>,
    dtls: DtlsServer,
  ): WeriftChannel {
    return new WeriftChannel(channel.port, channel.maxMessageSize, this.#clock, {
      onSend: (packet) => dtls.send(packet),
      onOpen: () => this.#unlessOver(() => this.#listener.onChannelOpen()),
      onText: (text) => this.#unlessOver(() => this.#listener.onChannelMessage(text)),
      onClosed: () => this.#onChannelClosed(),
    });
  }

  #onDtlsConnected(dtls: DtlsServer): void {
    const audio = this.#offer?.audio;
    if (audio && dtls.srtpProfile !== undefined) {
      this.#media = new MediaSession({
        dtls,
        profile: dtls.srtpProfile === AEAD_AES128_GCM ? AEAD_AES128_GCM : AES128_CM_SHA1_80,
        payloadType: audio.opus.payloadType,
        direction: answerDirection(audio.direction, this.#options.audioDirection),
        ssrc: this.#ssrc,
        cname: this.#cname,
        clock: this.#clock,
        onSend: (packet) => this.#ice?.send(packet),
        onRtp: (packet) => this.#unlessOver(() => this.#listener.onRtp(packet)),
      });
    }
    this.#setState("connected");
  }

  #onChannelClosed(): void {
    if (this.#isChannelGone || this.#isOver) return;
    this.#isChannelGone = true;
    this.#listener.onChannelClosed();
  }

  #unlessOver(tell: () => void): void {
    if (!this.#isOver) tell();
  }

  #assertOpen(): void {
    if (this.#isOver) throw new InvalidStateError("The peer was closed while it answered.");
  }

  #fail(): void {
    if (this.#isOver) return;
    this.#setState("failed");
    void this.#free();
  }

  #setState(state: RtcPeerState): void {
    if (this.#isOver || this.#state === state) return;
    this.#state = state;
    this.#listener.onStateChange(state);
  }

  // Order matters: the channel and DTLS say goodbye through the sockets that ICE then closes.
  #free(): Promise<void> {
    this.#closing ??= (async () => {
      this.#media?.close();
      await this.#channel?.close();
      this.#dtls?.close();
      await this.#ice?.close();
    })();
    return this.#closing;
  }
}

// A re-offer may restart ICE and turn a direction; all else would need keys that were never agreed on.
function assertSameSession(before: InspectedOffer, after: InspectedOffer): void {
  const isSame =
    before.audio?.mid === after.audio?.mid &&
    before.audio?.opus.payloadType === after.audio?.opus.payloadType &&
    before.channel?.mid === after.channel?.mid &&
    before.fingerprints.some(({ value }) =>
      after.fingerprints.some((other) => other.value === value),
    );
  if (!isSame) {
    throw new NegotiationError(
      "The offer changes the session's media or certificate. Open a new session for that; a new offer on this one may restart ICE or change a direction.",
    );
  }
}
