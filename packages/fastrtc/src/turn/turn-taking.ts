/**
 * Who speaks: decides when the user's turn has begun and ended, when it is answered, and what speech
 * over an answer means. docs/guide/turns.md has its states and transitions in one table.
 *
 * In come bursts of speech, the end-of-turn model's answers, words where there are any, and what
 * becomes of the reply; out go orders to the host. It owns no audio, runs no user code and takes its
 * time from a clock, so that the same inputs at the same times give the same orders. Called by the
 * handler.
 */

import { ReplyOverlap } from "./reply-overlap.ts";
import type { Overlap, SaidWords } from "./reply-overlap.ts";
import type {
  InterruptionCause,
  StopReason,
  TurnEndCause,
  TurnKey,
  TurnState,
} from "./turn-events.ts";
import { TurnScene } from "./turn-scene.ts";
import type { LiveReply, TurnTakingSetup } from "./turn-scene.ts";
import { haveSameWords } from "./turn-words.ts";
import { UserTurn } from "./user-turn.ts";

/** The state machine of one session's conversation. */
export class TurnTaking {
  readonly #scene: TurnScene;
  readonly #canInterrupt: boolean;
  readonly #turn: UserTurn;
  readonly #overlap: ReplyOverlap;
  #greetings = 0;

  constructor(setup: TurnTakingSetup) {
    this.#scene = new TurnScene(setup);
    this.#canInterrupt = setup.canInterrupt ?? true;
    this.#turn = new UserTurn(this.#scene, {
      onTurnEnd: (cause) => this.#commit(cause),
      onLikelyEnd: () => this.#startReply({ eager: true }),
      onNoWords: () => this.#abandonTurn(),
    });
    this.#overlap = new ReplyOverlap(this.#scene, {
      onTakeBack: (reply, said) => this.#takeBack(reply, said),
      onInterrupt: (reply, cause, said) => this.#interrupt(reply, cause, said),
    });
  }

  /** Where the conversation is. */
  get state(): TurnState {
    return this.#scene.state;
  }

  /** The running turn, or the last one. */
  get key(): TurnKey {
    return this.#turn.key;
  }

  /** The words of that turn so far, preliminary ones last. */
  get text(): string {
    return this.#turn.words.text;
  }

  /** The silence, in milliseconds, after which a turn would end now that nothing speaks against. */
  get endDelayMs(): number {
    return this.#turn.endDelayMs;
  }

  /** Whether the user's speech can stop the present reply. */
  get isInterruptible(): boolean {
    return !(this.#scene.reply?.isUninterruptible ?? false);
  }

  /** Takes the segmenter\'s `onSpeechWindow`. */
  speechWindow(activeMs: number): void {
    this.#scene.step(() => {
      this.#scene.hearWindow(activeMs);
      if (!this.#scene.isLive) return;
      const reply = this.#releasedReply;
      if (reply) this.#overlap.judge(reply);
      else this.#turn.words.goOn();
    });
  }

  /** Takes the segmenter\'s `onSpeechStarted`. */
  speechStarted(): void {
    this.#scene.step(() => this.#onSpeechStarted());
  }

  /** Takes the segmenter\'s `onSpeechStopped`. */
  speechStopped(silenceMs: number): void {
    this.#scene.step(() => {
      const endedAt = this.#scene.now - silenceMs;
      this.#scene.endBurst();
      this.#scene.emit({ type: "speech-stopped", endedAt });
      const reply = this.#releasedReply;
      if (reply) this.#overlap.speechStopped(reply, endedAt);
      else if (this.#scene.state === "speaking") this.#turn.awaitEnd(endedAt);
      this.#scene.isSpent = false;
    });
  }

  /** Takes the segmenter\'s `onSpeechAbandoned`. */
  speechAbandoned(): void {
    this.#scene.step(() => {
      this.#scene.endBurst();
      this.#turn.reconsider();
    });
  }

  /**
   * Takes the model's answer.
   *
   * @param key - What the host's `predict` was asked about; an old one is ignored.
   * @param probability - That the user has finished, 0 to 1.
   */
  endOfTurn(key: TurnKey, probability: number): void {
    this.#scene.step(() => {
      if (!this.#scene.isEnding || !isSame(key, this.key)) return;
      if (Number.isNaN(probability)) this.#turn.predictionFailed("error");
      else this.#turn.predicted(probability);
    });
  }

  /** The model has no answer. */
  endOfTurnFailed(key: TurnKey): void {
    this.#scene.step(() => {
      if (!this.#scene.isEnding || !isSame(key, this.key)) return;
      this.#turn.predictionFailed("error");
    });
  }

  /**
   * Takes the user's words; ignored unless {@link TurnTakingSetup.hasTranscripts} is set.
   *
   * @param text - Preliminary words replace each other and are replaced by final ones; final ones add
   * up.
   */
  transcript(text: string, isFinal: boolean): void {
    this.#scene.step(() => {
      const words = text.trim();
      if (this.#scene.hasTranscripts && words !== "") this.#onWords({ words, isFinal });
    });
  }

  /** Takes what the reply says, so that its echo in a transcript is known as such. */
  replyText(text: string): void {
    this.#overlap.addReplyText(text);
  }

  /**
   * Begins a reply that answers nobody, a greeting; undefined unless nobody speaks. The host plays it
   * without being told to start it, and reports on it by its key.
   */
  beginReply(): TurnKey | undefined {
    const { isClosed, state, isLive } = this.#scene;
    if (isClosed || state !== "listening" || isLive) return undefined;
    const key = { turn: 0, rev: this.#greetings++ };
    this.#scene.reply = this.#newReply(key, "", { isReleased: true });
    this.#scene.state = "replying";
    this.#scene.step(() => this.#scene.emit({ type: "reply-started", key, eager: false }));
    return key;
  }

  /** The first sound of the reply has gone out. */
  replyAudible(key: TurnKey): void {
    this.#scene.step(() => {
      const reply = this.#currentReply(key);
      if (!reply?.isReleased || reply.audibleAt !== undefined) return;
      reply.audibleAt = this.#scene.now;
      this.#scene.emit({ type: "reply-audible", key });
      this.#overlap.replyAudible(reply);
    });
  }

  /** The reply's generator has ended, and its audio, if any, has been played. */
  replyFinished(key: TurnKey): void {
    this.#scene.step(() => {
      const reply = this.#currentReply(key);
      if (reply?.isReleased) this.#endReply("reply-finished");
      else if (reply) reply.isFinished = true;
    });
  }

  /** The reply's generator threw, and what it had said is no longer played. */
  replyFailed(key: TurnKey): void {
    this.#scene.step(() => {
      const reply = this.#currentReply(key);
      if (!reply) return;
      if (reply.isReleased) {
        this.#endReply("reply-failed");
        return;
      }
      this.#scene.reply = undefined;
      this.#scene.state = "ending";
      this.#turn.newAttempt();
      this.#scene.emit({ type: "reply-failed", key });
    });
  }

  /**
   * Protects the present reply against interruption, or no longer. Ends with the reply.
   *
   * @param isUninterruptible - While true, speech neither stops the reply nor takes back its turn.
   */
  setUninterruptible(isUninterruptible: boolean): void {
    this.#scene.step(() => {
      const { reply } = this.#scene;
      if (!reply) return;
      reply.isUninterruptible = isUninterruptible;
      if (!reply.isReleased) return;
      if (isUninterruptible) this.#overlap.ignore(reply);
      else this.#overlap.unprotect(reply);
    });
  }

  /** Ends the user's turn now, whatever is said or not, and has it answered; a reply is interrupted. */
  endTurnNow(): void {
    this.#scene.step(() => {
      const reply = this.#releasedReply;
      if (reply) this.#beginTurn(this.#stopReply(reply, "request"));
      else if (this.#scene.state === "listening") this.#beginTurn();
      this.#commit("request");
    });
  }

  /** Forgets the running turn, or what is being said over a reply; the reply goes on. */
  reset(): void {
    this.#scene.step(() => {
      const reply = this.#releasedReply;
      // Speech that is heard now is still heard: no turn may end in the middle of it, nor a reply begin.
      this.#scene.isSpent = this.#scene.isLive;
      this.#scene.onsetAt = undefined;
      if (reply && !reply.isHeld) this.#overlap.ignore(reply);
      else if (!reply && this.#scene.state !== "listening") this.#abandonTurn();
    });
  }

  /** Stops the reply and all timers; nothing that follows has an effect. */
  close(): void {
    this.#scene.step(() => {
      this.#turn.clear();
      this.#overlap.take();
      this.#scene.state = "listening";
      if (this.#scene.reply) this.#discardReply(this.#scene.reply, "closed");
      this.#scene.close();
    });
  }

  #onSpeechStarted(): void {
    const onsetAt = this.#scene.startSpeech();
    this.#scene.emit({ type: "speech-started", onsetAt });
    const { state, reply } = this.#scene;
    if (state === "listening") {
      this.#beginTurn();
    } else if (this.#scene.isEnding) {
      if (reply) this.#discardReply(reply, "reopened");
      else this.#turn.newAttempt();
      this.#turn.goOn();
    } else if (reply) {
      this.#overlap.speechStarted(reply, onsetAt);
    }
  }

  // The next turn, by what was said over a reply if anything was, else by what is heard now.
  #beginTurn(overlap?: Overlap): void {
    const onsetAt = overlap?.onsetAt ?? this.#scene.onsetAt ?? this.#scene.now;
    this.#scene.isSpent = false;
    this.#scene.state = "speaking";
    this.#turn.begin(onsetAt, overlap?.text ?? "");
  }

  #commit(cause: TurnEndCause): void {
    const text = this.#turn.words.text;
    const { reply, isLive, now } = this.#scene;
    if (reply && !haveSameWords(reply.text, text)) this.#discardReply(reply, "text-changed");
    this.#turn.end(cause);
    this.#scene.state = "replying";
    const eager = this.#scene.reply;
    if (eager) {
      eager.isReleased = true;
      this.#scene.emit({ type: "reply-released", key: eager.key });
      this.#scene.host.releaseReply();
    } else {
      const isForced = cause === "max-duration" || cause === "request";
      this.#startReply({ eager: false, isForced });
    }
    const released = this.#releasedReply;
    if (isLive && released) {
      this.#scene.isSpent = true;
      this.#scene.onsetAt = now;
      this.#overlap.speechStarted(released, now);
    }
    if (released?.isFinished) this.#endReply("reply-finished");
  }

  #abandonTurn(): void {
    this.#turn.clear();
    this.#scene.state = "listening";
    if (this.#scene.reply) this.#discardReply(this.#scene.reply, "closed");
    this.#scene.emit({ type: "turn-dropped", key: this.key });
  }

  #onWords(said: SaidWords): void {
    const reply = this.#releasedReply;
    if (!reply && this.#scene.state !== "listening") {
      this.#addWords(said);
      return;
    }
    const { isFinal } = said;
    const words = this.#turn.words.addKnown(said.words, isFinal);
    if (words === "") return;
    if (!reply) {
      // Preliminary words without speech are too often noise.
      if (!isFinal) return;
      this.#beginTurn();
      if (!this.#scene.isLive) this.#turn.awaitEnd(this.#scene.now);
      this.#addWords({ words, isFinal });
    } else if (reply.audibleAt === undefined) {
      this.#overlap.wordsBeforeReply(reply, { words, isFinal });
    } else {
      this.#overlap.wordsOverReply(reply, { words, isFinal });
    }
  }

  #addWords({ words, isFinal }: SaidWords): void {
    this.#turn.words.add(words, isFinal);
    const eager = this.#scene.reply;
    if (eager && isFinal && !haveSameWords(eager.text, this.text)) {
      this.#discardReply(eager, "text-changed");
      this.#scene.state = "ending";
    }
    this.#turn.reconsider();
  }

  #startReply({ eager, isForced = false }: { eager: boolean; isForced?: boolean }): void {
    const { key, text } = this;
    this.#scene.state = eager ? "eager" : "replying";
    this.#scene.reply = this.#newReply(key, text, { isReleased: !eager, isForced });
    this.#scene.emit({ type: "reply-started", key, eager });
    this.#scene.host.startReply(key, { eager, text });
  }

  #newReply(
    key: TurnKey,
    text: string,
    { isReleased, isForced = false }: { isReleased: boolean; isForced?: boolean },
  ): LiveReply {
    return {
      key,
      text,
      isForced,
      isReleased,
      isHeld: false,
      isFinished: false,
      isUninterruptible: !this.#canInterrupt,
      audibleAt: undefined,
    };
  }

  // Whatever is still to come of this attempt at the turn is stale with that.
  #discardReply(reply: LiveReply, reason: StopReason): void {
    this.#scene.reply = undefined;
    this.#turn.newAttempt();
    this.#scene.emit({ type: "reply-discarded", key: reply.key, reason });
    this.#scene.host.stopReply(reason);
  }

  #endReply(type: "reply-finished" | "reply-failed"): void {
    const key = this.#scene.reply?.key ?? this.key;
    const overlap = this.#overlap.take();
    this.#scene.reply = undefined;
    this.#scene.state = "listening";
    this.#scene.emit({ type, key });
    // What was said at the very end of the reply is an answer to it.
    if (this.#scene.isLive || overlap) this.#beginTurn(overlap);
    if (!this.#scene.isLive && overlap) this.#turn.awaitEnd(overlap.endedAt ?? this.#scene.now);
  }

  // The user goes on though the turn had ended: nothing of the reply was audible yet.
  #takeBack(reply: LiveReply, said?: SaidWords): void {
    if (reply.key.turn === 0) {
      this.#interrupt(reply, said ? "words" : "speech", said);
      return;
    }
    const overlap = this.#overlap.take();
    this.#discardReply(reply, "reopened");
    this.#turn.goOn();
    this.#scene.emit({ type: "turn-reopened", key: this.key });
    if (overlap && overlap.text !== "") this.#turn.words.add(overlap.text, true);
    this.#takeFloor(overlap, said);
  }

  #interrupt(reply: LiveReply, cause: InterruptionCause, said?: SaidWords): void {
    const overlap = this.#stopReply(reply, cause);
    this.#beginTurn(overlap);
    this.#takeFloor(overlap, said);
  }

  #takeFloor(overlap: Overlap | undefined, said: SaidWords | undefined): void {
    if (said) this.#turn.words.add(said.words, said.isFinal);
    if (!this.#scene.isLive) this.#turn.awaitEnd(overlap?.endedAt ?? this.#scene.now);
  }

  #stopReply(reply: LiveReply, cause: InterruptionCause): Overlap | undefined {
    const { audibleAt, key } = reply;
    const onsetAt = this.#overlap.knownOnsetAt;
    // Who speaks as soon as the reply does had not finished.
    if (audibleAt !== undefined && onsetAt !== undefined && key.turn > 0) {
      if (onsetAt - audibleAt <= this.endDelayMs) this.#turn.learnPause(onsetAt);
    }
    const overlap = this.#overlap.take();
    if (audibleAt === undefined) {
      this.#discardReply(reply, "interrupted");
    } else {
      this.#scene.reply = undefined;
      this.#scene.emit({ type: "reply-interrupted", key, cause });
      this.#scene.host.stopReply("interrupted");
    }
    return overlap;
  }

  get #releasedReply(): LiveReply | undefined {
    const { reply } = this.#scene;
    return reply?.isReleased ? reply : undefined;
  }

  #currentReply(key: TurnKey): LiveReply | undefined {
    const { reply } = this.#scene;
    return reply && isSame(reply.key, key) ? reply : undefined;
  }
}

function isSame(a: TurnKey, b: TurnKey): boolean {
  return a.turn === b.turn && a.rev === b.rev;
}
