/**
 * The user's turn: when it has ended, by silence, by a model's answers and by words. Speech and words
 * come in; out goes, once, that the turn has ended, or before that how likely it has.
 */

import { EndDelay } from "./end-delay.ts";
import { VAD_WINDOW_MS } from "./speech-segmenter.ts";
import type { TurnEndCause, TurnKey } from "./turn-events.ts";
import type { TurnScene } from "./turn-scene.ts";
import { TurnText } from "./turn-text.ts";
import { TurnTimers } from "./turn-timers.ts";

const MAX_EAGER_TRIES = 3;
/** How long a sound that may become speech can put off the end of a turn. */
const MAX_TENTATIVE_MS = 256;

type TurnTimerName =
  /** The silence has been long enough. */
  | "end"
  /** The recognizer should have given its final words. */
  | "stt"
  /** The recognizer has failed. */
  | "watch"
  /** The model should have answered. */
  | "model"
  /** The silence is long enough for an eager reply. */
  | "eager"
  /** The turn is as long as it may be. */
  | "max-turn";

/** What a {@link UserTurn} tells. */
export interface UserTurnListener {
  /** The turn has ended. */
  onTurnEnd(cause: TurnEndCause): void;
  /** The turn seems to have ended; a reply may start in silence. */
  onLikelyEnd(): void;
  /** The turn has come to nothing: no words. */
  onNoWords(): void;
}

/** The running turn of a session's user, or the last one. */
export class UserTurn {
  readonly #scene: TurnScene;
  readonly #listener: UserTurnListener;
  readonly #timers: TurnTimers<TurnTimerName>;
  readonly #delay: EndDelay;

  #turn = 0;
  #rev = 0;
  #startedAt = 0;
  #words = new TurnText();
  #speechEndedAt = 0;
  #probability: number | undefined;
  #isEndDue = false;
  #isEagerDue = false;
  #eagerTries = 0;

  constructor(scene: TurnScene, listener: UserTurnListener) {
    this.#scene = scene;
    this.#listener = listener;
    this.#delay = new EndDelay(scene.options, scene.hasModel);
    this.#timers = new TurnTimers(scene.clock, (name) => scene.step(() => this.#expire(name)));
  }

  /** Its number, and the present attempt at it. */
  get key(): TurnKey {
    return { turn: this.#turn, rev: this.#rev };
  }

  /** Its words. */
  get words(): TurnText {
    return this.#words;
  }

  /** The silence after which a turn would end now, where nothing speaks against it. */
  get endDelayMs(): number {
    return this.#delay.minMs;
  }

  /** Begins the next turn. */
  begin(onsetAt: number, text: string): void {
    this.#turn++;
    this.#rev = 0;
    this.#eagerTries = 0;
    this.#words = new TurnText(this.#words);
    this.#startedAt = onsetAt;
    this.#speechEndedAt = this.#scene.now;
    this.#timers.clear();
    this.#timers.arm("max-turn", onsetAt + this.#scene.options.maxTurnMs);
    this.#scene.emit({ type: "turn-started", key: this.key, onsetAt });
    if (text !== "") this.#words.add(text, true);
  }

  /** Makes what is known of the present attempt stale. */
  newAttempt(): void {
    this.#rev++;
  }

  /** The user is silent: waits for what shows that the turn has ended. */
  awaitEnd(speechEndedAt: number): void {
    const { now, options, host, hasModel, hasTranscripts } = this.#scene;
    this.#scene.state = "ending";
    this.#speechEndedAt = speechEndedAt;
    this.#probability = undefined;
    this.#isEndDue = false;
    this.#isEagerDue = false;
    this.#timers.arm("end", speechEndedAt + this.#delay.maxMs);
    if (hasTranscripts) {
      this.#timers.arm("stt", speechEndedAt + options.sttTimeoutMs);
      this.#timers.arm("watch", now + options.wordlessTurnMs);
    }
    if (options.eager && !this.#delay.usesModel) {
      this.#timers.arm("eager", speechEndedAt + options.eagerSilenceMs);
    }
    if (hasModel) {
      this.#timers.arm("model", now + options.endpointing.timeoutMs);
      host.predict(this.key);
    }
  }

  /** The user goes on in the same turn, whether it had ended or not. */
  goOn(): void {
    const { isLive, onsetAt, options } = this.#scene;
    this.#timers.clear();
    if (isLive && onsetAt !== undefined) this.learnPause(onsetAt);
    this.#scene.state = "speaking";
    this.#words.goOn();
    this.#timers.arm("max-turn", this.#startedAt + options.maxTurnMs);
  }

  /** Takes note that the user was only pausing. */
  learnPause(onsetAt: number): void {
    this.#delay.learn(onsetAt - this.#speechEndedAt);
  }

  /** Looks again, after words or a sound that did not become speech, whether the turn has ended. */
  reconsider(): void {
    if (!this.#scene.isEnding) return;
    this.#tryEager();
    this.#tryEnd();
  }

  /** Takes the model's answer to the present question. */
  predicted(probability: number): void {
    if (this.#timers.isArmed("model")) {
      this.#timers.cancel("model");
      if (this.#delay.modelAnswered()) this.#scene.emit({ type: "model-recovered" });
    }
    this.#probability = probability;
    this.#scene.emit({ type: "end-of-turn-predicted", key: this.key, probability });
    if (this.#isEndDue) return;
    const delayMs = this.#isPredicted ? this.#delay.minMs : this.#delay.maxMs;
    this.#timers.arm("end", this.#speechEndedAt + delayMs);
    this.#tryEager();
  }

  /** The model has no answer to the present question. */
  predictionFailed(cause: "timeout" | "error"): void {
    if (cause === "error" && !this.#timers.isArmed("model")) return;
    this.#timers.cancel("model");
    this.#scene.emit({ type: "model-failed", key: this.key, cause });
    if (!this.#delay.modelFailed()) return;
    this.#scene.emit({ type: "model-gave-up" });
    if (!this.#isEndDue) this.#timers.arm("end", this.#speechEndedAt + this.#delay.maxMs);
  }

  /** Nothing is waited for any more; returns the turn's words, as well as they are known. */
  end(cause: TurnEndCause): string {
    this.#timers.clear();
    this.#words.promote();
    const { text } = this.#words;
    if (this.#scene.isLive) this.#speechEndedAt = this.#scene.now;
    this.#scene.emit({
      type: "turn-ended",
      key: this.key,
      speechEndedAt: this.#speechEndedAt,
      cause,
      text,
    });
    return text;
  }

  /** Cancels everything that it waits for. */
  clear(): void {
    this.#timers.clear();
  }

  get #isPredicted(): boolean {
    // Above, not at: a model that cannot tell says one half.
    return (this.#probability ?? 0) > this.#scene.options.endpointing.threshold;
  }

  #tryEager(): void {
    const { state, options, hasTranscripts } = this.#scene;
    if (state !== "ending" || !options.eager || this.#eagerTries >= MAX_EAGER_TRIES) return;
    // Preliminary words will do: should the final ones differ, the reply is started anew.
    if (hasTranscripts && !this.#words.hasWords) return;
    if (!this.#isPredicted && !this.#isEagerDue) return;
    this.#eagerTries++;
    this.#listener.onLikelyEnd();
  }

  #tryEnd(): void {
    const { now, onsetAt, hasTranscripts } = this.#scene;
    if (!this.#isEndDue) return;
    // A sound that may become speech: wait until it has, or has not.
    if (onsetAt !== undefined && now < onsetAt + VAD_WINDOW_MS + MAX_TENTATIVE_MS) {
      this.#timers.arm("end", onsetAt + VAD_WINDOW_MS + MAX_TENTATIVE_MS);
      return;
    }
    if (hasTranscripts) {
      if (!this.#words.hasWords) return;
      if (!this.#words.isFinal && this.#timers.isArmed("stt")) return;
    }
    if (this.#isPredicted) this.#listener.onTurnEnd("prediction");
    else this.#listener.onTurnEnd(this.#delay.usesModel ? "max-delay" : "silence");
  }

  #expire(name: TurnTimerName): void {
    switch (name) {
      case "end":
        this.#isEndDue = true;
        this.#tryEnd();
        break;
      case "stt":
        this.#words.promote();
        this.#tryEnd();
        break;
      case "watch":
        if (this.#words.hasWords) this.#listener.onTurnEnd("watchdog");
        else this.#listener.onNoWords();
        break;
      case "model":
        this.predictionFailed("timeout");
        break;
      case "eager":
        this.#isEagerDue = true;
        this.#tryEager();
        break;
      case "max-turn":
        // Without words too: the recognizer may be one that waits for the end.
        this.#listener.onTurnEnd("max-duration");
        break;
    }
  }
}
