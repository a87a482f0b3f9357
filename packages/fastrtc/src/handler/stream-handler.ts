/**
 * The classes that users extend. A session makes a copy of the stream's handler for itself, gives it
 * the caller's frames, and sends what it emits. Every method runs in the session's context.
 */

import { InvalidOptionError, InvalidStateError } from "../errors.ts";
import type { AudioFrame } from "../media/audio-frame.ts";
import type { HandlerOutput } from "./handler-output.ts";
import type { HandlerPort } from "./handler-port.ts";
import type { TurnControl, TurnPolicy } from "./turn-control.ts";

/** What audio a handler takes and gives. */
export interface StreamHandlerOptions {
  /**
   * Rate, in Hz, of the frames that `receive` is given.
   *
   * @defaultValue 48000
   */
  readonly inputSampleRate?: number;
  /**
   * Rate, in Hz, at which audio is encoded; yielded audio of lower rates is converted, and audio of
   * higher rates keeps its own, up to the codec's. A multiple of 50.
   *
   * @defaultValue 24000
   */
  readonly outputSampleRate?: number;
  /**
   * Channels of the frames that `receive` is given, and of the audio that is sent.
   *
   * @defaultValue "mono"
   */
  readonly expectedLayout?: "mono" | "stereo";
}

/** What every handler is and can do. */
export abstract class StreamHandlerBase implements TurnControl {
  /** Rate of the frames that `receive` is given, in Hz. */
  readonly inputSampleRate: number;
  /** Rate at which audio is sent, in Hz. */
  readonly outputSampleRate: number;
  /** Channels of the frames that `receive` is given, and of the audio that is sent. */
  readonly expectedLayout: "mono" | "stereo";
  /** Whether the caller is on a telephone: expect 8 kHz, no echo cancellation, no data channel. */
  phoneMode = false;
  #port: HandlerPort | undefined;

  /** @throws {@link InvalidOptionError} for a rate that cannot be sent in whole frames of 20 ms. */
  constructor(options: StreamHandlerOptions = {}) {
    this.inputSampleRate = checkRate("inputSampleRate", options.inputSampleRate ?? 48_000);
    this.outputSampleRate = checkRate("outputSampleRate", options.outputSampleRate ?? 24_000);
    this.expectedLayout = options.expectedLayout ?? "mono";
    if (!["mono", "stereo"].includes(this.expectedLayout)) {
      throw new InvalidOptionError(
        "expectedLayout",
        this.expectedLayout,
        'Use "mono" or "stereo".',
      );
    }
  }

  /** Makes the handler of a new session; runs in that session's context. */
  abstract copy(): StreamHandlerBase;

  /** Takes the next 20 ms of the caller's audio. */
  abstract receive(frame: AudioFrame): void | Promise<void>;

  /** Runs once when the session's media flows, beside `receive`; may run as long as it likes. */
  startUp(): void | Promise<void> {
    // For subclasses.
  }

  /** Runs once when the session has ended, however it ended. */
  shutdown(): void | Promise<void> {
    // For subclasses.
  }

  /** Takes a text message of the client's. */
  onMessage(_text: string): void | Promise<void> {
    // For subclasses.
  }

  /**
   * Takes a key that the caller pressed on a telephone.
   *
   * @param _digit - One of `0`-`9`, `*`, `#`, `A`-`D`.
   */
  onDtmf(_digit: string): void | Promise<void> {
    // For subclasses.
  }

  /** Forgets what was heard so far. */
  reset(): void {
    // For subclasses.
  }

  endTurnNow(): boolean {
    return false;
  }

  interruptNow(): boolean {
    return false;
  }

  /** Takes a text that the user typed in the place of speech; `ReplyOnPause` answers it. */
  onText(_text: string): boolean {
    return false;
  }

  setTurnPolicy(_policy: TurnPolicy): void {
    // A handler without turns has none to decide about.
  }

  /**
   * Takes note that the client has heard the first sound of a reply.
   *
   * @param _atMs - When, in milliseconds since the epoch.
   * @internal
   */
  onAudible(_atMs: number): void {
    // Where there are replies.
  }

  /** The inputs last set for this session. */
  get latestArgs(): unknown {
    return this.port.inputs;
  }

  /**
   * Asks the client for the inputs of this turn and waits for them (`send_input`).
   *
   * @param signal - Ends the wait; defaults to the session's own.
   */
  async waitForArgs(signal: AbortSignal = this.port.context.signal): Promise<unknown> {
    const next = this.port.nextInputs(signal);
    this.port.requestInputs();
    return next;
  }

  /** Sends a message to the client, which receives it as its `message` event. */
  sendMessage(data: unknown): void {
    this.port.context.send(data);
  }

  /** Drops the audio that has been queued and not been heard yet. */
  clearQueue(): void {
    this.port.clear();
  }

  /**
   * The session that runs this handler.
   *
   * @throws {@link InvalidStateError} before a session has taken it.
   * @internal
   */
  protected get port(): HandlerPort {
    if (!this.#port) {
      throw new InvalidStateError(
        "The handler is not part of a session yet. Use this from startUp(), receive() or emit(), not from the constructor or copy().",
      );
    }
    return this.#port;
  }

  /**
   * Ties the handler to its session.
   *
   * @internal
   */
  attach(port: HandlerPort): void {
    if (this.#port) {
      throw new InvalidStateError(
        "copy() returned a handler that serves another session already. Return a new handler from copy().",
      );
    }
    this.#port = port;
  }
}

/**
 * A handler with its own idea of when to speak: `receive` takes the caller's audio, `emit` gives ours.
 *
 * @example
 * ```ts
 * class Echo extends StreamHandler {
 *   readonly #frames = new AsyncQueue<AudioFrame>();
 *   copy() { return new Echo(); }
 *   receive(frame: AudioFrame) { this.#frames.put(frame); }
 *   emit() { return this.#frames.get(); }
 * }
 * ```
 */
export abstract class StreamHandler extends StreamHandlerBase {
  /**
   * Gives the next audio or output to send; called again as soon as it has been queued.
   *
   * Wait inside for something to say. Where it returns nothing it is asked again after 20 ms.
   */
  abstract emit(): HandlerOutput | Promise<HandlerOutput>;
}

function checkRate(option: string, rate: number): number {
  if (!Number.isInteger(rate) || rate < 8000 || rate > 192_000 || rate % 50 !== 0) {
    throw new InvalidOptionError(
      option,
      rate,
      "Give a rate in Hz from 8000 to 192000 that 50 divides, such as 16000, 24000 or 48000.",
    );
  }
  return rate;
}
