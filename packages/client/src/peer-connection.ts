import { extendAudioOffer } from "./audio-offer.ts";
import { FastRTCClientError, toClientError } from "./client-error.ts";
import type { ClientTransport, ClientTransportListener } from "./client-transport.ts";
import { ConnectionStatsReader, type ConnectionStats } from "./connection-stats.ts";
import type { SignalingClient } from "./signaling-client.ts";

// Both only where a session can be resumed: without that, giving up early would end it.
/** How long a path that says nothing may come back by itself before another one is sought. */
const RESTART_AFTER_MS = 2000;
/** How long another path is sought; browsers themselves go on for some 30 s. */
const RESTART_TIMEOUT_MS = 8000;

/** What a {@link PeerConnection} needs. */
export interface PeerConnectionOptions {
  readonly rtcConfiguration: RTCConfiguration | undefined;
  readonly signaling: SignalingClient;
  readonly listener: ClientTransportListener;
}

/**
 * One `RTCPeerConnection` with one audio transceiver and the data channel "text".
 *
 * The offer leaves at once; candidates follow as they are found. A path that was lost is sought
 * once more with an ICE restart.
 */
export class PeerConnection implements ClientTransport {
  readonly #options: PeerConnectionOptions;
  readonly #controller = new AbortController();
  readonly #connection: RTCPeerConnection;
  readonly #channel: RTCDataChannel;
  readonly #stats = new ConnectionStatsReader();
  // Of its own: what the application reads are differences between its own readings.
  readonly #delayStats = new ConnectionStatsReader();
  #sender: RTCRtpSender | undefined;
  #isClosed = false;
  #wasConnected = false;
  #isInterrupted = false;
  #isRestarting = false;
  #restartTimer: ReturnType<typeof setTimeout> | undefined;
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
      // Some browsers close the channel when nothing has come through for a while: no goodbye.
      if (this.#isInterrupted) this.#lose(undefined);
      else this.#hangUp();
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

  async replaceMicrophone(microphone: MediaStream): Promise<void> {
    await this.#sender?.replaceTrack(microphone.getAudioTracks()[0] ?? null);
  }

  send(text: string): void {
    if (this.#channel.readyState !== "open") {
      throw new FastRTCClientError("not-connected", "There is no connected session to send to.");
    }
    this.#channel.send(text);
  }

  async readStats(): Promise<ConnectionStats> {
    return this.#stats.read(await this.#connection.getStats());
  }

  async readPlaybackDelay(): Promise<number | undefined> {
    return this.#delayStats.read(await this.#connection.getStats()).jitterBufferMs;
  }

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

  resumePlayback(): Promise<boolean> {
    // An element plays its audio, which is not this one's affair.
    return Promise.resolve(true);
  }

  checkPath(): void {
    if (this.#isInterrupted && this.#options.signaling.canResume) void this.#restart();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#restartTimer);
    this.#controller.abort();
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
    const { signaling } = this.#options;
    const { signal } = this.#controller;
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
    const { signaling, listener } = this.#options;
    const { signal } = this.#controller;
    const candidate = { ...init, candidate: init.candidate ?? "" };
    const isEnd = candidate.candidate === "";
    // "No more" must not overtake one that is still under way.
    const before = isEnd ? Promise.allSettled([...this.#posts]) : Promise.resolve();
    const post = before
      .then(() => signaling.candidate(candidate, signal))
      .catch((error: unknown) => {
        // Python's FastRTC refuses the empty line; nothing is lost with it.
        if (isEnd || signal.aborted) return;
        listener.onWarning(toClientError(error, "network").message);
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
        if (this.#wasConnected) this.#interrupt();
        break;
      case "failed":
        // Not for a first attempt: the same candidates would fail the same way, half a minute later.
        if (!this.#wasConnected || this.#isRestarting) this.#lose(undefined);
        else void this.#restart();
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
    clearTimeout(this.#restartTimer);
    this.#wasConnected = true;
    this.#isInterrupted = false;
    this.#isRestarting = false;
    this.#options.listener.onConnected();
  }

  #hangUp(): void {
    if (this.#isClosed) return;
    this.close();
    this.#options.listener.onClosed();
  }

  #interrupt(): void {
    if (this.#isInterrupted) return;
    this.#isInterrupted = true;
    this.#options.listener.onInterrupted();
    if (this.#options.signaling.canResume) {
      this.#restartTimer = setTimeout(() => void this.#restart(), RESTART_AFTER_MS);
    }
  }

  /** Seeks a new path once, for a user who changed networks; the session itself goes on. */
  async #restart(): Promise<void> {
    if (this.#isRestarting || this.#isClosed) return;
    this.#interrupt();
    this.#isRestarting = true;
    clearTimeout(this.#restartTimer);
    if (this.#options.signaling.canResume) {
      this.#restartTimer = setTimeout(() => {
        this.#lose(undefined);
      }, RESTART_TIMEOUT_MS);
    }
    try {
      await this.#negotiate(await this.#connection.createOffer({ iceRestart: true }));
    } catch (error) {
      this.#lose(error);
    }
  }

  #lose(cause: unknown): void {
    if (this.#isClosed) return;
    this.close();
    this.#options.listener.onLost(
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
