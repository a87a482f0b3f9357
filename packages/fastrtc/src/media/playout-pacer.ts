/**
 * When each frame of a reply is sent.
 *
 * In go frames, pulled from their owner one by one at the moment they are due, out they come with
 * their RTP position. A session's way out makes one, and wakes it when a frame is there.
 *
 * The rules:
 * - Deadlines are counted from one start, `frameMs` apart; a late timer moves none of them.
 * - No frame at its deadline, or none expected: the pacer falls idle and has no timer. A `wake`
 *   before the deadline waits for it. One after it, by up to `maxCatchUpMs`, sends at once, at the
 *   timestamp and on the deadlines of before: the late producer costs nothing. A later one begins
 *   anew: the frame goes out at once, deadlines are counted from now, and it is marked `first`.
 * - Behind by a frame or more (the event loop stood still, or a live producer did): two frames a
 *   tick, until it has caught up. Behind by more than `maxCatchUpMs`: it begins anew instead.
 * - Wherever it begins anew, the timestamp advances by the real time since the very first frame, in
 *   whole frames. It is therefore never off by a frame or more after that, however often it happens.
 */

import { InvalidOptionError } from "../errors.ts";
import type { Clock, Timer } from "./clock.ts";

/** Where a frame stands in the stream. */
export interface PlayoutPosition {
  /** Samples since the first frame; increases by the frame's length, and by more after a pause. */
  readonly timestampSamples: number;
  /** Whether it follows a pause, which is what an RTP marker says. */
  readonly first: boolean;
}

/** What a {@link PlayoutPacer} sends and how it keeps time. */
export interface PlayoutPacerOptions<Frame> {
  /** Time and timers. */
  readonly clock: Clock;
  /** The clock of `timestampSamples` in Hz. */
  readonly sampleRate: number;
  /**
   * Length of every frame in milliseconds; a whole number of samples.
   *
   * @defaultValue 20
   */
  readonly frameMs?: number;
  /**
   * Frames' time to wait, after a pause, before the first frame goes out.
   *
   * Higher values ride out a producer that stutters, and answer later by as much.
   *
   * @defaultValue 0
   */
  readonly prebufferFrames?: number;
  /**
   * How much earlier than it is heard each frame is sent, in milliseconds, for receivers that keep
   * what comes early: after a pause frames are sent twice as fast until so much is won.
   *
   * Higher values ride out a network that stutters; what has been sent can only be taken back by the
   * receiver.
   *
   * @defaultValue 0
   */
  readonly leadMs?: number;
  /**
   * How far behind, in milliseconds, frames are sent twice as fast.
   *
   * Higher values lose less time to a stalled event loop or a late producer, and send more at once
   * after it.
   *
   * @defaultValue 100
   */
  readonly maxCatchUpMs?: number;
  /** Gives the next frame, or undefined when none is ready: then {@link PlayoutPacer.wake} it. */
  nextFrame(): Frame | undefined;
  /**
   * Says after each frame whether another is to be expected at the next deadline. Where it is not,
   * the pacer falls idle at once, and spares a timer that would find nothing.
   *
   * @defaultValue it asks at the deadline
   */
  hasFrame?(): boolean;
  /** Sends one frame. */
  send(frame: Frame, position: PlayoutPosition): void;
}

const DEFAULTS = { frameMs: 20, prebufferFrames: 0, leadMs: 0, maxCatchUpMs: 100 } as const;
// Node counts a timer from the start of the loop's iteration, in whole milliseconds: it may fire
// early. What is a millisecond early is sent; what is earlier waits again.
const EARLY_MS = 1;
/** Frames that may be sent in one frame's time by who is behind. */
const MAX_TICK_FRAMES = 2;

/** Sends frames at the pace at which they are heard. */
export class PlayoutPacer<Frame> {
  readonly #options: PlayoutPacerOptions<Frame>;
  readonly #clock: Clock;
  readonly #frameMs: number;
  readonly #frameSamples: number;
  readonly #prebufferMs: number;
  readonly #leadMs: number;
  readonly #maxCatchUpMs: number;
  /** When timestamp 0 was sent; undefined before. */
  #originMs: number | undefined;
  /** Counted in frames: the timestamp of the next one. */
  #index = 0;
  /** The next deadline is `#epochMs + #index * #frameMs`; the very first one has always passed. */
  #epochMs = -Infinity;
  #first = true;
  /** The last tick, and how many frames have been sent since. */
  #tickMs = -Infinity;
  #tickFrames = 0;
  #timer: Timer | undefined;
  #isStarted = false;
  #isTicking = false;

  /** @throws {@link InvalidOptionError} when an option cannot work. */
  constructor(options: PlayoutPacerOptions<Frame>) {
    const { sampleRate, frameMs, prebufferFrames, leadMs, maxCatchUpMs } = {
      ...DEFAULTS,
      ...options,
    };
    const frameSamples = (sampleRate * frameMs) / 1000;
    if (!Number.isInteger(frameSamples) || frameSamples < 1) {
      throw new InvalidOptionError("frameMs", frameMs, "Give a whole number of samples' time.");
    }
    if (!(prebufferFrames >= 0 && prebufferFrames <= 100)) {
      throw new InvalidOptionError("prebufferFrames", prebufferFrames, "Give 0 to 100 frames.");
    }
    if (!(leadMs >= 0 && leadMs <= 2000)) {
      throw new InvalidOptionError("leadMs", leadMs, "Give 0 to 2000 ms.");
    }
    if (!(maxCatchUpMs >= frameMs)) {
      throw new InvalidOptionError("maxCatchUpMs", maxCatchUpMs, "Give one frame's time or more.");
    }
    this.#options = options;
    this.#clock = options.clock;
    this.#frameMs = frameMs;
    this.#frameSamples = frameSamples;
    this.#prebufferMs = prebufferFrames * frameMs;
    this.#leadMs = leadMs;
    this.#maxCatchUpMs = maxCatchUpMs + leadMs;
  }

  /** Whether a frame is due some time; false while it waits for a {@link PlayoutPacer.wake}. */
  get isActive(): boolean {
    return this.#timer !== undefined;
  }

  /** Begins to send; does nothing when it has begun. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.wake();
  }

  /** Sends nothing more and holds no timer, until it is started again. */
  stop(): void {
    this.#isStarted = false;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /**
   * Tells that a frame is ready. Does nothing while frames are being sent, so call it with every
   * one; may send the frame before it returns.
   */
  wake(): void {
    if (!this.#isStarted || this.#timer || this.#isTicking) return;
    const nowMs = this.#clock.now();
    const lateMs = nowMs - this.#deadlineMs();
    if (lateMs < -EARLY_MS) this.#setTimer(this.#onTimer, -lateMs);
    else if (lateMs <= this.#maxCatchUpMs) this.#catchUp(nowMs);
    else if (this.#prebufferMs > 0) this.#setTimer(this.#onPrebuffered, this.#prebufferMs);
    else this.#tick(nowMs, true);
  }

  // Frames that a late producer gives one by one are no faster than those that wait.
  #catchUp(nowMs: number): void {
    const waitMs = this.#tickMs + this.#frameMs - nowMs;
    if (this.#tickFrames < MAX_TICK_FRAMES || waitMs <= EARLY_MS) this.#tick(nowMs, false);
    else this.#setTimer(this.#onTimer, waitMs);
  }

  #deadlineMs(): number {
    return this.#epochMs + this.#index * this.#frameMs;
  }

  #setTimer(callback: () => void, delayMs: number): void {
    this.#timer = this.#clock.setTimeout(callback, Math.ceil(delayMs));
  }

  readonly #onPrebuffered = (): void => {
    this.#timer = undefined;
    this.#tick(this.#clock.now(), true);
  };

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    const nowMs = this.#clock.now();
    const lateMs = nowMs - this.#deadlineMs();
    if (lateMs < -EARLY_MS) this.#setTimer(this.#onTimer, -lateMs);
    else this.#tick(nowMs, lateMs > this.#maxCatchUpMs);
  };

  #tick(nowMs: number, isAnew: boolean): void {
    this.#isTicking = true;
    if (nowMs - this.#tickMs >= this.#frameMs - EARLY_MS) {
      this.#tickMs = nowMs;
      this.#tickFrames = 0;
    }
    let isMore: boolean;
    try {
      isMore = this.#sendNext(nowMs, isAnew);
      if (isMore && this.#deadlineMs() <= nowMs && this.#tickFrames < MAX_TICK_FRAMES) {
        isMore = this.#sendNext(nowMs, false);
      }
    } finally {
      this.#isTicking = false;
    }
    if (!isMore || !this.#isStarted || this.#options.hasFrame?.() === false) return;
    const aheadMs = this.#deadlineMs() - nowMs;
    this.#setTimer(this.#onTimer, aheadMs > 0 ? aheadMs : this.#frameMs);
  }

  #sendNext(nowMs: number, isAnew: boolean): boolean {
    const frame = this.#isStarted ? this.#options.nextFrame() : undefined;
    if (frame === undefined) return false;
    if (isAnew) this.#beginAnew(nowMs);
    const position = { timestampSamples: this.#index * this.#frameSamples, first: this.#first };
    this.#index++;
    this.#tickFrames++;
    this.#first = false;
    this.#options.send(frame, position);
    return true;
  }

  #beginAnew(nowMs: number): void {
    this.#originMs ??= nowMs;
    this.#index = Math.max(this.#index, Math.floor((nowMs - this.#originMs) / this.#frameMs));
    this.#epochMs = nowMs - this.#leadMs - this.#index * this.#frameMs;
    this.#first = true;
  }
}
