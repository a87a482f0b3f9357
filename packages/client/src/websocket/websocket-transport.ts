/**
 * A session over a WebSocket: texts and audio in both directions on one connection, for networks
 * that let no UDP through.
 *
 * `audio-graph.ts` has the sound, `socket-messages.ts` the wire, this file their life.
 */

import { FastRTCClientError, toClientError } from "../client-error.ts";
import type { WebSocketOptions } from "../client-options.ts";
import type { ClientTransport, ClientTransportListener } from "../client-transport.ts";
import type { ConnectionStats } from "../connection-stats.ts";
import type { Endpoint } from "../endpoint.ts";
import { toRefusal } from "../refusal.ts";
import { takeAnswer, type SessionClaim } from "../session-claim.ts";
import { AudioGraph } from "./audio-graph.ts";
import { changeRate } from "./change-rate.ts";
import {
  decodeAudio,
  encodeAudio,
  encodeStart,
  encodeText,
  parseSocketMessage,
  type SocketAudio,
} from "./socket-messages.ts";

const ROUTE = "/websocket/offer";
const SAMPLE_RATE = 24_000;
const MAX_SAMPLE_RATE = 48_000;
const FASTRTC_RATES = { input: 48_000, output: 24_000 } as const;
/** A FastRTC server never answers to `start`. */
const STARTED_TIMEOUT_MS = 1000;
/** How long a browser that may play takes to begin. */
const RESUME_TIMEOUT_MS = 500;
const PING_EVERY_MS = 4000;
/** After so many pings without any message the path is taken for lost. */
const MAX_SILENT_PINGS = 2;
/** Microphone audio that the network has not taken; what comes then is dropped. */
const MAX_BUFFERED_MS = 1000;

/** What a {@link WebSocketTransport} needs. */
export interface WebSocketTransportOptions extends WebSocketOptions {
  readonly endpoint: Endpoint;
  readonly claim: SessionClaim;
  readonly listener: ClientTransportListener;
}

/** One WebSocket with microphone and loudspeaker. */
export class WebSocketTransport implements ClientTransport {
  readonly #options: WebSocketTransportOptions;
  readonly #graphs = new Set<AudioGraph>();
  #socket: WebSocket | undefined;
  #microphone: MediaStream | undefined;
  #input: AudioGraph | undefined;
  #output: AudioGraph | undefined;
  #rate = SAMPLE_RATE;
  #audio: SocketAudio | undefined;
  #onStarted: (() => void) | undefined;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #pingTimer: ReturnType<typeof setInterval> | undefined;
  #pingedAt: number | undefined;
  #silentPings = 0;
  #roundTripMs: number | undefined;
  #isConnected = false;
  #isInterrupted = false;
  #isClosed = false;
  #refusal: FastRTCClientError | undefined;

  constructor(options: WebSocketTransportOptions) {
    this.#options = options;
  }

  async open(microphone: MediaStream | undefined, listens: boolean): Promise<void> {
    const { claim, listener, sampleRate = SAMPLE_RATE } = this.#options;
    this.#microphone = microphone;
    const [graph, socket] = await Promise.all([
      this.#openGraph(sampleRate, microphone),
      this.#openSocket(),
    ]);
    if (listens) this.#output = graph;
    // Beyond 48 kHz, as some sound cards work at, there is nothing to hear.
    this.#rate = graph.sampleRate <= MAX_SAMPLE_RATE ? graph.sampleRate : sampleRate;
    socket.send(encodeStart(claim, this.#rate));
    const started = new Promise<void>((resolve) => (this.#onStarted = resolve));
    await Promise.race([started, this.#wait(STARTED_TIMEOUT_MS)]);
    if (this.#isClosed) throw this.#refusal ?? lost();
    if (this.#audio === undefined) {
      const { input, output } = this.#options.fastrtcSampleRates ?? FASTRTC_RATES;
      await this.#begin({ codec: "mulaw", inputRate: input, outputRate: output });
    }
    if (this.#microphone !== undefined) {
      this.#input = graph;
      // Another one may have been chosen meanwhile.
      if (this.#microphone !== microphone) graph.setMicrophone(this.#microphone);
      graph.capture((samples) => {
        this.#sendAudio(samples);
      });
    }
    this.#pingTimer = setInterval(() => {
      this.#ping();
    }, PING_EVERY_MS);
    this.#isConnected = true;
    listener.onConnected();
    if (!graph.isRunning) void this.#tellIfBlocked();
  }

  replaceMicrophone(microphone: MediaStream): Promise<void> {
    this.#microphone = microphone;
    this.#input?.setMicrophone(microphone);
    return Promise.resolve();
  }

  send(text: string): void {
    if (this.#socket?.readyState !== WebSocket.OPEN || !this.#isConnected) {
      throw new FastRTCClientError("not-connected", "There is no connected session to send to.");
    }
    this.#socket.send(encodeText(text));
  }

  readStats(): Promise<ConnectionStats> {
    return Promise.resolve({
      roundTripMs: this.#roundTripMs,
      // TCP loses nothing: what is lost on the way comes late.
      inboundLossShare: undefined,
      outboundLossShare: undefined,
      jitterBufferMs: this.#output?.report.queuedMs,
    });
  }

  readPlaybackDelay(): Promise<number | undefined> {
    const output = this.#output;
    if (output === undefined) return Promise.resolve(undefined);
    const { queuedMs, prebufferMs } = output.report;
    return Promise.resolve((queuedMs > 0 ? queuedMs : prebufferMs) + output.outputDelayMs);
  }

  readPlayedLevel(): Promise<number | undefined> {
    return Promise.resolve(this.#output?.report.level);
  }

  async resumePlayback(): Promise<boolean> {
    const graphs = [...this.#graphs];
    // A promise of the browser's that waits for a click would wait here for ever.
    const resumed = Promise.all(graphs.map((graph) => graph.resume()));
    await Promise.race([resumed, this.#wait(RESUME_TIMEOUT_MS)]);
    return graphs.every((graph) => graph.isRunning);
  }

  checkPath(): void {
    // Telephones take the sound away from a page, for a call of their own, and need not give it back.
    if (this.#isConnected && [...this.#graphs].some((graph) => !graph.isRunning)) {
      void this.#tellIfBlocked();
    }
    // One that is under way says as much.
    if (this.#isConnected && this.#pingedAt === undefined) this.#ping();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#pingTimer);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#onStarted?.();
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify({ event: "stop" }));
    }
    this.#socket?.close(1000);
    for (const graph of this.#graphs) graph.close();
  }

  async #tellIfBlocked(): Promise<void> {
    const runs = await this.resumePlayback();
    if (!runs && !this.#isClosed) this.#options.listener.onPlaybackBlocked();
  }

  /** Waits; for ever when it is closed meanwhile. */
  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, delayMs);
      this.#timers.add(timer);
    });
  }

  async #openGraph(sampleRate: number, microphone?: MediaStream): Promise<AudioGraph> {
    const { workletUrl } = this.#options;
    const graph = await AudioGraph.open({ sampleRate, microphone, workletUrl });
    if (this.#isClosed) {
      graph.close();
      throw lost();
    }
    this.#graphs.add(graph);
    return graph;
  }

  #openSocket(): Promise<WebSocket> {
    const url = new URL(this.#options.endpoint.url(ROUTE));
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      let wasOpen = false;
      this.#socket = socket;
      socket.binaryType = "arraybuffer";
      socket.onopen = () => {
        wasOpen = true;
        resolve(socket);
      };
      socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
        this.#take(data);
      };
      socket.onclose = ({ code }) => {
        if (wasOpen) {
          this.#onSocketClosed(code);
          return;
        }
        // Browsers tell nothing of a refused upgrade, not even its status.
        reject(
          new FastRTCClientError(
            "network",
            `No WebSocket could be opened at ${url.origin}${url.pathname}. The server may be down or may not let you in, or a proxy on the way passes no WebSockets on.`,
          ),
        );
      };
    });
  }

  #take(data: string | ArrayBuffer): void {
    if (this.#isClosed) return;
    this.#silentPings = 0;
    if (this.#isInterrupted) {
      this.#isInterrupted = false;
      this.#options.listener.onConnected();
    }
    if (typeof data !== "string") {
      if (this.#audio?.codec === "pcm16") this.#output?.push(decodeAudio(data));
      return;
    }
    const message = parseSocketMessage(data);
    switch (message?.event) {
      case undefined:
        this.#options.listener.onMessage(data);
        break;
      case "media":
        this.#output?.push(message.samples);
        break;
      case "clear":
        this.#output?.clear();
        break;
      case "pong":
        if (this.#pingedAt !== undefined) this.#roundTripMs = performance.now() - this.#pingedAt;
        this.#pingedAt = undefined;
        break;
      case "started":
        takeAnswer(this.#options.claim, message.answer);
        // Also when it comes late and mu-law has begun: a busy server's word still counts.
        this.#begin({
          codec: "pcm16",
          inputRate: this.#rate,
          outputRate: this.#rate,
          ...message.audio,
        }).then(this.#onStarted, (error: unknown) => {
          this.#lose(toClientError(error, "unsupported"));
        });
        break;
      case "refused":
        this.#refusal = toRefusal(message.body);
        break;
    }
  }

  async #begin(audio: SocketAudio): Promise<void> {
    this.#audio = audio;
    if (this.#output === undefined) return;
    if (this.#output.sampleRate !== audio.outputRate) {
      this.#output = await this.#openGraph(audio.outputRate);
    }
    // While it was opened a late `started` may have changed the codec once more.
    if (this.#audio !== audio) return;
    this.#options.listener.onStream(this.#output.play(audio.codec === "pcm16"));
  }

  #sendAudio(samples: Int16Array): void {
    const [audio, socket, input] = [this.#audio, this.#socket, this.#input];
    if (audio === undefined || socket?.readyState !== WebSocket.OPEN || input === undefined) return;
    const { codec, inputRate } = audio;
    // In bytes: two a sample, or one in base64.
    const mostBuffered = (MAX_BUFFERED_MS / 1000) * inputRate * (codec === "pcm16" ? 2 : 4 / 3);
    if (socket.bufferedAmount > mostBuffered) return;
    socket.send(encodeAudio(changeRate(samples, input.sampleRate, inputRate), codec));
  }

  #ping(): void {
    if (this.#silentPings >= MAX_SILENT_PINGS) {
      this.#lose(lost());
      return;
    }
    if (this.#silentPings > 0 && !this.#isInterrupted) {
      this.#isInterrupted = true;
      this.#options.listener.onInterrupted();
    }
    this.#silentPings += 1;
    this.#pingedAt = performance.now();
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify({ event: "ping" }));
    }
  }

  #onSocketClosed(code: number): void {
    if (this.#isClosed) return;
    if (code === 1000 && this.#isConnected && this.#refusal === undefined) {
      this.close();
      this.#options.listener.onClosed();
      return;
    }
    this.#refusal ??= toCloseRefusal(code);
    this.#lose(this.#refusal ?? lost());
  }

  #lose(error: FastRTCClientError): void {
    if (this.#isClosed) return;
    this.close();
    this.#options.listener.onLost(error);
  }
}

function lost(): FastRTCClientError {
  return new FastRTCClientError(
    "connection-lost",
    "The connection was lost. Check the network, then start again.",
  );
}

/** Reads close codes of ours: 4400 and above are 4000 plus the HTTP status that says the same. */
function toCloseRefusal(code: number): FastRTCClientError | undefined {
  if (code === 1009 || code === 1011) {
    return new FastRTCClientError("refused", "Something went wrong on the server.");
  }
  // The server has not heard from us for too long, as when the computer slept: that is a lost path.
  if (code < 4400 || code > 4499 || code === 4408) return undefined;
  const status = code - 4000;
  if (status === 401) return toRefusal({ meta: { error: "not_authorized" } }, { status });
  return new FastRTCClientError("refused", `The server ended the session (${status}).`, { status });
}
