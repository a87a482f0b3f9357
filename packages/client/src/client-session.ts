import { parseServerMessage, type ClientConfig, type ServerMessage } from "@fastrtc/protocol";
import { FastRTCClientError, toClientError } from "./client-error.ts";
import type { ClientEvents } from "./client-events.ts";
import type { FastRTCClientOptions } from "./client-options.ts";
import type { ClientTransport, ClientTransportListener } from "./client-transport.ts";
import type { ConnectionStats } from "./connection-stats.ts";
import { createTransport } from "./create-transport.ts";
import type { Endpoint } from "./endpoint.ts";
import { postInputs, type ClientInputs } from "./inputs.ts";
import { Microphone } from "./microphone.ts";
import { OutputStream } from "./output-stream.ts";
import { PlaybackReport } from "./playback-report.ts";
import { isFinal } from "./refusal.ts";
import { Resumption, toResumeError } from "./resumption.ts";
import { takeServerMessage } from "./server-events.ts";
import type { SessionClaim } from "./session-claim.ts";

const CONNECT_TIMEOUT_MS = 30_000;
const RESUME_TIMEOUT_MS = 30_000;
// A server that says goodbye hangs up itself once its last words are played; this is for one
// that forgets to.
const GOODBYE_TIMEOUT_MS = 10_000;

/** Where a session stands while it lives. */
export type SessionProgress =
  | { readonly state: "requesting-microphone" | "connecting" | "reconnecting" }
  | { readonly state: "connected"; readonly resumed?: boolean };

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
  onProgress(progress: SessionProgress): void;
  onStream(stream: MediaStream): void;
  /** Called exactly once, last. */
  onEnded(end: SessionEnd): void;
  emit<Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]): void;
}

/**
 * One connected life, from the question for the microphone to the hang-up; never used twice.
 *
 * It may have several paths to the server, one after the other: a lost one is followed by the next.
 */
export class ClientSession {
  readonly #claim: SessionClaim;
  readonly #host: ClientSessionHost;
  readonly #controller = new AbortController();
  #microphone: Microphone | undefined;
  #transport: ClientTransport | undefined;
  #resumption: Resumption | undefined;
  #outputs: OutputStream | undefined;
  #playback: PlaybackReport | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #goodbye: string | undefined;
  #isAnswered = false;
  #hasEnded = false;
  #replacing: Promise<void> = Promise.resolve();
  #posting: Promise<void> = Promise.resolve();

  constructor(claim: SessionClaim, host: ClientSessionHost) {
    this.#claim = claim;
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
    const isResuming = this.#claim.sessionToken !== undefined;
    try {
      await this.#open(signal);
    } catch (caught) {
      const error = toClientError(caught, "unsupported");
      // Only a server's answer says that the session is gone: a full server, say, may let it in later.
      const isGone =
        isResuming && !this.#isAnswered && error.status !== undefined && isFinal(error);
      this.#fail(isGone ? toResumeError(error) : error);
      // What ended the session explains more than what then broke because of it.
      throw signal.reason;
    }
  }

  async #open(signal: AbortSignal): Promise<void> {
    const host = this.#host;
    // The promise of ending: every wait below is left as soon as the session ends.
    const ended = rejectOnAbort(signal);
    host.onProgress({ state: "connecting" });
    const config = await Promise.race([host.loadConfig(signal), ended]);
    if (config.modality !== "audio") {
      throw new FastRTCClientError(
        "unsupported",
        `The server's modality is "${config.modality}"; this client carries "audio".`,
      );
    }
    if (config.mode !== "receive") {
      host.onProgress({ state: "requesting-microphone" });
      await Promise.race([this.#openMicrophone(config, host.choices().deviceId), ended]);
      host.onProgress({ state: "connecting" });
    }
    const timeoutMs = host.options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    this.#timer = setTimeout(() => {
      this.#fail(tooSlow(timeoutMs / 1000, host.options.transport));
    }, timeoutMs);
    await this.#openPath(config, signal);
  }

  /** Opens a path; resolves when media and messages flow on it. */
  async #openPath(config: ClientConfig, signal: AbortSignal): Promise<void> {
    let isUp = false;
    let connected: () => void = () => undefined;
    let lost: (error: FastRTCClientError) => void = () => undefined;
    const outcome = new Promise<void>((resolve, reject) => {
      connected = resolve;
      lost = reject;
    });
    const aborted = rejectOnAbort(signal);
    outcome.catch(() => undefined);
    const listener: ClientTransportListener = {
      ...this.#listener(),
      onConnected: () => {
        this.#onConnected(!isUp);
        isUp = true;
        connected();
      },
      onLost: (error) => {
        if (isUp) this.#onLost(error, config);
        else lost(error);
      },
    };
    const { endpoint, options } = this.#host;
    const claim = this.#claim;
    const transport = await createTransport({ endpoint, options, config, claim, listener });
    if (signal.aborted) transport.close();
    signal.throwIfAborted();
    this.#transport = transport;
    try {
      const opening = transport.open(this.#microphone?.stream, config.mode !== "send");
      await Promise.race([opening, outcome, aborted]);
      await Promise.race([opening, aborted]);
      this.#onAnswered();
      await Promise.race([outcome, aborted]);
    } catch (error) {
      transport.close();
      if (this.#transport === transport) this.#transport = undefined;
      throw error;
    }
  }

  #listener(): Omit<ClientTransportListener, "onConnected" | "onLost"> {
    const host = this.#host;
    let stream: MediaStream | undefined;
    return {
      onInterrupted: () => {
        host.onProgress({ state: "reconnecting" });
      },
      onStream: (received) => {
        if (received === stream) return;
        stream = received;
        host.onStream(received);
      },
      onMessage: (text) => {
        const message = parseServerMessage(text);
        if (message !== undefined) this.#onServerMessage(message);
      },
      onWarning: (message) => {
        host.emit("warning", message);
      },
      onPlaybackBlocked: () => {
        host.emit("playback-blocked", undefined);
      },
      onClosed: () => {
        this.#onHangUp();
      },
    };
  }

  #onAnswered(): void {
    this.#isAnswered = true;
    const { endpoint, options } = this.#host;
    const { inputs } = this.#host.choices();
    if (inputs !== undefined) void this.#postInputs(inputs);
    if (options.outputs !== "sse") return;
    if (this.#outputs !== undefined) this.#outputs.renew();
    else {
      this.#outputs = new OutputStream({
        endpoint,
        claim: this.#claim,
        onOutput: (values) => {
          this.#host.emit("output", values);
        },
      });
    }
  }

  #onConnected(isNewPath: boolean): void {
    const { webrtcId, isResumed } = this.#claim;
    if (this.#goodbye === undefined) clearTimeout(this.#timer);
    this.#playback ??= this.#reportPlayback();
    this.#host.onProgress({
      state: "connected",
      ...(isNewPath ? { resumed: isResumed } : {}),
    });
    if (isNewPath && isResumed) this.#host.emit("resumed", { webrtcId });
  }

  #onLost(error: FastRTCClientError, config: ClientConfig): void {
    this.#transport = undefined;
    const { options } = this.#host;
    const canResume = (options.resume ?? true) && this.#claim.sessionToken !== undefined;
    if (!canResume || this.#goodbye !== undefined || isFinal(error)) {
      this.#fail(error);
      return;
    }
    this.#host.onProgress({ state: "reconnecting" });
    this.#resumption?.close();
    this.#resumption = new Resumption({
      timeoutMs: options.resumeTimeoutMs ?? RESUME_TIMEOUT_MS,
      open: (signal) => this.#openPath(config, signal),
      onFailed: (failure) => {
        this.#fail(failure);
      },
    });
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
      postInputs(this.#host.endpoint, this.#claim, inputs, signal),
    );
    this.#posting = posting.catch(() => undefined);
    return posting;
  }

  /** Sends a text to the handler. */
  send(text: string): void {
    if (this.#transport === undefined) {
      throw new FastRTCClientError("not-connected", "There is no connected session to send to.");
    }
    this.#transport.send(text);
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

  /** Reads how good the path is; undefined before there is one. */
  async readStats(): Promise<ConnectionStats | undefined> {
    return this.#transport?.readStats();
  }

  /** Lets the transport play after the browser wanted a click. Returns whether it does. */
  async resumePlayback(): Promise<boolean> {
    return (await this.#transport?.resumePlayback()) ?? true;
  }

  /** The network may have changed, or come back. */
  checkPath(): void {
    this.#resumption?.hurry();
    this.#transport?.checkPath();
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
      await this.#transport?.replaceMicrophone(microphone.stream);
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

  #reportPlayback(): PlaybackReport {
    return new PlaybackReport({
      readDelayMs: async () => this.#transport?.readPlaybackDelay(),
      readLevel: async () => this.#transport?.readPlayedLevel(),
      send: (text) => {
        this.send(text);
      },
    });
  }

  #onServerMessage(message: ServerMessage): void {
    const host = this.#host;
    takeServerMessage(message, {
      takesOutputs: (host.options.outputs ?? "channel") === "channel",
      emit: (name, event) => {
        host.emit(name, event);
      },
      onReplyStarting: () => this.#playback?.expectReply(),
      onInputsWanted: () => void this.#postInputs(host.choices().inputs ?? {}),
      onGoodbye: (text) => {
        this.#goodbye = text;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => {
          this.#onHangUp();
        }, GOODBYE_TIMEOUT_MS);
      },
      onHangUp: () => {
        this.#onHangUp();
      },
    });
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
    this.#resumption?.close();
    this.#transport?.close();
    this.#microphone?.close();
    this.#outputs?.close();
    this.#playback?.close();
    this.#host.onEnded(end);
  }
}

function tooSlow(
  seconds: number,
  transport: FastRTCClientOptions["transport"],
): FastRTCClientError {
  return transport === "websocket"
    ? new FastRTCClientError(
        "network",
        `No WebSocket session within ${seconds} seconds. The server may be overloaded, or a proxy on the way may pass no WebSockets on.`,
      )
    : new FastRTCClientError(
        "ice-failed",
        `No connection within ${seconds} seconds. A VPN or firewall may block UDP; across networks the server needs a public address or a TURN server.`,
      );
}

/** Gives a promise that rejects with the signal's reason, and disturbs nobody who does not wait. */
function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const aborted = new Promise<never>((_, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
  aborted.catch(() => undefined);
  return aborted;
}
