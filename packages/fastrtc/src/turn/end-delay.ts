import { AdaptiveSilence } from "./adaptive-silence.ts";
import type { ResolvedTurnOptions } from "./turn-options.ts";

/** Failures in a row after which a model is not waited for any more. */
const MAX_FAILURES = 3;

/** How long the silence at the end of a turn must be, by what is known of the model and the speaker. */
export class EndDelay {
  readonly #options: ResolvedTurnOptions;
  readonly #hasModel: boolean;
  readonly #adaptive: AdaptiveSilence | undefined;
  #failures = 0;

  constructor(options: ResolvedTurnOptions, hasModel: boolean) {
    this.#options = options;
    this.#hasModel = hasModel;
    this.#adaptive = options.adaptive && new AdaptiveSilence(options.adaptive);
  }

  /** Whether a model decides: there is one, and it answers. */
  get usesModel(): boolean {
    return this.#hasModel && this.#failures < MAX_FAILURES;
  }

  /** The silence, in milliseconds, after which a turn ends that nothing speaks against. */
  get minMs(): number {
    const { endpointing, minSilenceMs } = this.#options;
    return this.#adaptive?.delayMs ?? (this.usesModel ? endpointing.minDelayMs : minSilenceMs);
  }

  /** The silence, in milliseconds, after which it ends in any case. */
  get maxMs(): number {
    return this.usesModel ? Math.max(this.minMs, this.#options.endpointing.maxDelayMs) : this.minMs;
  }

  /** Takes note of a pause in mid-turn. */
  learn(pauseMs: number): void {
    this.#adaptive?.learn(pauseMs);
  }

  /** The model answered in time. Returns whether it had been given up. */
  modelAnswered(): boolean {
    const hadGivenUp = this.#hasModel && !this.usesModel;
    this.#failures = 0;
    return hadGivenUp;
  }

  /** The model did not answer in time. Returns whether it is given up with that. */
  modelFailed(): boolean {
    return ++this.#failures === MAX_FAILURES;
  }
}
