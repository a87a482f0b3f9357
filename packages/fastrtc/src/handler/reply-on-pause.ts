/**
 * The handler that most applications use: waits until the user has finished speaking, answers with a
 * generator, and stops answering when the user speaks again.
 */

import { InvalidOptionError } from "../errors.ts";
import type { AudioFrame } from "../media/audio-frame.ts";
import type { SpeechToText } from "../models/speech-to-text.ts";
import type { EndOfTurnModel } from "../turn/end-of-turn.ts";
import type { SileroVadOptions } from "../turn/fastrtc-vad.ts";
import { createSileroVad, warmUpSileroVad } from "../turn/silero.ts";
import { resolveTurnOptions } from "../turn/turn-options.ts";
import type { AlgoOptions, ResolvedTurnOptions, TurnOptions } from "../turn/turn-options.ts";
import type { VoiceActivityDetectorFactory } from "../turn/voice-activity.ts";
import type { Conductor } from "./conductor.ts";
import { FastRTCConductor } from "./fastrtc-conductor.ts";
import type { HandlerPort } from "./handler-port.ts";
import type { Reply, ReplyCall, ReplyOutput } from "./reply.ts";
import { StreamHandlerBase } from "./stream-handler.ts";
import type { StreamHandlerOptions } from "./stream-handler.ts";
import { TurnConductor } from "./turn-conductor.ts";
import type { TurnPolicy } from "./turn-control.ts";

/**
 * Answers one turn. Usually an async generator; a sync one works too.
 *
 * @param audio - Everything the user said in this turn, pre-roll first, at the handler's
 * `inputSampleRate` and layout.
 */
export type ReplyFunction = (audio: AudioFrame, call: ReplyCall) => ReplyOutput;

/** Speaks first, when the session begins. */
export type StartupFunction = (call: ReplyCall) => ReplyOutput;

/** Options of {@link ReplyOnPause}. */
export interface ReplyOnPauseOptions extends StreamHandlerOptions {
  /** Speaks first, when the session's media flows. */
  readonly startupFn?: StartupFunction;
  /** FastRTC's options of pause detection. */
  readonly algoOptions?: AlgoOptions;
  /** When turns begin and end; wins over {@link ReplyOnPauseOptions.algoOptions}. */
  readonly turn?: TurnOptions;
  /**
   * How turns are found: `"turn-taking"` decides every 32 ms; `"fastrtc"` reproduces Python FastRTC's
   * blocks of 0.6 s for applications that depend on them, with `algoOptions` and `modelOptions` as
   * there, and ignores `turn`, `endOfTurn` and `speechToText`.
   *
   * @defaultValue "turn-taking"
   */
  readonly pauseDetection?: "turn-taking" | "fastrtc";
  /** FastRTC's options of voice activity detection; only with `pauseDetection: "fastrtc"`. */
  readonly modelOptions?: SileroVadOptions;
  /**
   * Whether speech stops a reply. Where it does not, what is said during a reply is ignored.
   *
   * @defaultValue true
   */
  readonly canInterrupt?: boolean;
  /**
   * Makes the voice activity detector of each session.
   *
   * @defaultValue {@link createSileroVad}
   */
  readonly model?: VoiceActivityDetectorFactory;
  /**
   * Judges at each pause whether the user has finished, and so shortens or lengthens the wait
   * (`turn.endpointing`).
   *
   * @defaultValue none: silence alone decides
   */
  readonly endOfTurn?: EndOfTurnModel;
  /**
   * Recognises what the user says, at each pause. Replies then find it in `turn.transcript`, the
   * end-of-turn model reads it, and words decide whether speech over a reply is an interruption. A turn
   * without words is not answered.
   *
   * @defaultValue none
   */
  readonly speechToText?: SpeechToText;
  /**
   * Whether to ask the client for its inputs (`send_input`) at each turn and to wait for them.
   *
   * @defaultValue false
   */
  readonly needsArgs?: boolean;
}

/**
 * Answers each time the user pauses.
 *
 * @example
 * ```ts
 * const handler = new ReplyOnPause(async function* (audio) {
 *   const { webrtcId } = getCurrentContext();
 *   yield audio; // an echo
 * });
 * ```
 */
export class ReplyOnPause extends StreamHandlerBase {
  readonly #reply: ReplyFunction;
  readonly #options: ReplyOnPauseOptions;
  readonly #turnOptions: ResolvedTurnOptions;
  #conductor: Conductor | undefined;

  /**
   * @param reply - Answers one turn.
   * @param options - How turns are found.
   * @throws {@link InvalidOptionError} for an option that cannot work.
   */
  constructor(reply: ReplyFunction, options: ReplyOnPauseOptions = {}) {
    super(options);
    if (typeof reply !== "function") {
      throw new InvalidOptionError("reply", reply, "Give a generator function that yields audio.");
    }
    this.#reply = reply;
    this.#options = options;
    this.#turnOptions = resolveTurnOptions(options.turn, options.algoOptions);
    const { pauseDetection = "turn-taking" } = options;
    if (!["turn-taking", "fastrtc"].includes(pauseDetection)) {
      throw new InvalidOptionError(
        "pauseDetection",
        pauseDetection,
        'Use "turn-taking" or "fastrtc".',
      );
    }
    // Off the critical path: a failure shows again, with its reason, when a session needs the model.
    if (!options.model) warmUpSileroVad().catch(() => undefined);
  }

  override copy(): ReplyOnPause {
    return new ReplyOnPause(this.#reply, this.#options);
  }

  override attach(port: HandlerPort): void {
    super.attach(port);
    const conductor = this.#createConductor(port);
    this.#conductor = conductor;
    port.context.signal.addEventListener("abort", () => conductor.close(), { once: true });
  }

  override receive(frame: AudioFrame): void {
    this.#conductor?.push(frame);
  }

  override startUp(): void {
    const { startupFn } = this.#options;
    if (startupFn) this.#conductor?.greet((reply) => void reply.run(startupFn));
  }

  override reset(): void {
    this.#conductor?.reset();
  }

  override onAudible(atMs: number): void {
    this.#conductor?.onAudible(atMs);
  }

  /** Ends the user's turn now and answers it; answers silence when nothing has been said. */
  triggerResponse(): void {
    this.#conductor?.endTurnNow();
  }

  override endTurnNow(): boolean {
    this.triggerResponse();
    return true;
  }

  override interruptNow(): boolean {
    return this.#conductor?.interruptNow() ?? false;
  }

  override onText(text: string): boolean {
    this.#conductor?.onText(text);
    return true;
  }

  override setTurnPolicy(policy: TurnPolicy): void {
    this.#conductor?.setPolicy(policy);
  }

  #createConductor(port: HandlerPort): Conductor {
    const { model = createSileroVad, canInterrupt = true, pauseDetection } = this.#options;
    const { algoOptions, modelOptions, endOfTurn, speechToText } = this.#options;
    const shared = {
      port,
      sampleRate: this.inputSampleRate,
      channels: this.expectedLayout === "stereo" ? 2 : 1,
      vad: model(),
      canInterrupt,
      answer: (reply: Reply, audio: AudioFrame) => this.#answer(reply, audio),
    } as const;
    return pauseDetection === "fastrtc"
      ? new FastRTCConductor({ ...shared, algoOptions, modelOptions })
      : new TurnConductor({ ...shared, turn: this.#turnOptions, endOfTurn, speechToText });
  }

  #answer(reply: Reply, audio: AudioFrame): void {
    const asks = this.#options.needsArgs === true;
    void reply.run(
      (call) => this.#reply(audio, call),
      asks ? this.waitForArgs(reply.signal) : undefined,
    );
  }
}
