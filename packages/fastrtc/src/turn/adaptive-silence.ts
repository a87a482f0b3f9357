/**
 * Learns how long one speaker pauses in mid-sentence, and from that how long to wait at an end.
 *
 * The pauses of one speaker are about log-normal, so their geometric mean is learned, with a prior
 * worth six pauses and recent ones weighing more. A factor above that mean lets the usual pause pass.
 */

import { InvalidOptionError } from "../errors.ts";

/** How far adaptive silence goes. */
export interface AdaptiveSilenceOptions {
  /**
   * How many times the speaker's mean pause to wait.
   *
   * Higher values cut off less, and answer later.
   *
   * @defaultValue 1.4
   */
  readonly factor?: number;
  /**
   * The shortest wait, in milliseconds.
   *
   * @defaultValue 300
   */
  readonly minMs?: number;
  /**
   * The longest wait, in milliseconds.
   *
   * @defaultValue 1500
   */
  readonly maxMs?: number;
}

const DEFAULTS = {
  factor: 1.4,
  minMs: 300,
  maxMs: 1500,
} as const satisfies Required<AdaptiveSilenceOptions>;

/** Pauses after which there is something to go by. */
const MIN_PAUSES = 6;
/** How much each pause weighs after the next one. */
const DECAY = 0.97;
const PRIOR_PAUSES = 6;
const PRIOR_LOG_MS = Math.log(500);

/** The pauses of one speaker. */
export class AdaptiveSilence {
  readonly #options: Required<AdaptiveSilenceOptions>;
  #pauses = 0;
  #weight = 0;
  #logSum = 0;

  /** @throws {@link InvalidOptionError} for a value that cannot work. */
  constructor(options: AdaptiveSilenceOptions = {}) {
    const { factor, minMs, maxMs } = (this.#options = {
      factor: options.factor ?? DEFAULTS.factor,
      minMs: options.minMs ?? DEFAULTS.minMs,
      maxMs: options.maxMs ?? DEFAULTS.maxMs,
    });
    if (!(factor > 0 && Number.isFinite(factor))) {
      throw new InvalidOptionError("adaptive.factor", factor, "Give a number above 0.");
    }
    if (!(minMs > 0)) {
      throw new InvalidOptionError("adaptive.minMs", minMs, "Give milliseconds above 0.");
    }
    if (!(maxMs >= minMs && Number.isFinite(maxMs))) {
      throw new InvalidOptionError("adaptive.maxMs", maxMs, `Give at least minMs (${minMs}).`);
    }
  }

  /** How long to wait, in milliseconds; undefined until six pauses are known. */
  get delayMs(): number | undefined {
    if (this.#pauses < MIN_PAUSES) return undefined;
    const meanLogMs = (this.#logSum + PRIOR_PAUSES * PRIOR_LOG_MS) / (this.#weight + PRIOR_PAUSES);
    const { factor, minMs, maxMs } = this.#options;
    return Math.min(maxMs, Math.max(minMs, factor * Math.exp(meanLogMs)));
  }

  /**
   * Takes note of a pause after which the same turn went on.
   *
   * @param pauseMs - Milliseconds from the last speech to the next; anything else than a positive
   * number is ignored.
   */
  learn(pauseMs: number): void {
    if (!(pauseMs > 0 && Number.isFinite(pauseMs))) return;
    this.#pauses++;
    this.#weight = this.#weight * DECAY + 1;
    this.#logSum = this.#logSum * DECAY + Math.log(pauseMs);
  }
}
