/**
 * The handler for rooms where not everything is said to us: answers only what follows a stop word.
 */

import { InvalidOptionError } from "../errors.ts";
import type { AudioFrame } from "../media/audio-frame.ts";
import type { SpeechToText } from "../models/speech-to-text.ts";
import type { TurnOptions } from "../turn/turn-options.ts";
import type { HandlerOutput } from "./handler-output.ts";
import type { HandlerPort, TurnMoment } from "./handler-port.ts";
import { ReplyOnPause } from "./reply-on-pause.ts";
import type { ReplyFunction, ReplyOnPauseOptions } from "./reply-on-pause.ts";
import type { ReplyCall, ReplyControl } from "./reply.ts";
import { StopWordGate } from "./stop-word-gate.ts";
import { StopWordMatcher } from "./stop-words.ts";

/** Options of {@link ReplyOnStopWords}. */
export interface ReplyOnStopWordsOptions extends ReplyOnPauseOptions {
  /**
   * Phrases of which one must be heard in each turn that is answered, such as `["computer"]`.
   *
   * Longer ones are taken for something else more seldom.
   */
  readonly stopWords: readonly string[];
  /** Recognises what is said, at each pause. Its quality decides how often a stop word is missed. */
  readonly speechToText: SpeechToText;
  /**
   * Milliseconds that one recognition may take; then it is given up, and listening goes on.
   *
   * Lower values get over a stuck recognizer sooner, and lose what a slow one would have found.
   *
   * @defaultValue 5000
   */
  readonly recognitionTimeoutMs?: number;
}

// What the room says must not touch a reply: words end it, and there are none without a stop word.
const TURN_DEFAULTS = {
  bargeInMs: Infinity,
  interruptMs: Infinity,
  minWords: 1,
  interruptWords: [],
  backchannels: [],
  echoGuardMs: 0,
} as const satisfies TurnOptions;

/** What a handler is made of before it exists itself: filled in by its constructor and session. */
interface Parts {
  gate?: StopWordGate;
  answer?: (audio: AudioFrame, call: ReplyCall) => AsyncGenerator<HandlerOutput>;
}

/**
 * Answers each time the user pauses after having said a stop word.
 *
 * It listens silently until then; the client is told by `stopword`. The reply gets what was said
 * from the pause before the stop word on, and the words after it as `turn.transcript`; whoever pauses
 * right after the stop word is answered for what comes next. Each turn needs a stop word again. One
 * that is heard during a reply stops it; nothing else that is said does.
 *
 * @example
 * ```ts
 * const handler = new ReplyOnStopWords(
 *   async function* (audio, { turn }) {
 *     yield* speak(await answer(turn.transcript));
 *   },
 *   { stopWords: ["computer", "hey computer"], speechToText },
 * );
 * ```
 */
export class ReplyOnStopWords extends ReplyOnPause {
  readonly #fn: ReplyFunction;
  readonly #settings: ReplyOnStopWordsOptions;
  readonly #matcher: StopWordMatcher;
  readonly #parts: Parts;
  #current: ReplyControl | undefined;

  /**
   * @param reply - Answers one turn.
   * @param options - What to listen for, and how turns are found.
   * @throws {@link InvalidOptionError} for an option that cannot work.
   */
  constructor(reply: ReplyFunction, options: ReplyOnStopWordsOptions) {
    const parts: Parts = {};
    const answer = async function* (audio: AudioFrame, call: ReplyCall) {
      if (parts.answer) yield* parts.answer(audio, call);
    };
    super(typeof reply === "function" ? answer : reply, {
      ...options,
      turn: { ...TURN_DEFAULTS, ...options.turn },
      speechToText: {
        transcribe: async (audio, call) =>
          (await parts.gate?.transcribe(audio, call)) ?? { text: "" },
      },
      // Asked for below, when there is something to answer.
      needsArgs: false,
    });
    parts.answer = (audio, call) => this.#answer(audio, call);
    this.#parts = parts;
    this.#fn = reply;
    this.#settings = options;
    this.#matcher = new StopWordMatcher(options.stopWords);
    const { speechToText, recognitionTimeoutMs = 5000 } = options;
    if (typeof (speechToText as Partial<SpeechToText> | undefined)?.transcribe !== "function") {
      throw new InvalidOptionError(
        "speechToText",
        speechToText,
        "Give an object with a method transcribe(audio, { signal }).",
      );
    }
    if (options.pauseDetection === "fastrtc") {
      throw new InvalidOptionError(
        "pauseDetection",
        "fastrtc",
        "Stop words need words at each pause: leave pauseDetection out.",
      );
    }
    if (!(recognitionTimeoutMs > 0)) {
      throw new InvalidOptionError(
        "recognitionTimeoutMs",
        recognitionTimeoutMs,
        "Give milliseconds above 0.",
      );
    }
  }

  override copy(): ReplyOnStopWords {
    return new ReplyOnStopWords(this.#fn, this.#settings);
  }

  override attach(port: HandlerPort): void {
    const { speechToText, recognitionTimeoutMs = 5000 } = this.#settings;
    this.#parts.gate = new StopWordGate({
      speechToText,
      matcher: this.#matcher,
      timeoutMs: recognitionTimeoutMs,
      clock: port.clock,
      isDeaf: () => this.#isDeaf,
      onStopWord: () => port.stopWordHeard(),
    });
    const log = (moment: TurnMoment): void => this.#log(port, moment);
    super.attach(Object.assign(Object.create(port) as HandlerPort, { log }));
  }

  override reset(): void {
    this.#parts.gate?.close();
    super.reset();
  }

  override triggerResponse(): void {
    this.#parts.gate?.open();
    super.triggerResponse();
  }

  // What is said over a reply that cannot be interrupted is not listened to.
  get #isDeaf(): boolean {
    const reply = this.#current;
    if (!reply && !this.port.isPlaying) return false;
    return this.#settings.canInterrupt === false || reply?.uninterruptible === true;
  }

  // The client hears of turns that are meant for us, and of no others.
  #log(port: HandlerPort, moment: TurnMoment): void {
    const { gate } = this.#parts;
    switch (moment) {
      case "started_talking":
        gate?.beginTurn();
        if (gate?.state !== "asleep") port.log(moment);
        break;
      case "pause_detected":
        if (gate?.state === "asked") port.log(moment);
        break;
      case "response_starting":
        // Not before: the user may go on, and is still being listened to.
        gate?.close();
        port.log(moment);
        break;
    }
  }

  async *#answer(audio: AudioFrame, call: ReplyCall): AsyncGenerator<HandlerOutput> {
    const { gate } = this.#parts;
    // Only the stop word was said: what comes next is answered.
    if (gate?.state !== "asked") return;
    const asked = audio.slice(gate.startMs);
    const inputs = this.#settings.needsArgs ? await this.waitForArgs(call.signal) : call.inputs;
    this.#current = call.reply;
    try {
      yield* this.#fn(asked, { ...call, inputs });
      if (!call.signal.aborted) gate.close();
    } finally {
      if (this.#current === call.reply) this.#current = undefined;
    }
  }
}
