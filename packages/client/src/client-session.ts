import {
  parseServerMessage,
  type ClientConfig,
  type ServerMessage,
  type TurnLog,
} from "@fastrtc/protocol";
import { FastRTCClientError, toClientError } from "./client-error.ts";
import type { ClientEvents, ClientState } from "./client-events.ts";
import type { FastRTCClientOptions } from "./client-options.ts";
import { ConnectionStatsReader, type ConnectionStats } from "./connection-stats.ts";
import type { Endpoint } from "./endpoint.ts";
import { postInputs, type ClientInputs } from "./inputs.ts";
import { Microphone } from "./microphone.ts";
import { OutputStream } from "./output-stream.ts";
import { PeerConnection } from "./peer-connection.ts";
import { PlaybackReport } from "./playback-report.ts";
import { SignalingClient } from "./signaling-client.ts";

const CONNECT_TIMEOUT_MS = 30_000;
// A server that says goodbye hangs up itself once its last words are played; this is for one
// that forgets to.
const GOODBYE_TIMEOUT_MS = 10_000;

/** How a session ended. */
export interface SessionEnd {
  readonly state: "closed" | "failed";
  readonly closedBy?: "client" | "server";
  readonly reason?: string;
  readonly error?: FastRTCClientError;
}

/** What the user has chosen so far. */
export interface SessionChoices {
  readonly deviceId: string | undefined;
  readonly isMuted: boolean;
  readonly inputs: ClientInputs | undefined;
}

/** What a {@link ClientSession} asks of and tells the client that made it. */
export interface ClientSessionHost {
  readonly endpoint: Endpoint;
  readonly options: FastRTCClientOptions;
  loadConfig(signal: AbortSignal): Promise<ClientConfig>;
  choices(): SessionChoices;
  onState(state: ClientState): void;
  onStream(stream: MediaStream): void;
  /** Called exactly once, last. */
  onEnded(end: SessionEnd): void;
  emit<Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]): void;
}

/** One connected life, from the question for the microphone to the hang-up; never used twice. */
export class ClientSession {
  readonly webrtcId: string;
  readonly #host: ClientSessionHost;
  readonly #controller = new AbortController();
  readonly #stats = new ConnectionStatsReader();
  #microphone: Microphone | undefined;
  #peer: PeerConnection | undefined;
  #outputs: OutputStream | undefined;
  #playback: PlaybackReport | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #goodbye: string | undefined;
  #isAnswered = false;
  #hasEnded = false;
  #replacing: Promise<void> = Promise.resolve();
  #posting: Promise<void> = Promise.resolve();
  #onConnected: (() => void) | undefined;

  constructor(webrtcId: string, host: ClientSessionHost) {
    this.webrtcId = webrtcId;
    this.#host = host;
  }

  /** The microphone's audio, while there is one. */
  get inputStream(): MediaStream | undefined {
    return this.#microphone?.stream;
  }

  /**
   * Connects.
   *
   * @throws {@link FastRTCClientError} when it fails; the session has then ended.
   */
  async connect(): Promise<void> {
    const { signal } = this.#controller;
    try {
      await this.#open(signal);
    } catch (error) {
      this.#fail(toClientError(error, "unsupported"));
      // What ended the session explains more than what then broke because of it.
      throw signal.reason;
    }
  }

  async #open(signal: AbortSignal): Promise<void> {
    const host = this.#host;
    // The promise of ending: every wait below is left as soon as the session ends.
    const ended = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => {
        reject(signal.reason as Error);
      });
    });
    ended.catch(() => undefined);
    this.#host.onState("connecting");
    const config = await Promise.race([host.loadConfig(signal), ended]);
    if (config.modality !== "audio") {
      throw new FastRTCClientError(
        "unsupported",
        `The server's modality is "${config.modality}"; this client carries "audio".`,
      );
    }
    if (config.mode !== "receive") {
      host.onState("requesting-microphone");
      await Promise.race([this.#openMicrophone(config, host.choices().deviceId), ended]);
      host.onState("connecting");
    }
    const timeoutMs = host.options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    this.#timer = setTimeout(() => {
      this.#fail(
        new FastRTCClientError(
          "ice-failed",
          `No connection within ${timeoutMs / 1000} seconds. A VPN or firewall may block UDP; across networks the server needs a public address or a TURN server.`,
        ),
      );
    }, timeoutMs);
    const peer = this.#openPeer(config, signal);
    const connected = new Promise<void>((resolve) => (this.#onConnected = resolve));
    await Promise.race([peer.open(this.#microphone?.stream, config.mode !== "send"), ended]);
    this.#isAnswered = true;
    const { inputs } = host.choices();
    if (inputs !== undefined) void this.#postInputs(inputs);
    if (host.options.outputs === "sse") this.#openOutputs();
    await Promise.race([connected, ended]);
  }

  /**
   * Posts inputs, one after the other, so that the newest win; the promise fails when the server
   * does not accept them. Until the server knows the session there is nothing to do: with its
   * answer go out the inputs that were chosen last.
   */
  sendInputs(inputs: ClientInputs): Promise<void> {
    if (!this.#isAnswered) return Promise.resolve();
    const { signal } = this.#controller;
    const posting = this.#posting.then(() =>
      postInputs(this.#host.endpoint, this.webrtcId, inputs, signal),
    );
    this.#posting = posting.catch(() => undefined);
    return posting;
  }

  /** Sends a text over the data channel. */
  send(text: string): void {
    if (this.#peer === undefined) {
      throw new FastRTCClientError("not-connected", "There is no connected session to send to.");
    }
    this.#peer.send(text);
  }

  /** Sends silence, or sound again. */
  setMuted(muted: boolean): void {
    this.#microphone?.setMuted(muted);
  }

  /** Sends from the chosen microphone. Calls wait for one another, so that the newest choice wins. */
  replaceMicrophone(config: ClientConfig): Promise<void> {
    const replacing = this.#replacing.then(async () => {
      if (this.#microphone === undefined || this.#hasEnded) return;
      await this.#openMicrophone(config, this.#host.choices().deviceId);
    });
    this.#replacing = replacing.catch(() => undefined);
    return replacing;
  }

  /** Reads how good the connection is; undefined before there is one. */
  async readStats(): Promise<ConnectionStats | undefined> {
    const report = await this.#peer?.getStats();
    return report === undefined ? undefined : this.#stats.read(report);
  }

  /** Ends the session. */
  close(reason?: unknown): void {
    this.#end({ state: "closed", closedBy: "client" }, reason);
  }

  async #openMicrophone(config: ClientConfig, deviceId: string | undefined): Promise<void> {
    const host = this.#host;
    const options = {
      deviceId,
      constraints: host.options.trackConstraints ?? config.trackConstraints,
      signal: this.#controller.signal,
    };
    let microphone: Microphone;
    try {
      microphone = await Microphone.open(options);
    } catch (error) {
      // Some systems open one device at a time; closing the old one first costs a short gap.
      const isBusy = error instanceof FastRTCClientError && error.code === "microphone-missing";
      if (this.#microphone === undefined || !isBusy) throw error;
      this.#microphone.close();
      microphone = await Microphone.open(options);
    }
    microphone.setMuted(host.choices().isMuted);
    microphone.onLost = () => void this.#onMicrophoneLost(config);
    const previous = this.#microphone;
    this.#microphone = microphone;
    try {
      await this.#peer?.replaceTrack(microphone.track);
    } finally {
      previous?.close();
    }
  }

  async #onMicrophoneLost(config: ClientConfig): Promise<void> {
    try {
      await this.#openMicrophone(config, undefined);
      this.#host.emit("warning", "The microphone went away; the default one is used now.");
    } catch (error) {
      if (!this.#hasEnded) this.#host.emit("error", toClientError(error, "microphone-missing"));
    }
  }

  #openPeer(config: ClientConfig, signal: AbortSignal): PeerConnection {
    const host = this.#host;
    let stream: MediaStream | undefined;
    this.#peer = new PeerConnection({
      rtcConfiguration:
        host.options.rtcConfiguration ??
        (config.rtcConfiguration as RTCConfiguration | null) ??
        undefined,
      signaling: new SignalingClient(host.endpoint, this.webrtcId),
      signal,
      listener: {
        onConnected: () => {
          clearTimeout(this.#timer);
          this.#reportPlayback();
          host.onState("connected");
          this.#onConnected?.();
        },
        onInterrupted: () => host.onState("reconnecting"),
        onStream: (received) => {
          if (received === stream) return;
          stream = received;
          host.onStream(received);
        },
        onMessage: (text) => {
          const message = parseServerMessage(text);
          if (message !== undefined) this.#onServerMessage(message);
        },
        onCandidateLost: (error) => {
          host.emit("warning", toClientError(error, "network").message);
        },
        onClosed: () => {
          this.#onHangUp();
        },
        onFailed: (error) => {
          this.#fail(error);
        },
      },
    });
    return this.#peer;
  }

  // With a reader of its own: what the application reads are differences between its own readings.
  #reportPlayback(): void {
    const peer = this.#peer;
    if (peer === undefined || this.#playback) return;
    const stats = new ConnectionStatsReader();
    this.#playback = new PlaybackReport({
      readDelayMs: async () => stats.read(await peer.getStats()).jitterBufferMs,
      readLevel: () => peer.readPlayedLevel(),
      send: (text) => {
        peer.send(text);
      },
    });
  }

  #openOutputs(): void {
    this.#outputs = new OutputStream({
      endpoint: this.#host.endpoint,
      webrtcId: this.webrtcId,
      onOutput: (values) => {
        this.#host.emit("output", values);
      },
    });
  }

  #onServerMessage(message: ServerMessage): void {
    const host = this.#host;
    switch (message.type) {
      case "log":
        if (message.data === "response_starting") this.#playback?.expectReply();
        if (isTurnLog(message.data)) host.emit("turn-log", message.data);
        break;
      case "turn":
        host.emit("turn-traced", message.data);
        break;
      case "fetch_output":
        // Empty from servers that keep the values for `/outputs`.
        if ((host.options.outputs ?? "channel") === "channel" && message.data.length > 0) {
          host.emit("output", message.data);
        }
        break;
      case "send_input":
        void this.#postInputs(host.choices().inputs ?? {});
        break;
      case "message":
        host.emit("message", message.data);
        break;
      case "stopword":
        host.emit("stop-word-heard", undefined);
        break;
      case "error":
        host.emit("error", new FastRTCClientError("reported-by-server", message.message));
        break;
      case "warning":
        host.emit("warning", message.message);
        break;
      case "end_stream":
        this.#goodbye = message.data;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => {
          this.#onHangUp();
        }, GOODBYE_TIMEOUT_MS);
        break;
      case "update_connection":
        this.#onHangUp();
        break;
    }
  }

  async #postInputs(inputs: ClientInputs): Promise<void> {
    try {
      await this.sendInputs(inputs);
    } catch (error) {
      if (!this.#hasEnded) this.#host.emit("error", toClientError(error, "network"));
    }
  }

  #onHangUp(): void {
    const reason = this.#goodbye ?? "The server ended the session.";
    this.#end(
      { state: "closed", closedBy: "server", reason },
      new FastRTCClientError("closed-by-server", reason),
    );
  }

  #fail(error: FastRTCClientError): void {
    this.#end({ state: "failed", error }, error);
  }

  #end(end: SessionEnd, reason?: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#controller.abort(reason);
    this.#peer?.close();
    this.#microphone?.close();
    this.#outputs?.close();
    this.#playback?.close();
    this.#host.onEnded(end);
  }
}

function isTurnLog(text: string): text is TurnLog {
  return text === "started_talking" || text === "pause_detected" || text === "response_starting";
}
