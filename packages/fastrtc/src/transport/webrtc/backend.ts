/**
 * What the WebRTC transport needs of a WebRTC stack, and nothing more, so that a second stack can
 * take the first one's place without touching anything else. A backend moves RTP and text; order,
 * loss, timing and codecs are not its business.
 */

/** An ICE server as browsers take it (W3C `RTCIceServer`). */
export interface IceServer {
  /** One or more `stun:` or `turn:` URLs. */
  readonly urls: string | readonly string[];
  /** For TURN. */
  readonly username?: string;
  /** For TURN. */
  readonly credential?: string;
}

/** Decides the shape of one {@link RtcPeer}. */
export interface RtcPeerOptions {
  /** STUN and TURN servers that the server itself uses; usually none. */
  readonly iceServers: readonly IceServer[];
  /** Whether we send audio, receive it, or both. */
  readonly audioDirection: "sendrecv" | "sendonly" | "recvonly";
  /**
   * Whether the caller is asked for two channels.
   *
   * @defaultValue false
   */
  readonly stereo?: boolean;
  /** First and last UDP port to use; undefined lets the system choose. */
  readonly portRange?: readonly [number, number];
  /**
   * Whether a loopback host candidate is gathered too, and remote ones are used: right when the HTTP
   * server listens on loopback only.
   *
   * @defaultValue false
   */
  readonly includeLoopback?: boolean;
  /**
   * Whether offered tracks that nobody wants are left out of the answer instead of failing the offer.
   *
   * @defaultValue false
   */
  readonly allowExtraTracks?: boolean;
}

/** One RTP packet as it came, decrypted. `payload` may be a view that is valid during the call only. */
export interface InboundRtp {
  /** 16 bits (RFC 3550 section 5.1). */
  readonly sequenceNumber: number;
  /** 32 bits, in the codec's clock. */
  readonly timestamp: number;
  readonly payloadType: number;
  readonly ssrc: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
}

/** One RTP packet to send; the backend adds sequence number, SSRC and payload type. */
export interface OutboundRtp {
  /** 32 bits, in the codec's clock. */
  readonly timestamp: number;
  /** Set on the first packet after silence (RFC 7587 section 4.1). */
  readonly marker: boolean;
  readonly payload: Uint8Array;
}

/** Where a peer stands; `closed` and `failed` are final. */
export type RtcPeerState =
  "new" | "connecting" | "connected" | "disconnected" | "failed" | "closed";

/** What a peer tells its transport. */
export interface RtcPeerListener {
  /** ICE and DTLS together. */
  onStateChange(state: RtcPeerState): void;
  /** A packet of the caller's microphone track. */
  onRtp(packet: InboundRtp): void;
  /** The data channel has opened. */
  onChannelOpen(): void;
  /** Text from the data channel. */
  onChannelMessage(text: string): void;
  /** The other side closed the data channel, or all of DTLS. */
  onChannelClosed(): void;
}

/** Figures of one peer's path. */
export interface RtcPeerStats {
  /** From RTCP, where the other side reported. */
  readonly roundTripMs?: number;
  /** 0 to 1, from the last RTCP receiver report about our audio. */
  readonly outboundLossShare?: number;
}

/** One peer connection that answers offers. */
export interface RtcPeer {
  /**
   * Takes an offer and makes the answer, with our candidates in it.
   *
   * Called again for a re-offer (ICE restart, change of direction).
   *
   * @throws {@link NegotiationError} when the offer cannot be answered. The peer is then closed if it
   * was its first offer, and goes on as before if it was not.
   * @throws {@link TransportError} when no socket could be opened; the peer is then closed.
   */
  answer(offerSdp: string): Promise<string>;
  /**
   * Adds one remote candidate; before the offer it is kept (at most 30, further ones are dropped).
   *
   * @param candidate - The `candidate:` line; an empty one means that there are no more.
   * @throws {@link NegotiationError} when it is malformed. One that may not be used is dropped.
   */
  addCandidate(
    candidate: string,
    sdpMid: string | null,
    sdpMLineIndex: number | null,
  ): Promise<void>;
  /** Sends one packet of our audio; does nothing while it is not connected. */
  sendRtp(packet: OutboundRtp): void;
  /** Whether the caller has agreed to send packets again; known once there is an answer. */
  readonly canRetransmit: boolean;
  /** Asks for packets of the caller's audio again (RFC 4585 section 6.2.1). */
  requestRetransmission(ssrc: number, sequenceNumbers: readonly number[]): void;
  /**
   * Sends text on the data channel.
   *
   * @returns false when it is not open or its buffer is full; trying again later may help.
   * @throws {@link TransportError} when the text is longer than the other side takes.
   */
  sendText(text: string): boolean;
  stats(): RtcPeerStats;
  /** Closes sockets and timers; safe to call twice. */
  close(): Promise<void>;
}

/** A WebRTC stack. */
export interface RtcBackend {
  /** For logs and errors. */
  readonly name: string;
  /**
   * Makes a peer.
   *
   * @throws {@link InvalidOptionError} when an option cannot be met.
   */
  createPeer(options: RtcPeerOptions, listener: RtcPeerListener): RtcPeer;
}
