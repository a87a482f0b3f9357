import type { Clock } from "../media/clock.ts";
import { VAD_WINDOW_MS } from "./speech-segmenter.ts";
import type { TurnEventDetails, TurnKey, TurnState, TurnTakingHost } from "./turn-events.ts";
import type { ResolvedTurnOptions } from "./turn-options.ts";

/** What turn-taking is set up with. */
export interface TurnTakingSetup {
  readonly options: ResolvedTurnOptions;
  readonly host: TurnTakingHost;
  readonly clock: Clock;
  /** Whether {@link TurnTakingHost.predict} asks a model. @defaultValue false */
  readonly hasModel?: boolean;
  /**
   * Whether the user's words will be told; a turn without words is not answered then.
   *
   * @defaultValue false
   */
  readonly hasTranscripts?: boolean;
  /** Whether the user's speech can stop replies. @defaultValue true */
  readonly canInterrupt?: boolean;
}

/** A reply that has been started and has not ended. */
export interface LiveReply {
  readonly key: TurnKey;
  /** The words that it answers. */
  readonly text: string;
  /** Its turn was ended while the user may have gone on. */
  readonly isForced: boolean;
  /** False for an eager one until its turn has ended. */
  isReleased: boolean;
  /** Kept from beginning, because the user may not have finished after all. */
  isHeld: boolean;
  isFinished: boolean;
  isUninterruptible: boolean;
  audibleAt: number | undefined;
}

/** What all parts of turn-taking see: the state, the speech that is heard now, the reply. */
export class TurnScene {
  readonly options: ResolvedTurnOptions;
  readonly host: TurnTakingHost;
  readonly hasModel: boolean;
  readonly hasTranscripts: boolean;
  readonly clock: Clock;
  readonly #steps: (() => void)[] = [];
  #isClosed = false;

  state: TurnState = "listening";
  reply: LiveReply | undefined;

  /** Whether speech has started and not stopped. */
  isLive = false;
  /** When the burst of sound began that is heard now, be it speech yet or not. */
  onsetAt: number | undefined;
  /** How much speech there is in it. */
  activeMs = 0;
  /** Whether it belongs to a turn that was ended in spite of it. */
  isSpent = false;

  constructor(setup: TurnTakingSetup) {
    this.options = setup.options;
    this.host = setup.host;
    this.clock = setup.clock;
    this.hasModel = setup.hasModel ?? false;
    this.hasTranscripts = setup.hasTranscripts ?? false;
  }

  /** Whether it is all over. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The clock's time. */
  get now(): number {
    return this.clock.now();
  }

  /** Whether the user is silent and may have finished. */
  get isEnding(): boolean {
    return this.state === "ending" || this.state === "eager";
  }

  /** Tells the host what happened. */
  emit(details: TurnEventDetails): void {
    this.host.turnEvent({ at: this.now, ...details });
  }

  /** Takes note of a window with speech. */
  hearWindow(activeMs: number): void {
    this.onsetAt ??= this.now - VAD_WINDOW_MS;
    this.activeMs = activeMs;
  }

  /** Takes note that a burst has become speech, and returns when it began. */
  startSpeech(): number {
    this.isLive = true;
    this.isSpent = false;
    return (this.onsetAt ??= this.now - VAD_WINDOW_MS);
  }

  /** Takes note that speech, or a sound that never became speech, is over. */
  endBurst(): void {
    this.isLive = false;
    this.onsetAt = undefined;
    this.activeMs = 0;
  }

  /**
   * Takes one step at a time: what the host answers from within a call comes after the step that made
   * the call.
   */
  step(input: () => void): void {
    if (this.#isClosed) return;
    this.#steps.push(input);
    if (this.#steps.length > 1) return;
    try {
      for (let next = this.#steps[0]; next !== undefined; next = this.#steps[0]) {
        next();
        this.#steps.shift();
      }
    } finally {
      this.#steps.length = 0;
    }
  }

  /** Takes no further steps. */
  close(): void {
    this.#isClosed = true;
    this.#steps.length = 0;
  }
}
