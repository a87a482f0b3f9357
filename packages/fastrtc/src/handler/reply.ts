/**
 * One run of a user's generator: pulls it in the session's context, sends what it yields, and ends
 * it the moment it is interrupted, even while it waits.
 */

import { contextOfTurn, runInContext } from "../session/context/context.ts";
import type { SessionContext, Turn, TurnTimings } from "../session/context/context.ts";
import { ABORTED, AbortGate } from "./abort-gate.ts";
import { HeardAudio } from "./heard-audio.ts";
import type { Heard } from "./heard-audio.ts";
import { sortOutput } from "./handler-output.ts";
import type { HandlerOutput } from "./handler-output.ts";
import type { HandlerPort, ReplyProgress } from "./handler-port.ts";
import { MacrotaskYield } from "./macrotask-yield.ts";

/** What a reply is: audio and values, one after the other. */
export type ReplyOutput = Iterable<HandlerOutput> | AsyncIterable<HandlerOutput>;

/** What a reply may know of itself, and decide about itself, while it runs and afterwards. */
export interface ReplyControl {
  /**
   * What the user has heard of it by now; what was not heard does not belong into a history. As exact
   * as the client's reports allow; without any, what was sent.
   */
  readonly heard: Heard;
  /**
   * Whether speech cannot stop it from now on.
   *
   * @defaultValue false
   */
  uninterruptible: boolean;
  /**
   * What the user said, where it is known. A reply function that recognises it by itself says it here,
   * so that the client is told too, as it is of what the option `speechToText` recognises.
   *
   * @defaultValue `turn.transcript`
   */
  transcript: string | undefined;
  /**
   * Calls back once this reply is over, however it ended, with what was heard of it: the moment to
   * write a history. Nothing was heard of a reply that was taken back because its turn went on.
   *
   * @param listener - Runs in the session's context; what it throws goes to the log.
   */
  onEnded(listener: (heard: Heard) => unknown): void;
}

/** What a reply's generator function is given. */
export interface ReplyCall {
  /** The session that speaks; the same as `getContext()`. */
  readonly context: SessionContext;
  /** The inputs last set for the session. */
  readonly inputs: unknown;
  /** Aborts when the user interrupts this reply, and when the session ends. Pass it to `fetch`. */
  readonly signal: AbortSignal;
  /** The turn that is answered. */
  readonly turn: Turn;
  /** This reply: what was heard of it, and whether it can be stopped. */
  readonly reply: ReplyControl;
}

type ReplyIterator =
  Iterator<HandlerOutput, unknown, undefined> | AsyncIterator<HandlerOutput, unknown, undefined>;

/** Whom a {@link Reply} tells how it fares. Nothing is told after {@link Reply.interrupt}. */
export interface ReplyListener {
  /** Its first audio has been handed to the network. */
  onAudible(): void;
  /** It has ended, and its audio has been sent. */
  onFinished(): void;
  /** It failed before it was released: nothing of it was heard, and it can be tried again. */
  onFailed(): void;
  /** Its own code forbids interruptions, or allows them again. */
  onUninterruptible(isUninterruptible: boolean): void;
  /** It will say these words. */
  onText(text: string): void;
}

/** What a {@link Reply} answers. */
export interface ReplyOptions {
  /** Which turn of the session; 0 where nobody has spoken. */
  readonly index: number;
  /** What is known of that turn so far; filled in as the reply goes on. */
  readonly timings: TurnTimings;
  /** Whether it starts before the turn is sure: it is held until {@link Reply.release}. */
  readonly eager: boolean;
  readonly transcript: string | undefined;
  /** Whether the transcript was typed: the client need not be told of it. @defaultValue false */
  readonly isTyped?: boolean;
  readonly listener: ReplyListener;
}

/** One reply, from its first `next()` to the end of its audio. */
export class Reply {
  readonly #port: HandlerPort;
  readonly #options: ReplyOptions;
  readonly #context: SessionContext;
  readonly #turn: Turn;
  readonly #control: ReplyControl;
  readonly #controller = new AbortController();
  readonly #audio: HeardAudio;
  readonly #endListeners: ((heard: Heard) => unknown)[] = [];
  // What it said while it was held; undefined once it is released.
  #held: (() => void)[] | undefined;
  #heard: Heard | undefined;
  // What is to be told to the client of the user's words; those that were typed are not.
  #transcript: string | undefined;
  #isTranscriptFinal = false;
  #hasTold = false;
  #isOver = false;

  constructor(port: HandlerPort, options: ReplyOptions) {
    this.#port = port;
    this.#options = options;
    const { index, timings, eager, transcript, isTyped = false } = options;
    this.#audio = new HeardAudio(port.clock);
    this.#transcript = isTyped ? undefined : transcript;
    this.#held = eager ? [] : undefined;
    this.#turn = {
      id: `${port.context.webrtcId}:${index}`,
      index,
      signal: this.signal,
      timings,
      eager,
      transcript,
    };
    this.#context = contextOfTurn(port.context, this.#turn);
    this.#control = this.#createControl(transcript);
  }

  /** Aborts when the reply is interrupted. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** When what happened, filled in as it goes on. */
  get timings(): TurnTimings {
    return this.#options.timings;
  }

  /** Whether it may be heard, and has neither ended nor been interrupted. */
  get isRunning(): boolean {
    return !this.#held && !this.#isOver && !this.signal.aborted;
  }

  /** Which turn of the session it answers; 0 where nobody has spoken. */
  get index(): number {
    return this.#options.index;
  }

  /**
   * Runs the generator to its end. Never rejects: errors are reported, and the next turn works.
   *
   * @param start - Calls the user's generator function.
   * @param inputs - What that function gets as inputs, or who can tell.
   */
  async run(
    start: (call: ReplyCall) => ReplyOutput,
    inputs: unknown = this.#port.inputs,
  ): Promise<void> {
    const { listener, timings } = this.#options;
    try {
      const given = inputs instanceof Promise ? ((await inputs) as unknown) : inputs;
      if (this.signal.aborted) return;
      timings.replyStartedAt = Date.now();
      const call: ReplyCall = {
        context: this.#context,
        inputs: given,
        signal: this.signal,
        turn: this.#turn,
        reply: this.#control,
      };
      await this.#pull(runInContext(this.#context, () => iteratorOf(start(call))));
      // Not of one that failed: it may have failed in the midst of its words.
      this.#audio.end();
    } catch (error) {
      if (this.signal.aborted) return;
      if (this.#held) {
        this.interrupt();
        listener.onFailed();
        return;
      }
      this.#port.reportError(error);
    }
    this.#whenReleased(() => this.#whenLive(() => void this.#finish()));
  }

  /** Lets what it has said, and what it will say, out. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const say of held) say();
  }

  /**
   * Stops it now: nothing more of it is sent, its signal aborts, its generator is closed.
   *
   * @param isTakenBack - Whether its turn goes on, as if it had never been: the client is told nothing.
   */
  interrupt(isTakenBack = false): void {
    if (this.signal.aborted) return;
    const mustTell = this.isRunning && !isTakenBack;
    this.#heard ??= this.#audio.heard(this.#port.playoutDelayMs);
    this.#options.timings.interruptedAt = Date.now();
    this.#held = undefined;
    this.#controller.abort();
    this.#port.clear();
    if (mustTell) {
      this.#tell({ phase: "interrupted", index: this.index, heardText: this.#heard.text });
    }
    this.#callEndListeners();
  }

  #createControl(transcript: string | undefined): ReplyControl {
    const heard = (): Heard => this.#heard ?? this.#audio.heard(this.#port.playoutDelayMs);
    const setTranscript = (text: string | undefined): void => this.#setTranscript(text);
    const setUninterruptible = (value: boolean): void =>
      this.#whenLive(() => this.#options.listener.onUninterruptible(value));
    let isUninterruptible = false;
    return {
      get heard() {
        return heard();
      },
      get uninterruptible() {
        return isUninterruptible;
      },
      set uninterruptible(value) {
        isUninterruptible = value;
        setUninterruptible(value);
      },
      get transcript() {
        return transcript;
      },
      set transcript(text) {
        transcript = text;
        setTranscript(text);
      },
      onEnded: (listener) => {
        this.#endListeners.push(listener);
        if (this.#isOver || this.signal.aborted) this.#callEndListeners();
      },
    };
  }

  async #finish(): Promise<void> {
    this.#port.flush();
    await this.#port.drained();
    this.#whenLive(() => {
      this.#isOver = true;
      this.#heard = this.#audio.heard(0);
      this.#tell({ phase: "finished", index: this.index });
      this.#options.listener.onFinished();
      this.#callEndListeners();
    });
  }

  #callEndListeners(): void {
    const { heard } = this.#control;
    const note = (error: unknown): void => this.#port.noteError(error);
    for (const listener of this.#endListeners.splice(0)) {
      try {
        const pending = runInContext(this.#context, () => listener(heard));
        Promise.resolve(pending).catch(note);
      } catch (error) {
        note(error);
      }
    }
  }

  // Preliminary words: while nothing of the reply is told, its turn may still go on.
  #setTranscript(text: string | undefined): void {
    if (this.signal.aborted || this.#isTranscriptFinal) return;
    this.#transcript = text;
    if (this.#hasTold) this.#tellTranscript(true);
    else this.#whenReleased(() => this.#whenLive(() => this.#tellTranscript(false)));
  }

  #tellTranscript(isFinal: boolean): void {
    const { index } = this;
    const text = this.#transcript ?? "";
    if (text === "" || this.#isTranscriptFinal) return;
    this.#isTranscriptFinal = isFinal;
    this.#port.userTranscript({ index, text, isFinal });
  }

  // Only once something of the reply is told, its turn can no longer go on: that is when its words
  // are final.
  #tell(progress: ReplyProgress): void {
    if (!this.#hasTold) {
      this.#hasTold = true;
      this.#tellTranscript(true);
    }
    this.#port.replyProgress(progress);
  }

  #whenLive(say: () => void): void {
    if (!this.signal.aborted) say();
  }

  async #pull(iterator: ReplyIterator): Promise<void> {
    const gate = new AbortGate(this.signal);
    const others = new MacrotaskYield();
    let isDone = false;
    try {
      while (!this.signal.aborted) {
        const step = runInContext(this.#context, () => iterator.next());
        const result = step instanceof Promise ? await gate.race(step) : step;
        if (result === ABORTED) return;
        if (result.done) {
          isDone = true;
          return;
        }
        const room = this.#send(result.value);
        // Awaited only where there is something to wait for: node 20 pays for every promise of a step.
        if (room) await gate.race(room);
        const pause = others.check();
        if (pause) await pause;
      }
    } finally {
      // One that threw has ended as well, and takes no harm from being closed.
      if (!isDone) this.#close(iterator);
    }
  }

  // Resolves when there is room for more; undefined where there is.
  #send(value: HandlerOutput): Promise<void> | undefined {
    const { audio, outputs, close } = sortOutput(value);
    if (outputs) this.#whenReleased(() => this.#port.output(outputs));
    if (close) this.#whenReleased(() => this.#port.closeStream(close));
    if (!audio || audio.sampleCount === 0) return undefined;
    this.#noteFirstAudio();
    if (audio.text !== undefined) this.#options.listener.onText(audio.text);
    const onSent = this.#audio.add(audio.durationMs, audio.text);
    let untold = audio.text;
    return this.#port.write(audio, (sentMs) => {
      const isFirst = !this.#audio.isAudible;
      onSent(sentMs);
      if (isFirst) this.#noteAudible();
      if (untold === undefined) return;
      this.#tell({ phase: "text", index: this.index, text: untold });
      untold = undefined;
    });
  }

  #noteFirstAudio(): void {
    const { timings } = this.#options;
    if (timings.firstFrameAt !== undefined) return;
    timings.firstFrameAt = Date.now();
    this.#whenReleased(() => this.#port.log("response_starting"));
  }

  #noteAudible(): void {
    this.#options.timings.firstPacketAt = Date.now();
    this.#tell({ phase: "started", index: this.index });
    this.#options.listener.onAudible();
  }

  #whenReleased(say: () => void): void {
    if (this.#held) this.#held.push(say);
    else say();
  }

  // A generator that waits runs its `finally` when its wait ends; nobody here waits for that.
  #close(iterator: ReplyIterator): void {
    const report = (error: unknown): void => this.#port.reportError(error);
    try {
      const closing: unknown = runInContext(this.#context, () => iterator.return?.());
      Promise.resolve(closing).catch(report);
    } catch (error) {
      report(error);
    }
  }
}

function iteratorOf(output: ReplyOutput): ReplyIterator {
  if (typeof output === "object" && (output as unknown) !== null) {
    if (Symbol.asyncIterator in output) return output[Symbol.asyncIterator]();
    if (Symbol.iterator in output) return output[Symbol.iterator]();
  }
  throw new TypeError(
    "The reply function must be a generator: declare it as `function*` or `async function*` and yield audio.",
  );
}
