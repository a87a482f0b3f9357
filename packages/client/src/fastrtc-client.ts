/**
 * The client: one object for a page's life, one session at a time inside it.
 *
 * In come the user's voice, inputs and texts, and from the server audio, outputs and messages;
 * out go sound on the speaker and events. Pages and `@fastrtc/react` call it.
 */

import type { ClientConfig } from "@fastrtc/protocol";
import { fetchClientConfig } from "./client-config.ts";
import { FastRTCClientError } from "./client-error.ts";
import type { ClientEvents, ClientState, StateChange } from "./client-events.ts";
import type { FastRTCClientOptions } from "./client-options.ts";
import { ClientSession, type ClientSessionHost, type SessionEnd } from "./client-session.ts";
import type { ConnectOptions } from "./connect-options.ts";
import type { ConnectionStats } from "./connection-stats.ts";
import { Endpoint } from "./endpoint.ts";
import { EventEmitter } from "./event-emitter.ts";
import type { ClientInputs } from "./inputs.ts";
import { LevelMeter } from "./level-meter.ts";
import type { SessionClaim } from "./session-claim.ts";
import { Speaker } from "./speaker.ts";
import { createWebrtcId } from "./webrtc-id.ts";

/**
 * Talks with a FastRTC server.
 *
 * @example
 * ```ts
 * const client = new FastRTCClient({ url: "/voice" });
 * client.on("output", (values) => console.log(...values));
 * client.on("state-changed", ({ state }) => (status.textContent = state));
 * client.on("error", (error) => (status.textContent = error.message));
 * button.onclick = () => client.connect().catch(() => undefined);
 * ```
 */
export class FastRTCClient extends EventEmitter<ClientEvents> {
  readonly #options: FastRTCClientOptions;
  readonly #endpoint: Endpoint;
  readonly #speaker: Speaker;
  readonly #meter = new LevelMeter();
  #config: ClientConfig | undefined;
  #state: ClientState = "idle";
  #session: ClientSession | undefined;
  #connecting: Promise<void> | undefined;
  #claim: SessionClaim | undefined;
  #deviceId: string | undefined;
  #inputs: ClientInputs | undefined;
  #outputStream: MediaStream | undefined;
  #isMuted = false;

  /**
   * Does nothing yet: no request, no question for the microphone.
   *
   * @throws TypeError when `url` is no address.
   */
  constructor(options: FastRTCClientOptions = {}) {
    super();
    this.#options = options;
    this.#endpoint = new Endpoint(options.url ?? "/", options.fetch);
    this.#speaker = new Speaker(options.audioElement);
    this.#config = options.config;
    this.#deviceId = options.deviceId;
    this.#inputs = options.inputs;
  }

  /** Where the session stands. */
  get state(): ClientState {
    return this.#state;
  }

  /** The session's name: the current one's, or the last one's; undefined before the first. */
  get webrtcId(): string | undefined {
    return this.#claim?.webrtcId;
  }

  /**
   * The proof that the session is ours; undefined before the server's answer, and with servers that
   * give none. Whoever has it and the `webrtcId` can resume the session: keep it like a password.
   */
  get sessionToken(): string | undefined {
    return this.#claim?.sessionToken;
  }

  /** Whether the microphone is muted. */
  get isMuted(): boolean {
    return this.#isMuted;
  }

  /** The microphone's audio, while there is a session. */
  get inputStream(): MediaStream | undefined {
    return this.#session?.inputStream;
  }

  /** The server's audio, while there is a session. */
  get outputStream(): MediaStream | undefined {
    return this.#outputStream;
  }

  /**
   * How loud the user is: 0 (-60 dBFS or less) to 1 (full scale), linear in decibels.
   *
   * The measuring starts with the first reading and stops two seconds after the last.
   */
  get inputLevel(): number {
    return this.#meter.read(this.inputStream);
  }

  /** How loud the reply is, on the scale of {@link FastRTCClient.inputLevel}. */
  get outputLevel(): number {
    return this.#meter.read(this.#outputStream);
  }

  /**
   * Asks the server how to connect; once, then from memory.
   *
   * @throws {@link FastRTCClientError} `network` when the server cannot be reached.
   */
  async loadConfig(signal?: AbortSignal): Promise<ClientConfig> {
    return (this.#config ??= await fetchClientConfig(this.#endpoint, signal));
  }

  /**
   * Asks for the microphone, unless the server only speaks, and connects.
   *
   * Resolves when audio and messages flow. While it runs, or when connected, a second call
   * changes nothing. After the end it starts a new session.
   *
   * A session that was lost with its page goes on with its `webrtcId` and `sessionToken`:
   *
   * @example
   * ```ts
   * client.on("state-changed", ({ state }) => {
   *   if (state !== "connected") return;
   *   const { webrtcId, sessionToken } = client;
   *   sessionStorage.setItem("session", JSON.stringify({ webrtcId, sessionToken }));
   * });
   * const earlier = JSON.parse(sessionStorage.getItem("session") ?? "{}");
   * button.onclick = () => client.connect(earlier).catch(() => undefined);
   * ```
   *
   * @throws {@link FastRTCClientError} when it fails, `resume-refused` when the earlier session is
   * gone, an `AbortError` after `close()`.
   */
  connect(options: ConnectOptions = {}): Promise<void> {
    if (this.#connecting !== undefined) return this.#connecting;
    if (this.#session !== undefined) return Promise.resolve();
    const connecting = this.#connect(options).finally(() => {
      if (this.#connecting === connecting) this.#connecting = undefined;
    });
    this.#connecting = connecting;
    return connecting;
  }

  /** Ends the session, also one that is still connecting. Safe to call at any time. */
  close(): void {
    this.#session?.close();
    this.#meter.close();
  }

  /** Mutes or unmutes the microphone; holds for later sessions too. */
  setMuted(muted: boolean): void {
    this.#isMuted = muted;
    this.#session?.setMuted(muted);
  }

  /**
   * Chooses the microphone; the browser's default when undefined. The session goes on.
   *
   * @throws {@link FastRTCClientError} when it cannot be opened.
   */
  async setMicrophone(deviceId: string | undefined): Promise<void> {
    this.#deviceId = deviceId;
    if (this.#session !== undefined) {
      await this.#session.replaceMicrophone(await this.loadConfig());
    }
  }

  /**
   * Chooses the speaker; the system's default when undefined.
   *
   * @throws {@link FastRTCClientError} `unsupported` where `canSelectSpeaker()` is false.
   */
  setSpeaker(deviceId: string | undefined): Promise<void> {
    return this.#speaker.setDevice(deviceId);
  }

  /** Plays after `playback-blocked`; call it from a click. Returns whether it plays now. */
  async resumePlayback(): Promise<boolean> {
    // Both within the click: browsers ask when each of them was begun.
    const [plays, runs] = await Promise.all([
      this.#speaker.resume(),
      this.#session?.resumePlayback() ?? true,
    ]);
    return plays && runs;
  }

  /**
   * Sets the additional inputs. Without a session they go out at the next `connect()`; they go
   * out again whenever the handler asks for its inputs.
   *
   * @throws {@link FastRTCClientError} `inputs-rejected` with the `issues`.
   */
  async sendInputs(inputs: ClientInputs): Promise<void> {
    this.#inputs = inputs;
    await this.#session?.sendInputs(inputs);
  }

  /**
   * Sends a message to the handler: a string as it is, anything else as JSON.
   *
   * @throws {@link FastRTCClientError} `not-connected` without a connected session.
   */
  send(message: unknown): void {
    if (this.#session === undefined) {
      throw new FastRTCClientError("not-connected", "There is no connected session to send to.");
    }
    this.#session.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** Reads how good the connection is; undefined without a session. */
  async getStats(): Promise<ConnectionStats | undefined> {
    return this.#session?.readStats();
  }

  async #connect({ signal, ...options }: ConnectOptions): Promise<void> {
    signal?.throwIfAborted();
    const claim: SessionClaim = {
      webrtcId: options.webrtcId ?? this.#options.webrtcId ?? createWebrtcId(),
      params: options.params ?? this.#options.params,
      sessionToken: options.sessionToken,
      isResumed: false,
    };
    const session = new ClientSession(claim, this.#host(options.transport));
    this.#session = session;
    this.#claim = claim;
    const onAbort = (): void => {
      session.close(signal?.reason);
    };
    signal?.addEventListener("abort", onAbort);
    this.#watchPage();
    try {
      await session.connect();
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #host(transport: FastRTCClientOptions["transport"]): ClientSessionHost {
    return {
      endpoint: this.#endpoint,
      options: transport === undefined ? this.#options : { ...this.#options, transport },
      loadConfig: (signal) => this.loadConfig(signal),
      choices: () => ({
        deviceId: this.#deviceId,
        isMuted: this.#isMuted,
        inputs: this.#inputs,
      }),
      onProgress: (progress) => {
        this.#setState(progress);
      },
      onStream: (stream) => {
        this.#onStream(stream);
      },
      onEnded: (end) => {
        this.#onEnded(end);
      },
      emit: (name, event) => {
        this.emit(name, event);
      },
    };
  }

  #watchPage(): void {
    if (typeof addEventListener !== "function") return;
    addEventListener("pagehide", this.#onPageHide);
    addEventListener("online", this.#onPageAwake);
    addEventListener("visibilitychange", this.#onPageAwake);
  }

  #unwatchPage(): void {
    if (typeof removeEventListener !== "function") return;
    removeEventListener("pagehide", this.#onPageHide);
    removeEventListener("online", this.#onPageAwake);
    removeEventListener("visibilitychange", this.#onPageAwake);
  }

  // A page that goes away without a word would hold its place on the server for half a minute.
  readonly #onPageHide = (): void => {
    this.close();
  };

  // Timers of hidden pages are slow, and those of sleeping computers stand still.
  readonly #onPageAwake = (): void => {
    if (typeof document === "undefined" || document.visibilityState === "visible") {
      this.#session?.checkPath();
    }
  };

  #onStream(stream: MediaStream): void {
    this.#outputStream = stream;
    this.emit("stream-received", stream);
    void this.#speaker.play(stream).then((plays) => {
      if (!plays && this.#outputStream === stream) this.emit("playback-blocked", undefined);
    });
  }

  #onEnded(end: SessionEnd): void {
    this.#unwatchPage();
    this.#session = undefined;
    // Its connect() is about to fail; the next one begins a new session.
    this.#connecting = undefined;
    this.#outputStream = undefined;
    this.#speaker.stop();
    this.#meter.close();
    this.#setState(end);
    if (end.error !== undefined) this.emit("error", end.error);
  }

  #setState(change: Omit<StateChange, "previous">): void {
    const previous = this.#state;
    if (change.state === previous) return;
    this.#state = change.state;
    const reason = change.reason ?? change.error?.message;
    this.emit("state-changed", {
      ...change,
      previous,
      ...(reason === undefined ? {} : { reason }),
    });
  }
}
