/**
 * The handler that most applications use: waits until the user has finished speaking, answers with a
 * generator, and stops answering when the user speaks again.
 */

import { InvalidOptionError } from "../errors.ts";
import { AudioFrame } from "../media/audio-frame.ts";
import type { TurnTimings } from "../session/context.ts";
import { createSileroVad, warmUpSileroVad } from "../turn/silero.ts";
import { TurnDetector } from "../turn/turn-detector.ts";
import type { Utterance } from "../turn/turn-detector.ts";
import { resolveTurnOptions } from "../turn/turn-options.ts";
import type { AlgoOptions, ResolvedTurnOptions, TurnOptions } from "../turn/turn-options.ts";
import type { VoiceActivityDetectorFactory } from "../turn/voice-activity.ts";
import type { HandlerPort } from "./handler-port.ts";
import { Reply } from "./reply.ts";
import type { ReplyCall, ReplyOutput } from "./reply.ts";
import { StreamHandlerBase } from "./stream-handler.ts";
import type { StreamHandlerOptions } from "./stream-handler.ts";

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
  #detector: TurnDetector | undefined;
  #current: Reply | undefined;
  #turns = 0;

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
    // Off the critical path: a failure shows again, with its reason, when a session needs the model.
    if (!options.model) warmUpSileroVad().catch(() => undefined);
  }

  override copy(): ReplyOnPause {
    return new ReplyOnPause(this.#reply, this.#options);
  }

  override attach(port: HandlerPort): void {
    super.attach(port);
    const channels = this.expectedLayout === "stereo" ? 2 : 1;
    const createVad = this.#options.model ?? createSileroVad;
    this.#detector = new TurnDetector(
      { sampleRate: this.inputSampleRate, channels },
      createVad(),
      this.#turnOptions,
      {
        onSpeechStarted: () => port.log("started_talking"),
        onBargeIn: () => {
          if (this.#canInterrupt) this.#interrupt();
        },
        onTurnEnded: (utterance) => this.#onTurnEnded(utterance),
      },
    );
    port.context.signal.addEventListener("abort", () => this.#interrupt(), { once: true });
  }

  override receive(frame: AudioFrame): void {
    this.#detector?.push(frame);
  }

  override startUp(): void {
    const { startupFn } = this.#options;
    if (startupFn) this.#answer({}, startupFn);
  }

  override reset(): void {
    this.#detector?.reset();
  }

  /** Ends the user's turn now and answers it; answers silence when nothing has been said. */
  triggerResponse(): void {
    if (this.#detector?.inTurn) {
      this.#detector.endTurn();
      return;
    }
    this.#interrupt();
    this.#answerUtterance({ samples: new Int16Array(0), speechStartAgoMs: 0, speechEndAgoMs: 0 });
  }

  get #canInterrupt(): boolean {
    return this.#options.canInterrupt ?? true;
  }

  get #isReplying(): boolean {
    return this.#current?.isGenerating === true || this.port.isPlaying;
  }

  #onTurnEnded(utterance: Utterance): void {
    this.port.log("pause_detected");
    // Speech too short to stop the reply, or in a reply that cannot be stopped.
    if (this.#isReplying) return;
    this.#answerUtterance(utterance);
  }

  #answerUtterance(utterance: Utterance): void {
    const now = Date.now();
    const channels = this.expectedLayout === "stereo" ? 2 : 1;
    const audio = AudioFrame.from([
      this.inputSampleRate,
      utterance.samples,
      channels === 2 ? "stereo" : "mono",
    ]);
    this.#answer(
      {
        speechStartedAt: now - utterance.speechStartAgoMs,
        speechEndedAt: now - utterance.speechEndAgoMs,
        endedAt: now,
      },
      (call) => this.#reply(audio, call),
    );
  }

  #interrupt(): void {
    if (this.#isReplying) this.#current?.interrupt();
  }

  #answer(timings: TurnTimings, start: (call: ReplyCall) => ReplyOutput): void {
    const isTurn = timings.endedAt !== undefined;
    const reply = new Reply(this.port, isTurn ? ++this.#turns : 0, timings);
    this.#current = reply;
    const asks = isTurn && this.#options.needsArgs;
    void reply.run(start, asks ? this.waitForArgs(reply.signal) : undefined);
  }
}
