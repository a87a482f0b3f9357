/** Every threshold of turn detection, with its default and what it costs. */

import { InvalidOptionError } from "../errors.ts";
import { AdaptiveSilence } from "./adaptive-silence.ts";
import type { AdaptiveSilenceOptions } from "./adaptive-silence.ts";

/** FastRTC's options of pause detection, under FastRTC's names; seconds, as there. */
export interface AlgoOptions {
  /**
   * Seconds of audio over which FastRTC decides; here the silence that ends a turn
   * ({@link TurnOptions.minSilenceMs}), decided every 32 ms instead of once a chunk.
   */
  readonly audioChunkDuration?: number;
  /** Seconds of speech that begin a turn ({@link TurnOptions.minSpeechMs}). */
  readonly startedTalkingThreshold?: number;
  /** Seconds of sound within the silence that still count as silence ({@link TurnOptions.silenceToleranceMs}). */
  readonly speechThreshold?: number;
  /** Seconds after which a turn ends even if the user goes on ({@link TurnOptions.maxTurnMs}). */
  readonly maxContinuousSpeechS?: number;
}

/** How an end-of-turn model shortens or lengthens the wait at the end of a turn. */
export interface EndpointingOptions {
  /**
   * Probability above which the model's answer means that the user has finished.
   *
   * Higher values cut off fewer speakers, and wait `maxDelayMs` at more ends that were real.
   *
   * @defaultValue 0.5
   */
  readonly threshold?: number;
  /**
   * Silence, in milliseconds, after which a turn ends when the model says that it is finished.
   *
   * Lower values answer sooner, and repeat the model's mistakes sooner too.
   *
   * @defaultValue 300
   */
  readonly minDelayMs?: number;
  /**
   * Silence, in milliseconds, after which a turn ends when the model says that more is to come, or
   * says nothing.
   *
   * Higher values let people think longer, and make them wait longer when the model was wrong.
   *
   * @defaultValue 2000
   */
  readonly maxDelayMs?: number;
  /**
   * Milliseconds that the model has for its answer. After three failures in a row `minSilenceMs`
   * holds again, until the model answers in time.
   *
   * @defaultValue 1000
   */
  readonly timeoutMs?: number;
}

/** When a turn begins, when it ends, and when speech stops a reply. */
export interface TurnOptions {
  /**
   * Probability from which a window counts as speech.
   *
   * Higher values ignore more noise and miss more quiet speakers.
   *
   * @defaultValue 0.5
   */
  readonly speechThreshold?: number;
  /**
   * Probability below which speech that has begun counts as silence again.
   *
   * Lower values bridge more of a speaker's soft sounds and notice the end later.
   *
   * @defaultValue `speechThreshold - 0.15`
   */
  readonly silenceThreshold?: number;
  /**
   * Speech, in milliseconds, after which a turn has begun.
   *
   * Higher values ignore longer clicks and coughs, and miss short words.
   *
   * @defaultValue 64
   */
  readonly minSpeechMs?: number;
  /**
   * Silence, in milliseconds, after which the speech of a moment has stopped: a model is asked then,
   * and speech over a reply is judged. Whole windows of 32 ms count.
   *
   * Lower values ask and judge sooner, and take more gaps between words for pauses.
   *
   * @defaultValue 200, and at most `minSilenceMs`
   */
  readonly vadStopMs?: number;
  /**
   * Silence, in milliseconds, after which a turn has ended where no end-of-turn model decides.
   *
   * Lower values answer sooner and cut off more speakers who pause to think.
   *
   * @defaultValue 650
   */
  readonly minSilenceMs?: number;
  /**
   * Sound within that silence, in milliseconds, which still counts as silence.
   *
   * Higher values end the turn in spite of clicks and breath, and overlook a short word.
   *
   * @defaultValue 32
   */
  readonly silenceToleranceMs?: number;
  /**
   * Audio, in milliseconds, that an utterance keeps from before its speech was detected.
   *
   * Lower values lose the first sound of quiet speakers.
   *
   * @defaultValue 500
   */
  readonly preRollMs?: number;
  /**
   * Length of an utterance, in milliseconds, at which its turn ends even if the user goes on.
   *
   * Bounds the memory of a session: 96 kB a second at 48 kHz mono.
   *
   * @defaultValue 180000
   */
  readonly maxTurnMs?: number;
  /**
   * Learns each speaker's own pauses and waits accordingly, instead of `minSilenceMs`, or instead of
   * `endpointing.minDelayMs` where a model decides. Begins after six pauses.
   *
   * Slow speakers are cut off less, at the price of a longer wait for them; quick ones gain little.
   *
   * @defaultValue false
   */
  readonly adaptive?: boolean | AdaptiveSilenceOptions;
  /** How an end-of-turn model is used; without a model it has no effect. */
  readonly endpointing?: EndpointingOptions;
  /**
   * Whether to start the reply at the first likely end of the turn, silently, and to play it when the
   * end is sure.
   *
   * Hides the reply's own time behind the silence, and runs the reply in vain each time that the
   * speaker goes on, up to three times a turn.
   *
   * @defaultValue false
   */
  readonly eager?: boolean;
  /**
   * Silence, in milliseconds, after which an eager reply starts where no model decides.
   *
   * Lower values hide more of the reply's time, and start it in vain more often.
   *
   * @defaultValue half of `minSilenceMs`
   */
  readonly eagerSilenceMs?: number;
  /**
   * Speech, in milliseconds of active windows, that takes back an end of turn whose reply is not
   * audible yet: the reply is dropped unheard, and the turn goes on.
   *
   * Lower values answer fewer half sentences, and lose more replies to coughs.
   *
   * @defaultValue 192
   */
  readonly reopenMs?: number;
  /**
   * Milliseconds that a reply which was ready to play waits after speech that stopped short of
   * `reopenMs`.
   *
   * Lower values answer sooner after a cough, and speak into a speaker's second attempt.
   *
   * @defaultValue 300
   */
  readonly postWaitMs?: number;
  /**
   * Speech during a reply, in milliseconds, that makes the reply go silent, reversibly. Windows of
   * speech are counted, not the time since the first one, so that a click does not count.
   *
   * Lower values go silent sooner, and at coughs too.
   *
   * @defaultValue 160
   */
  readonly bargeInMs?: number;
  /**
   * Speech during a reply, in milliseconds of active windows, that ends the reply for good where
   * there are no transcripts to judge by.
   *
   * Lower values take more coughs for interruptions; higher ones resume a reply after a short "stop".
   *
   * @defaultValue 352
   */
  readonly interruptMs?: number;
  /**
   * Silence, in milliseconds, after which a reply goes on that went silent for too little speech.
   * With transcripts it also waits for the words, at most `sttTimeoutMs`.
   *
   * Lower values make coughs cost less, and talk over people who draw breath.
   *
   * @defaultValue 600
   */
  readonly resumeMs?: number;
  /**
   * Milliseconds after which a reply that went silent, and that nothing has decided about, is over.
   *
   * @defaultValue 8000
   */
  readonly holdMaxMs?: number;
  /**
   * Milliseconds at the start of a session's first reply in which sound does not silence it (a word
   * still does, where there are transcripts).
   *
   * The caller's echo cancellation adapts while it hears the reply for the first time, and lets some
   * of it through. Higher values keep a worse one from interrupting the reply with itself, and make
   * the first reply deaf for as long; without transcripts, deaf to "stop" as well, so the default is
   * short: speech needs `bargeInMs` in any case.
   *
   * @defaultValue 300
   */
  readonly echoGuardMs?: number;
  /**
   * Speech, in milliseconds before a reply's end, which is an answer to it, even if it was too short
   * to interrupt.
   *
   * Higher values keep more early answers ("yes"), and take more noises for one.
   *
   * @defaultValue 1000
   */
  readonly replyEdgeMs?: number;
  /**
   * Words over a reply that interrupt it, where there are transcripts. One less is enough when they
   * are final, or when the reply has gone silent already; a word of `interruptWords` is always enough.
   *
   * Higher values let people say more without interrupting.
   *
   * @defaultValue 2
   */
  readonly minWords?: number;
  /**
   * Words that interrupt a reply on their own, where there are transcripts; case does not matter.
   *
   * @defaultValue `["stop", "wait", "no"]`
   */
  readonly interruptWords?: readonly string[];
  /**
   * Words that show attention and do not interrupt a reply, where there are transcripts. Within a
   * second of its start they count as any other word.
   *
   * @defaultValue English ones: "mhm", "yeah", "okay", "right", "uh" and their like
   */
  readonly backchannels?: readonly string[];
  /**
   * Milliseconds after the end of speech within which the recognizer has given its final words, where
   * there are transcripts; later, preliminary words are taken.
   *
   * Lower values answer sooner when the recognizer is slow, and miss its corrections.
   *
   * @defaultValue 1000
   */
  readonly sttTimeoutMs?: number;
  /**
   * Milliseconds of silence after which a turn without a single word is dropped, where there are
   * transcripts.
   *
   * @defaultValue 5000
   */
  readonly wordlessTurnMs?: number;
}

/** {@link TurnOptions} with every default filled in. */
export interface ResolvedTurnOptions extends Required<Omit<TurnOptions, "adaptive">> {
  readonly endpointing: Required<EndpointingOptions>;
  /** How to learn pauses; undefined where they are not learned. */
  readonly adaptive: AdaptiveSilenceOptions | undefined;
}

const DEFAULT_ENDPOINTING = {
  threshold: 0.5,
  minDelayMs: 300,
  maxDelayMs: 2000,
  timeoutMs: 1000,
} as const satisfies Required<EndpointingOptions>;

const DEFAULTS = {
  speechThreshold: 0.5,
  minSpeechMs: 64,
  minSilenceMs: 650,
  silenceToleranceMs: 32,
  preRollMs: 500,
  maxTurnMs: 180_000,
  eager: false,
  reopenMs: 192,
  postWaitMs: 300,
  bargeInMs: 160,
  interruptMs: 352,
  resumeMs: 600,
  holdMaxMs: 8000,
  echoGuardMs: 300,
  replyEdgeMs: 1000,
  minWords: 2,
  interruptWords: ["stop", "wait", "no"],
  backchannels: [
    "mhm",
    "hm",
    "mm",
    "uh",
    "huh",
    "yeah",
    "yes",
    "yep",
    "okay",
    "ok",
    "right",
    "sure",
  ],
  sttTimeoutMs: 1000,
  wordlessTurnMs: 5000,
} as const satisfies Partial<ResolvedTurnOptions>;

const HYSTERESIS = 0.15;
const VAD_STOP_MS = 200;

// Above zero: at zero the rule would hold before anything was said.
const DURATIONS = [
  "minSpeechMs",
  "minSilenceMs",
  "vadStopMs",
  "maxTurnMs",
  "eagerSilenceMs",
  "reopenMs",
  "bargeInMs",
  "interruptMs",
  "holdMaxMs",
  "wordlessTurnMs",
] as const;

const WAITS = [
  "silenceToleranceMs",
  "preRollMs",
  "postWaitMs",
  "resumeMs",
  "echoGuardMs",
  "replyEdgeMs",
  "sttTimeoutMs",
] as const;

/**
 * Fills in the defaults, after FastRTC's options and ours; ours win.
 *
 * @throws {@link InvalidOptionError} for a value that cannot work.
 */
export function resolveTurnOptions(
  options: TurnOptions = {},
  algoOptions: AlgoOptions = {},
): ResolvedTurnOptions {
  const merged = { ...DEFAULTS, ...fromAlgoOptions(algoOptions), ...defined(options) };
  const resolved: ResolvedTurnOptions = {
    ...merged,
    silenceThreshold:
      options.silenceThreshold ?? Math.max(0.01, merged.speechThreshold - HYSTERESIS),
    vadStopMs: options.vadStopMs ?? Math.min(VAD_STOP_MS, merged.minSilenceMs),
    eagerSilenceMs: options.eagerSilenceMs ?? merged.minSilenceMs / 2,
    adaptive: resolveAdaptive(options.adaptive),
    endpointing: { ...DEFAULT_ENDPOINTING, ...defined(options.endpointing ?? {}) },
  };
  checkProbabilities(resolved);
  checkDurations(resolved);
  return resolved;
}

function resolveAdaptive(
  adaptive: TurnOptions["adaptive"] = false,
): AdaptiveSilenceOptions | undefined {
  if (typeof adaptive === "object") {
    // A bad value is to be known when the handler is made, not when somebody calls.
    new AdaptiveSilence(adaptive);
    return adaptive;
  }
  return adaptive ? {} : undefined;
}

function checkProbabilities(options: ResolvedTurnOptions): void {
  const { speechThreshold, silenceThreshold, endpointing } = options;
  const probabilities = {
    speechThreshold,
    silenceThreshold,
    "endpointing.threshold": endpointing.threshold,
  };
  for (const [name, value] of Object.entries(probabilities)) {
    if (!(value > 0 && value < 1)) {
      throw new InvalidOptionError(`turn.${name}`, value, "Give a probability between 0 and 1.");
    }
  }
  if (silenceThreshold > speechThreshold) {
    throw new InvalidOptionError(
      "turn.silenceThreshold",
      silenceThreshold,
      `Give at most speechThreshold (${speechThreshold}).`,
    );
  }
}

function checkDurations(options: ResolvedTurnOptions): void {
  for (const name of DURATIONS) {
    const value = options[name];
    if (!(value > 0)) {
      throw new InvalidOptionError(`turn.${name}`, value, "Give milliseconds above 0.");
    }
  }
  for (const name of WAITS) {
    const value = options[name];
    if (!(value >= 0 && Number.isFinite(value))) {
      throw new InvalidOptionError(`turn.${name}`, value, "Give milliseconds from 0.");
    }
  }
  const { minDelayMs, maxDelayMs, timeoutMs } = options.endpointing;
  for (const [name, value] of Object.entries({ minDelayMs, maxDelayMs, timeoutMs })) {
    if (!(value > 0 && Number.isFinite(value))) {
      throw new InvalidOptionError(`turn.endpointing.${name}`, value, "Give milliseconds above 0.");
    }
  }
  if (maxDelayMs < minDelayMs) {
    throw new InvalidOptionError(
      "turn.endpointing.maxDelayMs",
      maxDelayMs,
      `Give at least minDelayMs (${minDelayMs}).`,
    );
  }
  if (options.interruptMs < options.bargeInMs) {
    throw new InvalidOptionError(
      "turn.interruptMs",
      options.interruptMs,
      `Give at least bargeInMs (${options.bargeInMs}).`,
    );
  }
  if (!(Number.isInteger(options.minWords) && options.minWords > 0)) {
    throw new InvalidOptionError("turn.minWords", options.minWords, "Give a whole number from 1.");
  }
}

function fromAlgoOptions(algo: AlgoOptions): TurnOptions {
  const ms = (seconds: number | undefined): number | undefined =>
    seconds === undefined ? undefined : seconds * 1000;
  return defined({
    minSilenceMs: ms(algo.audioChunkDuration),
    minSpeechMs: ms(algo.startedTalkingThreshold),
    silenceToleranceMs: ms(algo.speechThreshold),
    maxTurnMs: ms(algo.maxContinuousSpeechS),
  });
}

function defined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
