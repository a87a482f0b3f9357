/**
 * Joins everything for one caller: transport, codecs, handler, context. Lives from the accepted
 * offer to the end of the transport, and closes all that it opened.
 */

import { parseClientMessage } from "@fastrtc/protocol";
import type { ServerMessage, TurnTrace } from "@fastrtc/protocol";

import { createDecoder } from "../codec/create-codec.ts";
import type { AudioEncoderOptions } from "../codec/create-codec.ts";
import type { CloseStream } from "../handler/close-stream.ts";
import { runEmitLoop } from "../handler/emit-loop.ts";
import type { HandlerPort } from "../handler/handler-port.ts";
import { StreamHandler } from "../handler/stream-handler.ts";
import type { StreamHandlerBase } from "../handler/stream-handler.ts";
import type { Clock, Timer } from "../media/clock.ts";
import type { Logger } from "../observe/logger.ts";
import type { Transport, TransportCloseReason } from "../transport/transport.ts";
import { createSessionContext, runInContext } from "./context/context.ts";
import type { SessionContextSeed } from "./context/context.ts";
import { ErrorReport } from "./error-report.ts";
import { Inbound } from "./inbound.ts";
import { SessionInputs } from "./inputs.ts";
import { Outbound } from "./outbound.ts";
import { SessionOutputs } from "./outputs.ts";
import type { SessionContext } from "./context/session-context.ts";
import { SessionTurns } from "./session-turns.ts";

/** Text of a client's message that is too long to be echoed. */
const MAX_ECHO_LENGTH = 200;
/** Outputs beyond this length of JSON are fetched, not pushed; a data channel message holds 64 kB. */
const MAX_PUSHED_LENGTH = 48_000;

/** What a session knows of itself before it has a transport. */
export type SessionSelf = Omit<
  SessionContextSeed,
  "transport" | "signal" | "send" | "warn" | "close"
>;

/** What a {@link Session} is made of. */
export interface SessionOptions {
  /** What its context tells. */
  readonly self: SessionSelf;
  readonly transport: Transport;
  /** The stream's handler; the session makes a copy of its own. */
  readonly handler: StreamHandlerBase;
  readonly initialInputs: unknown;
  /** Called with the arguments of each AdditionalOutputs, in the session's context. */
  readonly onOutputs: ((...args: readonly unknown[]) => void | Promise<void>) | undefined;
  /** Called when a turn is over, and when more becomes known of it; in the session's context. */
  readonly onTurn: ((trace: TurnTrace) => void | Promise<void>) | undefined;
  /** Called with each key that the caller presses on a telephone; in the session's context. */
  readonly onDtmf: ((digit: string) => void | Promise<void>) | undefined;
  /** Seconds after which the session ends, counted from its connection; Infinity for never. */
  readonly timeLimit: number;
  readonly encoder: AudioEncoderOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called once, when nothing of the session is left. */
  readonly onClosed: (reason: TransportCloseReason) => void;
}

/** One caller's connected life. */
export class Session {
  /** Whose session this is. */
  readonly context: SessionContext;
  /** What its client decides about its turns. */
  readonly turns: SessionTurns;
  /** What the caller set. */
  readonly inputs: SessionInputs;
  /** What the handler says beside its audio. */
  readonly outputs: SessionOutputs;
  readonly #options: SessionOptions;
  readonly #controller = new AbortController();
  readonly #handler: StreamHandlerBase;
  readonly #errors: ErrorReport;
  readonly #outbound: Outbound | undefined;
  readonly #inbound: Inbound | undefined;
  #timeLimit: Timer | undefined;
  // How long the client's audio takes from its arrival to the ear, as the client reports it.
  #playbackDelayMs = 0;
  #isEnding = false;
  #isClosing = false;

  /** @throws whatever the handler's `copy()` throws; nothing is left open then but the transport. */
  constructor(options: SessionOptions) {
    this.#options = options;
    const { self, transport, clock, logger } = options;
    const send = (message: ServerMessage): void => transport.sendMessage(message);
    this.context = createSessionContext({
      ...self,
      transport: transport.kind,
      signal: this.#controller.signal,
      send: (data) => send({ type: "message", data }),
      warn: (message) => send({ type: "warning", message }),
      close: (message) => {
        void this.close({ type: "end_stream", data: message ?? "Stream closed" });
      },
    });
    this.inputs = new SessionInputs(options.initialInputs);
    this.outputs = new SessionOutputs();
    this.#errors = new ErrorReport(self.webrtcId, logger, clock, (message) =>
      send({ type: "error", message }),
    );
    this.#handler = runInContext(this.context, () => options.handler.copy());
    if (transport.kind === "telephone") this.#handler.phoneMode = true;
    this.turns = new SessionTurns(this.context, this.#handler, (error) =>
      this.#errors.report(error),
    );
    const channels = this.#handler.expectedLayout === "stereo" ? 2 : 1;
    const { inputFormat, outputFormat } = transport;
    if (inputFormat) {
      this.#inbound = new Inbound({
        handler: this.#handler,
        context: this.context,
        decoder: createDecoder(inputFormat, this.#handler.inputSampleRate, channels),
        clockRate: inputFormat.sampleRate,
        logger,
        onError: (error) => this.#errors.report(error),
      });
    }
    if (outputFormat) {
      this.#outbound = new Outbound({
        transport,
        format: outputFormat,
        sampleRate: this.#handler.outputSampleRate,
        channels,
        encoder: options.encoder,
        clock,
      });
    }
    runInContext(this.context, () => this.#handler.attach(this.#port()));
  }

  /** The way this session is carried. */
  get transport(): Transport {
    return this.#options.transport;
  }

  /** Whether this side has begun to end it. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Lets the transport begin. */
  open(): void {
    this.#options.transport.open({
      onConnected: () => this.#onConnected(),
      onAudio: (chunk) => this.#inbound?.push(chunk),
      onMessage: (text) => this.#onMessage(text),
      onDtmf: (digit) => this.#onDtmf(digit),
      onClosed: (reason) => this.#onClosed(reason),
    });
  }

  /**
   * Ends the session. Resolves when its sockets and timers are gone.
   *
   * @param message - What the client is told first.
   */
  async close(message?: ServerMessage): Promise<void> {
    this.#isClosing = true;
    if (message) this.#options.transport.sendMessage(message);
    await this.#options.transport.close();
  }

  #onConnected(): void {
    const { timeLimit, clock } = this.#options;
    if (Number.isFinite(timeLimit)) {
      this.#timeLimit = clock.setTimeout(() => {
        void this.close({ type: "end_stream", data: "Time limit reached" });
      }, timeLimit * 1000);
    }
    this.#call(() => this.#handler.startUp());
    if (this.#handler instanceof StreamHandler) void runEmitLoop(this.#handler, this.#port());
  }

  #onMessage(text: string): void {
    const report = parseClientMessage(text);
    if (report?.type === "playback") this.#playbackDelayMs = report.delayMs;
    if (report?.type === "audible") this.#handler.onAudible(Date.now() - this.#oneWayMs());
    if (report) return;
    const echo = text.length > MAX_ECHO_LENGTH ? `${text.slice(0, MAX_ECHO_LENGTH)}…` : text;
    this.#options.transport.sendMessage({ type: "log", data: `Server received: ${echo}` });
    this.#call(() => this.#handler.onMessage(text));
  }

  #onDtmf(digit: string): void {
    const { onDtmf } = this.#options;
    if (onDtmf) this.#call(() => onDtmf(digit));
    this.#call(() => this.#handler.onDtmf(digit));
  }

  #onClosed(reason: TransportCloseReason): void {
    this.#timeLimit?.cancel();
    this.#outbound?.close();
    this.#inbound?.close();
    // Listeners of the user's run in the context of whoever aborts: that must be this session's.
    runInContext(this.context, () => this.#controller.abort());
    this.outputs.close();
    this.#call(() => this.#handler.shutdown());
    this.#call(() => this.#handler.reset());
    this.#options.onClosed(reason);
  }

  #call(callback: () => void | Promise<void>): void {
    try {
      const pending = runInContext(this.context, callback);
      if (pending instanceof Promise) pending.catch((error: unknown) => this.#errors.report(error));
    } catch (error) {
      this.#errors.report(error);
    }
  }

  #port(): HandlerPort {
    const { transport, clock } = this.#options;
    const outbound = this.#outbound;
    const { inputs } = this;
    const playoutDelayMs = (): number =>
      transport.stats().playoutDelayMs ?? this.#oneWayMs() + this.#playbackDelayMs;
    return {
      get playoutDelayMs() {
        return playoutDelayMs();
      },
      traceTurn: (trace) => this.#traceTurn(trace),
      replyProgress: (data) => transport.sendMessage({ type: "reply", data }),
      userTranscript: (data) => transport.sendMessage({ type: "transcript", data }),
      context: this.context,
      clock,
      get inputs() {
        return inputs.latest;
      },
      nextInputs: (signal) => inputs.next(signal),
      write: (frame, onSent) => outbound?.write(frame, onSent),
      flush: () => outbound?.flush(),
      hold: () => outbound?.hold(),
      release: () => outbound?.release(),
      clear: () => {
        outbound?.clear();
        transport.clearAudio();
      },
      get isPlaying() {
        return outbound?.isPlaying ?? false;
      },
      drained: () => outbound?.drained() ?? Promise.resolve(),
      output: ({ args }) => this.#output(args),
      log: (moment) => transport.sendMessage({ type: "log", data: moment }),
      stopWordHeard: () => transport.sendMessage({ type: "stopword", data: "" }),
      requestInputs: () => transport.sendMessage({ type: "send_input", data: [] }),
      reportError: (error) => this.#errors.report(error),
      noteError: (error) => this.#errors.note(error),
      closeStream: (close) => void this.#endStream(close),
    };
  }

  #oneWayMs(): number {
    return (this.#options.transport.stats().roundTripMs ?? 0) / 2;
  }

  #traceTurn(trace: TurnTrace): void {
    this.#options.transport.sendMessage({ type: "turn", data: trace });
    const { onTurn } = this.#options;
    if (onTurn) this.#call(() => onTurn(trace));
  }

  #output(args: readonly unknown[]): void {
    this.outputs.push(args);
    this.#options.transport.sendMessage({ type: "fetch_output", data: pushable(args) });
    const { onOutputs } = this.#options;
    if (onOutputs) this.#call(() => onOutputs(...args));
  }

  async #endStream(close: CloseStream): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#outbound?.flush();
    await this.#outbound?.drained();
    await this.close({ type: "end_stream", data: close.message });
  }
}

// What cannot be pushed is announced with empty data, and fetched over HTTP.
function pushable(args: readonly unknown[]): readonly unknown[] {
  try {
    return JSON.stringify(args).length <= MAX_PUSHED_LENGTH ? args : [];
  } catch {
    return [];
  }
}
