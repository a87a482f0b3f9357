/** Every threshold of turn detection, with its default and what it costs. */

import { InvalidOptionError } from "../errors.ts";

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
   * @defaultValue 96
   */
  readonly minSpeechMs?: number;
  /**
   * Silence, in milliseconds, after which a turn has ended.
   *
   * Lower values answer sooner and cut off more speakers who pause to think.
   *
   * @defaultValue 600
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
   * Speech during a reply, in milliseconds, that stops the reply. Windows of speech are counted, not
   * the time since the first one, so that a click does not count.
   *
   * Lower values stop sooner, and at coughs too.
   *
   * @defaultValue 192
   */
  readonly bargeInMs?: number;
}

/** {@link TurnOptions} with every default filled in. */
export type ResolvedTurnOptions = Required<TurnOptions>;

const DEFAULTS = {
  speechThreshold: 0.5,
  minSpeechMs: 96,
  minSilenceMs: 600,
  silenceToleranceMs: 32,
  preRollMs: 500,
  maxTurnMs: 180_000,
  bargeInMs: 192,
} as const satisfies Omit<ResolvedTurnOptions, "silenceThreshold">;

const HYSTERESIS = 0.15;

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
  };
  for (const name of ["speechThreshold", "silenceThreshold"] as const) {
    const value = resolved[name];
    if (!(value > 0 && value < 1)) {
      throw new InvalidOptionError(`turn.${name}`, value, "Give a probability between 0 and 1.");
    }
  }
  if (resolved.silenceThreshold > resolved.speechThreshold) {
    throw new InvalidOptionError(
      "turn.silenceThreshold",
      resolved.silenceThreshold,
      `Give at most speechThreshold (${resolved.speechThreshold}).`,
    );
  }
  for (const name of ["minSpeechMs", "minSilenceMs", "maxTurnMs", "bargeInMs"] as const) {
    const value = resolved[name];
    if (!(value > 0)) {
      throw new InvalidOptionError(`turn.${name}`, value, "Give milliseconds above 0.");
    }
  }
  for (const name of ["silenceToleranceMs", "preRollMs"] as const) {
    const value = resolved[name];
    if (!(value >= 0 && Number.isFinite(value))) {
      throw new InvalidOptionError(`turn.${name}`, value, "Give milliseconds from 0.");
    }
  }
  return resolved;
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
