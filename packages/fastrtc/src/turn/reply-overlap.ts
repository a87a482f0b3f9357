/**
 * What the user says over a reply: whether it holds the reply back, silences it, ends it, or does not
 * matter. Speech, words and the reply's own progress come in; out goes that the reply is to be taken
 * back unheard, or that it has been interrupted.
 */

import type { InterruptionCause, OverlapDropReason } from "./turn-events.ts";
import type { LiveReply, TurnScene } from "./turn-scene.ts";
import { joinWords } from "./turn-text.ts";
import { TurnTimers } from "./turn-timers.ts";
import { OverlapWords, foldedWords } from "./turn-words.ts";

/** Speech that begins so soon after a reply is not about it. */
const EARLY_OVERLAP_MS = 1000;

type OverlapTimerName =
  /** A held reply may begin. */
  | "post-wait"
  /** Speech that was too short to silence the reply has not turned out to be words. */
  | "verdict"
  /** Speech that silenced it has not turned out to be an interruption. */
  | "false-alarm"
  /** It has been silent for too long. */
  | "hold-max"
  /** The reply has gone on for long enough after what was said over it. */
  | "drop";

/** Speech and words over a reply that have not been dropped, nor become a turn. */
export interface Overlap {
  readonly onsetAt: number;
  /** When its last speech ended; undefined while it goes on, or where it was not heard as speech. */
  endedAt: number | undefined;
  text: string;
  dropReason: OverlapDropReason;
}

/** Words that decided something. */
export interface SaidWords {
  readonly words: string;
  readonly isFinal: boolean;
}

/** What a {@link ReplyOverlap} tells. */
export interface ReplyOverlapListener {
  /** The user has gone on before anything of the reply was audible. */
  onTakeBack(reply: LiveReply, said?: SaidWords): void;
  /** The user has interrupted the reply. */
  onInterrupt(reply: LiveReply, cause: InterruptionCause, said?: SaidWords): void;
}

/** The speech over the replies of one session; asked only while a reply is released. */
export class ReplyOverlap {
  readonly #scene: TurnScene;
  readonly #listener: ReplyOverlapListener;
  readonly #timers: TurnTimers<OverlapTimerName>;
  readonly #words: OverlapWords;
  #overlap: Overlap | undefined;
  /** The final words of the last speech are still to come. */
  #awaitsFinal = false;
  /** Preliminary words that came before the reply was audible. */
  #interim = "";
  #echoGuardUntil: number | undefined;

  constructor(scene: TurnScene, listener: ReplyOverlapListener) {
    this.#scene = scene;
    this.#listener = listener;
    this.#words = new OverlapWords(scene.options);
    this.#timers = new TurnTimers(scene.clock, (name) => scene.step(() => this.#expire(name)));
  }

  /** Takes what the reply says, so that its echo is known as such. */
  addReplyText(text: string): void {
    this.#words.addReplyText(text);
  }

  /** Hands over what was said, which is forgotten with that, and stops all waiting. */
  take(): Overlap | undefined {
    const overlap = this.#overlap;
    this.#overlap = undefined;
    this.#interim = "";
    this.#timers.clear();
    return overlap;
  }

  /** Speech has started, or went on when its turn was ended. */
  speechStarted(reply: LiveReply, onsetAt: number): void {
    this.#awaitsFinal = true;
    this.#note(onsetAt).endedAt = undefined;
    this.#timers.cancel("post-wait", "verdict", "false-alarm", "drop");
    if (this.#scene.state === "replying") this.#meetSpeech(reply);
    this.judge(reply);
  }

  /** Speech has stopped. */
  speechStopped(reply: LiveReply, endedAt: number): void {
    const { now, state, options, hasTranscripts } = this.#scene;
    if (this.#overlap) this.#overlap.endedAt = endedAt;
    if (state === "paused") {
      this.#timers.arm("false-alarm", endedAt + options.resumeMs);
    } else if (state === "overlapping" && hasTranscripts) {
      this.#timers.arm("verdict", endedAt + options.sttTimeoutMs);
    } else if (state === "overlapping") {
      this.#end("too-short");
    } else if (reply.isHeld) {
      this.#timers.arm("post-wait", now + options.postWaitMs);
    } else {
      this.#dropLater(this.#deafReason(reply) ?? "too-short");
    }
  }

  /** Decides by how much has been said in this burst; to be called after each window of it. */
  judge(reply: LiveReply): void {
    const { state, activeMs, options, hasTranscripts, host } = this.#scene;
    if (this.#deafReason(reply)) return;
    if (state === "replying") {
      if (reply.isHeld && activeMs >= options.reopenMs) this.#listener.onTakeBack(reply);
    } else if (state === "overlapping") {
      if (activeMs < options.bargeInMs || this.#isGuarded) return;
      this.#markPaused(reply);
      host.holdReply();
    } else if (!hasTranscripts && activeMs >= options.interruptMs) {
      this.#listener.onInterrupt(reply, "speech");
    }
  }

  /** The reply has become audible. */
  replyAudible(reply: LiveReply): void {
    const { now, options, isLive } = this.#scene;
    this.#echoGuardUntil ??= now + options.echoGuardMs;
    this.#interim = "";
    if (reply.isHeld) {
      // A sound had gone out before the hold took effect.
      reply.isHeld = false;
      this.#timers.cancel("post-wait");
      this.#markPaused(reply);
    } else if (isLive) {
      this.#meetSpeech(reply);
    } else if (this.#overlap) {
      // Said before the reply, it is no answer to it.
      this.#dropLater(this.#overlap.dropReason, this.#overlap.endedAt);
    }
  }

  /** Whether speech is now to be met by a reply that has been protected against it so far. */
  unprotect(reply: LiveReply): void {
    if (this.#scene.isLive && this.#scene.state === "replying") this.#meetSpeech(reply);
  }

  /** The reply goes on, whatever is being said. */
  ignore(reply: LiveReply): void {
    if (reply.isHeld) this.#release(reply);
    else this.#end(this.#deafReason(reply) ?? "too-short");
  }

  /** Takes words that came before the reply was audible. */
  wordsBeforeReply(reply: LiveReply, said: SaidWords): void {
    if (said.isFinal) this.#awaitsFinal = false;
    if (reply.isUninterruptible) this.#keepWords(said, "uninterruptible");
    else if (this.#scene.isSpent) this.#keepWords(said, "turn-already-ended");
    else if (said.isFinal) this.#listener.onTakeBack(reply, said);
    else this.#interim = said.words;
  }

  /** Takes words that came while the reply was audible. */
  wordsOverReply(reply: LiveReply, said: SaidWords): void {
    if (said.isFinal) this.#awaitsFinal = false;
    const { words, isFinal } = said;
    const folded = foldedWords(words);
    const deafReason = this.#deafReason(reply);
    if (deafReason) {
      this.#keepWords(said, deafReason);
    } else if (this.#words.isEcho(folded)) {
      this.#dropWords(said, "echo");
    } else if (this.#isGuarded && !this.#words.hasInterruptWord(folded)) {
      this.#dropWords(said, "echo-guard");
    } else {
      const onsetAt = this.#overlap?.onsetAt ?? this.#scene.now;
      const isPaused = this.#scene.state === "paused";
      const isEarly = onsetAt - (reply.audibleAt ?? 0) < EARLY_OVERLAP_MS;
      if (this.#words.interrupt(folded, { isFinal, isPaused, isEarly })) {
        this.#listener.onInterrupt(reply, "words", said);
      } else {
        this.#keepWords(said, "backchannel");
        if (isFinal && !this.#scene.isLive) this.#end("backchannel");
      }
    }
  }

  /** When the speech began that has just stopped a reply; undefined if an echo might have. */
  get knownOnsetAt(): number | undefined {
    const onsetAt = this.#scene.isLive ? this.#overlap?.onsetAt : undefined;
    return onsetAt !== undefined && onsetAt >= (this.#echoGuardUntil ?? 0) ? onsetAt : undefined;
  }

  get #isGuarded(): boolean {
    return this.#scene.now < (this.#echoGuardUntil ?? 0);
  }

  /** Why speech has no effect on the reply; undefined where it has. */
  #deafReason(reply: LiveReply): OverlapDropReason | undefined {
    if (reply.isUninterruptible) return "uninterruptible";
    if (this.#scene.isSpent) return "turn-already-ended";
    // Its turn cannot go on: it had become too long, or its end was asked for.
    if (reply.isForced && reply.audibleAt === undefined) return "turn-already-ended";
    return undefined;
  }

  #meetSpeech(reply: LiveReply): void {
    if (this.#deafReason(reply)) return;
    if (reply.audibleAt !== undefined) {
      this.#scene.state = "overlapping";
      this.#timers.cancel("drop");
    } else if (!reply.isHeld) {
      reply.isHeld = true;
      this.#scene.emit({ type: "reply-held", key: reply.key });
      this.#scene.host.holdReply();
    }
  }

  #release(reply: LiveReply): void {
    reply.isHeld = false;
    this.#timers.cancel("post-wait");
    this.#scene.emit({ type: "reply-released", key: reply.key });
    this.#scene.host.resumeReply();
    this.#dropLater(this.#deafReason(reply) ?? "too-short");
  }

  #endHold(reply: LiveReply): void {
    if (this.#interim === "") this.#release(reply);
    else this.#listener.onTakeBack(reply, { words: this.#interim, isFinal: false });
  }

  #markPaused(reply: LiveReply): void {
    const { now, options, isLive } = this.#scene;
    this.#scene.state = "paused";
    this.#timers.arm("hold-max", now + options.holdMaxMs);
    if (!isLive) {
      this.#timers.arm("false-alarm", (this.#overlap?.endedAt ?? now) + options.resumeMs);
    }
    this.#scene.emit({ type: "reply-paused", key: reply.key });
  }

  // The reply goes on: what was said over it does not matter.
  #end(reason: OverlapDropReason): void {
    const { state, reply } = this.#scene;
    if (state !== "paused" && state !== "overlapping") return;
    this.#scene.state = "replying";
    this.#timers.cancel("verdict", "false-alarm", "hold-max");
    if (state === "paused" && reply) {
      this.#scene.emit({ type: "reply-resumed", key: reply.key });
      this.#scene.host.resumeReply();
    }
    this.#dropLater(reason);
  }

  #note(onsetAt: number): Overlap {
    this.#overlap ??= { onsetAt, endedAt: undefined, text: "", dropReason: "too-short" };
    return this.#overlap;
  }

  #keepWords({ words, isFinal }: SaidWords, reason: OverlapDropReason): void {
    if (!isFinal) return;
    const overlap = this.#note(this.#scene.now);
    overlap.text = joinWords(overlap.text, words);
    if (this.#scene.isLive) return;
    overlap.endedAt ??= this.#scene.now;
    this.#dropLater(reason);
  }

  #dropWords({ words, isFinal }: SaidWords, reason: OverlapDropReason): void {
    if (!isFinal) return;
    this.#scene.emit({ type: "overlap-dropped", reason, text: words });
    if (!this.#scene.isLive) this.#end(reason);
  }

  // Not at once: if the reply ends within moments, or without a sound, it was the next turn.
  #dropLater(reason: OverlapDropReason, since: number = this.#scene.now): void {
    const { isLive, options, reply } = this.#scene;
    if (!this.#overlap || isLive) return;
    this.#overlap.dropReason = reason;
    if (reply?.audibleAt !== undefined) this.#timers.arm("drop", since + options.replyEdgeMs);
  }

  #drop(): void {
    if (!this.#overlap) return;
    const { dropReason: reason, text } = this.#overlap;
    this.#overlap = undefined;
    this.#scene.emit({ type: "overlap-dropped", reason, text });
  }

  #expire(name: OverlapTimerName): void {
    const { reply } = this.#scene;
    switch (name) {
      case "post-wait":
        if (reply && !this.#waitsForWords("post-wait")) this.#endHold(reply);
        break;
      case "verdict":
        this.#end("too-short");
        break;
      case "false-alarm":
        if (!this.#waitsForWords("false-alarm")) this.#end("too-short");
        break;
      case "hold-max":
        if (reply) this.#listener.onInterrupt(reply, "hold-expired");
        break;
      case "drop":
        this.#drop();
        break;
    }
  }

  // Speech may yet turn out to be words: the timer waits for the recognizer, but not for ever.
  #waitsForWords(name: "post-wait" | "false-alarm"): boolean {
    if (!this.#scene.hasTranscripts || !this.#awaitsFinal) return false;
    const until = (this.#overlap?.endedAt ?? this.#scene.now) + this.#scene.options.sttTimeoutMs;
    if (this.#scene.now >= until) return false;
    this.#timers.arm(name, until);
    return true;
  }
}
