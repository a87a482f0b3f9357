/**
 * One run of a user's generator: pulls it in the session's context, sends what it yields, and ends
 * it the moment it is interrupted, even while it waits.
 */

import { contextOfTurn, runInContext } from "../session/context.ts";
import type { SessionContext, Turn, TurnTimings } from "../session/context.ts";
import { ABORTED, AbortGate } from "./abort-gate.ts";
import { sortOutput } from "./handler-output.ts";
import type { HandlerOutput } from "./handler-output.ts";
import type { HandlerPort } from "./handler-port.ts";
import { MacrotaskYield } from "./macrotask-yield.ts";

/** What a reply is: audio and values, one after the other. */
export type ReplyOutput = Iterable<HandlerOutput> | AsyncIterable<HandlerOutput>;

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
}

type ReplyIterator =
  Iterator<HandlerOutput, unknown, undefined> | AsyncIterator<HandlerOutput, unknown, undefined>;

/** One reply, from its first `next()` to its end. */
export class Reply {
  readonly #port: HandlerPort;
  readonly #context: SessionContext;
  readonly #turn: Turn;
  readonly #timings: TurnTimings;
  readonly #controller = new AbortController();
  #isGenerating = true;

  /**
   * @param index - Which turn of the session it answers; 0 where nobody has spoken.
   * @param timings - What is known of that turn so far; filled in as the reply goes on.
   */
  constructor(port: HandlerPort, index: number, timings: TurnTimings) {
    this.#port = port;
    this.#timings = timings;
    this.#turn = {
      id: `${port.context.webrtcId}:${index}`,
      index,
      signal: this.#controller.signal,
      timings,
    };
    this.#context = contextOfTurn(port.context, this.#turn);
  }

  /** Whether its generator has yet to begin or to end. */
  get isGenerating(): boolean {
    return this.#isGenerating;
  }

  /** Aborts when the reply is interrupted. */
  get signal(): AbortSignal {
    return this.#controller.signal;
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
    try {
      const given = inputs instanceof Promise ? ((await inputs) as unknown) : inputs;
      if (this.signal.aborted) return;
      this.#timings.replyStartedAt = Date.now();
      const call: ReplyCall = {
        context: this.#context,
        inputs: given,
        signal: this.signal,
        turn: this.#turn,
      };
      await this.#pull(runInContext(this.#context, () => iteratorOf(start(call))));
    } catch (error) {
      if (!this.signal.aborted) this.#port.reportError(error);
    } finally {
      this.#isGenerating = false;
      if (!this.signal.aborted) this.#port.flush();
    }
  }

  /** Stops it now: nothing more of it is sent, its signal aborts, its generator is closed. */
  interrupt(): void {
    if (this.signal.aborted) return;
    this.#timings.interruptedAt = Date.now();
    this.#isGenerating = false;
    this.#controller.abort();
    this.#port.clear();
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
        await this.#send(result.value, gate);
        const pause = others.check();
        if (pause) await pause;
      }
    } finally {
      // One that threw has ended as well, and takes no harm from being closed.
      if (!isDone) this.#close(iterator);
    }
  }

  async #send(value: HandlerOutput, gate: AbortGate): Promise<void> {
    const { audio, outputs, close } = sortOutput(value);
    if (outputs) this.#port.output(outputs);
    if (close) this.#port.closeStream(close);
    if (!audio || audio.sampleCount === 0) return;
    const room = this.#port.write(audio, this.#firstAudio());
    if (room) await gate.race(room);
  }

  #firstAudio(): (() => void) | undefined {
    if (this.#timings.firstFrameAt !== undefined) return undefined;
    this.#timings.firstFrameAt = Date.now();
    this.#port.log("response_starting");
    return () => {
      this.#timings.firstPacketAt ??= Date.now();
    };
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
