import { extendAudioOffer } from "./audio-offer.ts";
import { FastRTCClientError } from "./client-error.ts";
import type { SignalingClient } from "./signaling-client.ts";

/** What a {@link PeerConnection} tells the session that opened it. */
export interface PeerConnectionListener {
  /** Media and messages flow; again after each interruption. */
  onConnected(): void;
  /** Nothing comes through right now; it may come back. */
  onInterrupted(): void;
  /** The server's audio is there. */
  onStream(stream: MediaStream): void;
  onMessage(text: string): void;
  /** A candidate did not reach the server; another may be enough. */
  onCandidateLost(error: unknown): void;
  /** The server hung up. */
  onClosed(): void;
  /** No path, and no hope of one. */
  onFailed(error: FastRTCClientError): void;
}

/** What a {@link PeerConnection} needs. */
export interface PeerConnectionOptions {
  readonly rtcConfiguration: RTCConfiguration | undefined;
  readonly signaling: SignalingClient;
  readonly listener: PeerConnectionListener;
  /** Gives up what waits for the server. */
  readonly signal: AbortSignal;
}

/**
 * One `RTCPeerConnection` with one audio transceiver and the data channel "text".
 *
 * The offer leaves at once; candidates follow as they are found. A path that was lost is sought
 * once more with an ICE restart.
 */
export class PeerConnection {
  readonly #options: PeerConnectionOptions;
  readonly #connection: RTCPeerConnection;
  readonly #channel: RTCDataChannel;
  #sender: RTCRtpSender | undefined;
  #isClosed = false;
  #wasConnected = false;
  #isRestarting = false;
  #hasAnswer = false;
  #fingerprint: string | undefined;
  // A browser finds some tens of candidates at most, so this needs no other bound.
  #candidates: RTCIceCandidateInit[] = [];
  readonly #posts = new Set<Promise<void>>();

  constructor(options: PeerConnectionOptions) {
    this.#options = options;
    this.#connection = new RTCPeerConnection(options.rtcConfiguration);
    this.#channel = this.#connection.createDataChannel("text");
    this.#channel.onopen = () => {
      this.#checkConnected();
    };
    this.#channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === "string") options.listener.onMessage(data);
    };
    this.#channel.onclose = () => {
      this.#hangUp();
    };
    this.#connection.ontrack = ({ streams, track }) => {
      // Servers need not name a stream: https://www.rfc-editor.org/rfc/rfc8829#section-5.2.1
      options.listener.onStream(streams[0] ?? new MediaStream([track]));
    };
    this.#connection.onicecandidate = ({ candidate }) => {
      this.#takeCandidate(candidate);
    };
    this.#connection.onconnectionstatechange = () => {
      this.#onStateChange();
    };
  }

  /**
   * Makes the offer and takes the answer. Whether a path is found shows later.
   *
   * @param microphone - What to send; undefined to only listen.
   * @param listens - Whether the server's audio is wanted.
   * @throws {@link FastRTCClientError} when the server refuses or cannot be reached.
   */
  async open(microphone: MediaStream | undefined, listens: boolean): Promise<void> {
    const track = microphone?.getAudioTracks()[0];
    const transceiver =
      microphone === undefined || track === undefined
        ? this.#connection.addTransceiver("audio", { direction: "recvonly" })
        : this.#connection.addTransceiver(track, {
            direction: listens ? "sendrecv" : "sendonly",
            streams: [microphone],
          });
    this.#sender = transceiver.sender;
    await this.#negotiate(await this.#connection.createOffer());
  }

  /** Sends from another microphone, without a new offer. */
  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    await this.#sender?.replaceTrack(track);
  }

  /**
   * Sends a text.
   *
   * @throws {@link FastRTCClientError} `not-connected` before the channel opens and after it closes.
   */
  send(text: string): void {
    if (this.#channel.readyState !== "open") {
      throw new FastRTCClientError("not-connected", "There is no connected session to send to.");
    }
    this.#channel.send(text);
  }

  /** Reads the W3C statistics. */
  getStats(): Promise<RTCStatsReport> {
    return this.#connection.getStats();
  }

  /** Reads how loud the audio is that is played right now, 0 to 1; undefined where that is not told. */
  async readPlayedLevel(): Promise<number | undefined> {
    const [receiver] = this.#connection.getReceivers();
    // Told only of streams whose packets carry their level (RFC 6464); statistics know of all.
    const level = receiver?.getSynchronizationSources()[0]?.audioLevel;
    if (level !== undefined || receiver === undefined) return level;
    for (const stats of (await receiver.getStats()).values() as Iterable<Record<string, unknown>>) {
      const { type, audioLevel } = stats;
      if (type === "inbound-rtp" && typeof audioLevel === "number") return audioLevel;
    }
    return undefined;
  }

  /** Hangs up. The listener hears nothing any more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channel.close();
    this.#connection.close();
  }

  // A browser that takes none but its own words still connects, with less.
  async #setLocalOffer(sdp: string): Promise<string> {
    const extended = extendAudioOffer(sdp);
    try {
      await this.#connection.setLocalDescription({ type: "offer", sdp: extended });
      return extended;
    } catch {
      await this.#connection.setLocalDescription({ type: "offer", sdp });
      return sdp;
    }
  }

  async #negotiate(offer: RTCSessionDescriptionInit): Promise<void> {
    const { signaling, signal } = this.#options;
    this.#hasAnswer = false;
    const local = await this.#setLocalOffer(offer.sdp ?? "");
    const sdp = await signaling.offer(local, signal);
    signal.throwIfAborted();
    const fingerprint = /^a=fingerprint:.*$/m.exec(sdp)?.[0];
    // A server that forgot this session answers as for a new one, with new keys. ICE would come
    // up and DTLS never: https://www.rfc-editor.org/rfc/rfc8842#section-4
    if (this.#wasConnected && fingerprint !== this.#fingerprint) {
      throw new Error("The server has started a new session instead of continuing this one.");
    }
    this.#fingerprint = fingerprint;
    await this.#connection.setRemoteDescription({ type: "answer", sdp });
    // Only now does the server know this session: earlier candidates would be refused.
    this.#hasAnswer = true;
    for (const candidate of this.#candidates.splice(0)) this.#post(candidate);
  }

  #takeCandidate(candidate: RTCIceCandidate | null): void {
    const found = candidate?.toJSON() ?? { candidate: "" };
    if (this.#hasAnswer) this.#post(found);
    else this.#candidates.push(found);
  }

  #post(init: RTCIceCandidateInit): void {
    const { signaling, signal, listener } = this.#options;
    const candidate = { ...init, candidate: init.candidate ?? "" };
    const isEnd = candidate.candidate === "";
    // "No more" must not overtake one that is still under way.
    const before = isEnd ? Promise.allSettled([...this.#posts]) : Promise.resolve();
    const post = before
      .then(() => signaling.candidate(candidate, signal))
      .catch((error: unknown) => {
        // Python's FastRTC refuses the empty line; nothing is lost with it.
        if (!isEnd && !signal.aborted) listener.onCandidateLost(error);
      });
    this.#posts.add(post);
    void post.then(() => this.#posts.delete(post));
  }

  #onStateChange(): void {
    if (this.#isClosed) return;
    switch (this.#connection.connectionState) {
      case "connected":
        this.#checkConnected();
        break;
      case "disconnected":
        if (this.#wasConnected) this.#options.listener.onInterrupted();
        break;
      case "failed":
        void this.#restartOnce();
        break;
      case "closed":
        this.#hangUp();
        break;
      case "new":
      case "connecting":
        break;
    }
  }

  #checkConnected(): void {
    const isConnected = this.#connection.connectionState === "connected";
    if (this.#isClosed || !isConnected || this.#channel.readyState !== "open") return;
    this.#wasConnected = true;
    this.#isRestarting = false;
    this.#options.listener.onConnected();
  }

  #hangUp(): void {
    if (this.#isClosed) return;
    this.close();
    this.#options.listener.onClosed();
  }

  /**
   * Seeks a new path, for a user who changed networks.
   *
   * Not for a first attempt: the same candidates would fail the same way, half a minute later.
   */
  async #restartOnce(): Promise<void> {
    const { listener, signal } = this.#options;
    if (!this.#wasConnected || this.#isRestarting) {
      this.#fail(undefined);
      return;
    }
    this.#isRestarting = true;
    listener.onInterrupted();
    try {
      await this.#negotiate(await this.#connection.createOffer({ iceRestart: true }));
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  #fail(cause: unknown): void {
    if (this.#isClosed) return;
    this.close();
    this.#options.listener.onFailed(
      new FastRTCClientError(
        "ice-failed",
        this.#wasConnected
          ? "The connection was lost. Check the network, then start again."
          : "The server answers, but no audio path to it was found. A VPN or firewall may block UDP; across networks the server needs a public address or a TURN server (`rtcConfiguration`).",
        cause === undefined ? {} : { cause },
      ),
    );
  }
}
