/**
 * A conversation in virtual time: a user who speaks in windows of 32 ms, a model, a recognizer, and
 * replies that play. It holds the promises of turn-taking against everything that happens.
 */

import type { Clock, Timer } from "../src/media/clock.ts";
import { ManualClock } from "../src/testing/manual-clock.ts";
import { SpeechSegmenter } from "../src/turn/speech-segmenter.ts";
import type {
  StartReplyCall,
  StopReason,
  TurnEvent,
  TurnKey,
  TurnTakingHost,
} from "../src/turn/turn-events.ts";
import { resolveTurnOptions } from "../src/turn/turn-options.ts";
import type { ResolvedTurnOptions, TurnOptions } from "../src/turn/turn-options.ts";
import { TurnTaking } from "../src/turn/turn-taking.ts";

const WINDOW_MS = 32;

/** The code under test; another one where it is to be shown that a fault is found. */
export interface TurnModules {
  readonly TurnTaking: typeof TurnTaking;
  readonly SpeechSegmenter: typeof SpeechSegmenter;
  readonly resolveTurnOptions: typeof resolveTurnOptions;
}

const SOURCES: TurnModules = { TurnTaking, SpeechSegmenter, resolveTurnOptions };

/** What a model says to one question; undefined is a model that hangs. */
export type ModelAnswer = { readonly afterMs: number; readonly probability: number | "error" };

/** What becomes of one reply. */
export interface ReplyPlan {
  /** Until its first sound, or until it ends where it has none. */
  readonly afterMs: number;
  readonly audioMs: number;
  readonly fails?: boolean;
}

export interface WorldSetup {
  readonly modules?: TurnModules;
  readonly turn?: TurnOptions;
  readonly canInterrupt?: boolean;
  readonly hasTranscripts?: boolean;
  readonly model?: (question: number) => ModelAnswer | undefined;
  readonly reply?: (number: number) => ReplyPlan;
}

export interface Reply {
  readonly key: TurnKey;
  readonly plan: ReplyPlan;
  readonly text: string;
  isReleased: boolean;
  isHeld: boolean;
  isReady: boolean;
  isOver: boolean;
  audibleAt: number | undefined;
  playedMs: number;
  playingSince: number | undefined;
  timer: Timer | undefined;
}

type EventType = TurnEvent["type"];
export type EventOf<Type extends EventType> = Extract<TurnEvent, { readonly type: Type }>;

export class TurnWorld implements TurnTakingHost {
  readonly clock = new ManualClock();
  readonly taking: TurnTaking;
  readonly options: ResolvedTurnOptions;
  readonly events: TurnEvent[] = [];
  readonly replies: Reply[] = [];
  /** Promises that were broken. */
  readonly faults: string[] = [];
  /** Everything that the machine did, one line each. */
  readonly trace: string[] = [];
  readonly #setup: WorldSetup;
  readonly #segmenter: SpeechSegmenter;
  #machineTimers = 0;
  #questions = 0;
  #answer: { readonly isEarly: boolean } | undefined;
  readonly #committed = new Set<string>();
  #lastCommit: string | undefined;
  #isForced = false;
  #delayAtAudible = 0;
  isLive = false;
  hasBeenReset = false;

  constructor(setup: WorldSetup = {}) {
    this.#setup = setup;
    const modules = setup.modules ?? SOURCES;
    // Whole windows, so that scripts can count in them.
    this.options = modules.resolveTurnOptions({
      minSpeechMs: 96,
      minSilenceMs: 640,
      ...setup.turn,
    });
    this.taking = new modules.TurnTaking({
      options: this.options,
      host: this,
      clock: this.#countingClock(),
      hasModel: setup.model !== undefined,
      hasTranscripts: setup.hasTranscripts ?? false,
      canInterrupt: setup.canInterrupt ?? true,
    });
    const { taking } = this;
    this.#segmenter = new modules.SpeechSegmenter(this.options, {
      onSpeechWindow: (activeMs) => taking.speechWindow(activeMs),
      onSpeechStarted: () => {
        this.isLive = true;
        taking.speechStarted();
      },
      onSpeechStopped: (silenceMs) => {
        this.isLive = false;
        taking.speechStopped(silenceMs);
      },
      onSpeechAbandoned: () => taking.speechAbandoned(),
    });
  }

  get now(): number {
    return this.clock.now();
  }

  get state(): string {
    return this.taking.state;
  }

  /** Timers of the machine's that wait. */
  get machineTimers(): number {
    return this.#machineTimers;
  }

  /** The reply that has neither ended nor been stopped. */
  get live(): Reply | undefined {
    return this.replies.find((reply) => !reply.isOver);
  }

  /** The replies that were audible. */
  get heard(): Reply[] {
    return this.replies.filter((reply) => reply.audibleAt !== undefined);
  }

  /** The user speaks; rounded up to whole windows. */
  speaks(durationMs: number): this {
    return this.#push(0.9, durationMs);
  }

  /** The user is silent; rounded up to whole windows. */
  pauses(durationMs: number): this {
    return this.#push(0.1, durationMs);
  }

  /** The recognizer gives preliminary words. */
  interim(text: string): this {
    this.taking.transcript(text, false);
    this.check();
    return this;
  }

  /** The recognizer gives final words. */
  final(text: string): this {
    this.taking.transcript(text, true);
    this.check();
    return this;
  }

  /** The application speaks first. */
  greets(): this {
    const key = this.taking.beginReply();
    if (key) this.#runReply(key, { eager: false, text: "" });
    this.check();
    return this;
  }

  /** Calls later, within what the user does. */
  after(delayMs: number, action: () => void): void {
    this.clock.setTimeout(() => {
      action();
      this.check();
    }, delayMs);
  }

  all<Type extends EventType>(type: Type): EventOf<Type>[] {
    return this.events.filter((event): event is EventOf<Type> => event.type === type);
  }

  last<Type extends EventType>(type: Type): EventOf<Type> | undefined {
    return this.all(type).at(-1);
  }

  types(): string[] {
    return this.events.map((event) => event.type);
  }

  predict(key: TurnKey): void {
    const answer = this.#setup.model?.(this.#questions++);
    this.#answer = undefined;
    this.#order(`predict ${keyOf(key)}`);
    if (!answer) return;
    this.after(answer.afterMs, () => {
      const isStale = keyOf(key) !== keyOf(this.taking.key) || !this.isEnding;
      const before = this.trace.length;
      if (answer.probability === "error") {
        this.taking.endOfTurnFailed(key);
      } else {
        const isEarly = answer.probability >= this.options.endpointing.threshold;
        if (!isStale) this.#answer = { isEarly };
        this.taking.endOfTurn(key, answer.probability);
      }
      if (isStale && this.trace.length > before) this.fault(11, "a stale prediction had an effect");
    });
  }

  startReply(key: TurnKey, { eager, text }: StartReplyCall): void {
    if (this.live) this.fault(1, "two replies live");
    this.#order(`start ${keyOf(key)}${eager ? " eager" : ""} ${text}`);
    this.#runReply(key, { eager, text });
  }

  releaseReply(): void {
    const reply = this.#expectLive("release");
    if (!reply) return;
    if (reply.isReleased) this.fault(12, "released twice");
    reply.isReleased = true;
    this.#order(`release ${keyOf(reply.key)}`);
    this.#play(reply);
  }

  holdReply(): void {
    const reply = this.#expectLive("hold");
    if (!reply) return;
    if (reply.isHeld) this.fault(12, "held twice");
    reply.isHeld = true;
    reply.timer?.cancel();
    if (reply.playingSince !== undefined) reply.playedMs += this.now - reply.playingSince;
    reply.playingSince = undefined;
    this.#order(`hold ${keyOf(reply.key)}`);
  }

  resumeReply(): void {
    const reply = this.#expectLive("resume");
    if (!reply) return;
    if (!reply.isHeld) this.fault(12, "resumed without a hold");
    reply.isHeld = false;
    this.#order(`resume ${keyOf(reply.key)}`);
    this.#play(reply);
  }

  stopReply(reason: StopReason): void {
    const reply = this.#expectLive("stop");
    if (!reply) return;
    reply.isOver = true;
    reply.timer?.cancel();
    if (reply.playingSince !== undefined) reply.playedMs += this.now - reply.playingSince;
    reply.playingSince = undefined;
    this.#order(`stop ${keyOf(reply.key)} ${reason}`);
    if (reason === "interrupted" && reply.plan.afterMs % 2 === 0) this.#reportStale(reply);
  }

  turnEvent(event: TurnEvent): void {
    this.events.push(event);
    this.trace.push(`${event.at} ${JSON.stringify(event)}`);
    const { type } = event;
    const { endDelayMs } = this.taking;
    if (type === "turn-ended") this.#checkCommit(event);
    if (type === "reply-audible") this.#delayAtAudible = endDelayMs;
    if (type === "overlap-dropped" || type === "reply-resumed") {
      const isHeard = this.live?.audibleAt !== undefined;
      if (isHeard && endDelayMs !== this.#delayAtAudible)
        this.fault(13, "learned from a false alarm");
    }
  }

  get isEnding(): boolean {
    return this.state === "ending" || this.state === "eager";
  }

  /** A broken promise, by the number of its property. */
  fault(property: number, text: string): void {
    this.faults.push(`${property}: ${text} (at ${this.now})`);
  }

  /** What must hold between any two events. */
  check(): void {
    const { state } = this;
    const hasReply = this.live !== undefined;
    const wantsReply = !["listening", "speaking", "ending"].includes(state);
    if (hasReply !== wantsReply) this.fault(1, `${hasReply ? "a" : "no"} reply while ${state}`);
    const playing = this.live?.playingSince !== undefined;
    if (playing && state === "paused") this.fault(2, "audible while paused");
    if (playing && state === "eager") this.fault(2, "audible while eager");
    const mustMove =
      this.isEnding || state === "paused" || (state === "overlapping" && !this.isLive);
    if (mustMove && this.#machineTimers === 0) this.fault(7, `no timer while ${state}`);
    const isForgotten = state === "listening" && this.hasBeenReset;
    if (this.isLive && !isForgotten && (state === "listening" || this.isEnding)) {
      this.fault(3, `live speech while ${state}`);
    }
    if (!this.isLive && state === "speaking") this.fault(7, "silence while speaking");
    const { adaptive } = this.options;
    const { endDelayMs } = this.taking;
    if (adaptive && this.#setup.turn?.minSilenceMs === undefined) {
      if (endDelayMs < (adaptive.minMs ?? 300) || endDelayMs > (adaptive.maxMs ?? 1500)) {
        this.fault(13, `a delay of ${endDelayMs} ms`);
      }
    }
  }

  #runReply(key: TurnKey, { eager, text }: StartReplyCall): void {
    const plan = this.#setup.reply?.(this.replies.length) ?? { afterMs: 200, audioMs: 2000 };
    const reply: Reply = {
      key,
      plan,
      text,
      isReleased: !eager,
      isHeld: false,
      isReady: false,
      isOver: false,
      audibleAt: undefined,
      playedMs: 0,
      playingSince: undefined,
      timer: undefined,
    };
    this.replies.push(reply);
    this.after(plan.afterMs, () => {
      if (reply.isOver) {
        this.#reportStale(reply);
      } else if (plan.fails) {
        reply.isOver = true;
        this.taking.replyFailed(key);
      } else {
        reply.isReady = true;
        this.#play(reply);
      }
    });
  }

  #play(reply: Reply): void {
    if (!canPlay(reply)) return;
    if (reply.audibleAt === undefined && reply.plan.audioMs > 0) {
      this.#checkAudible(reply);
      reply.audibleAt = this.now;
      this.taking.replyAudible(reply.key);
      if (!canPlay(reply)) return;
    }
    reply.playingSince = this.now;
    reply.timer = this.clock.setTimeout(() => {
      reply.playedMs = reply.plan.audioMs;
      reply.playingSince = undefined;
      reply.isOver = true;
      this.taking.replyFinished(reply.key);
      this.check();
    }, reply.plan.audioMs - reply.playedMs);
  }

  #checkAudible(reply: Reply): void {
    if (reply.key.turn === 0) return;
    if (!this.#committed.has(keyOf(reply.key))) this.fault(2, "audible before its turn ended");
    if (this.#lastCommit !== keyOf(reply.key)) this.fault(4, "a superseded reply was audible");
    const isProtected = !this.taking.isInterruptible || this.#isForced;
    if (this.isLive && !isProtected) this.fault(5, "audible over live speech");
  }

  #checkCommit(event: EventOf<"turn-ended">): void {
    const key = keyOf(event.key);
    if (this.#committed.has(key)) this.fault(4, `${key} ended twice`);
    this.#committed.add(key);
    this.#lastCommit = key;
    this.#isForced = event.cause === "max-duration" || event.cause === "request";
    if (this.#isForced || event.cause === "watchdog") return;
    if (this.isLive) this.fault(3, "a turn ended over live speech");
    const silenceMs = event.at - event.speechEndedAt;
    const { endpointing } = this.options;
    if (silenceMs < this.taking.endDelayMs - 0.001) this.fault(3, `ended after ${silenceMs} ms`);
    if (this.#setup.model && event.cause !== "silence") {
      if (silenceMs < endpointing.maxDelayMs - 0.001 && !this.#answer?.isEarly) {
        this.fault(3, "ended early without the model's consent");
      }
    }
    if (this.#setup.hasTranscripts && event.text === "") this.fault(3, "ended without words");
    if (!this.#setup.hasTranscripts && !this.#setup.model) {
      // Never waits for words, and only as long for a sound that may become speech.
      const latest = Math.max(this.taking.endDelayMs, this.options.vadStopMs) + 256 + WINDOW_MS;
      const isOverlap = this.last("turn-started")!.at > event.speechEndedAt;
      if (silenceMs > latest && !isOverlap) this.fault(7, `ended only after ${silenceMs} ms`);
    }
  }

  // What a reply says that has been stopped must have no effect.
  #reportStale(reply: Reply): void {
    this.after(0, () => {
      const before = this.trace.length;
      this.taking.replyAudible(reply.key);
      this.taking.replyFinished(reply.key);
      this.taking.replyFailed(reply.key);
      if (this.trace.length > before) this.fault(11, "a stopped reply had an effect");
    });
  }

  #expectLive(order: string): Reply | undefined {
    const { live } = this;
    if (!live) this.fault(12, `${order} without a reply`);
    return live;
  }

  #order(text: string): void {
    this.trace.push(`${this.now} ${text}`);
  }

  #push(probability: number, durationMs: number): this {
    const windows = Math.ceil(durationMs / WINDOW_MS);
    for (let i = 0; i < windows; i++) {
      if (probability < 0.5 && this.#segmenter.isIdle) {
        // Nothing that a silent window could change.
        this.clock.advance((windows - i) * WINDOW_MS);
        break;
      }
      this.clock.advance(WINDOW_MS);
      this.#segmenter.push(probability);
      this.check();
    }
    return this;
  }

  #countingClock(): Clock {
    return {
      now: () => this.clock.now(),
      setTimeout: (callback, delayMs) => {
        let isPending = true;
        const end = (): void => {
          if (isPending) this.#machineTimers--;
          isPending = false;
        };
        this.#machineTimers++;
        const timer = this.clock.setTimeout(() => {
          end();
          callback();
          this.check();
        }, delayMs);
        return {
          cancel: () => {
            end();
            timer.cancel();
          },
        };
      },
    };
  }
}

function canPlay(reply: Reply): boolean {
  if (reply.isOver || reply.isHeld || reply.playingSince !== undefined) return false;
  return reply.isReady && reply.isReleased;
}

function keyOf(key: TurnKey): string {
  return `${key.turn}.${key.rev}`;
}
