/**
 * Lets running sessions end before a signal ends the process.
 *
 * Streams that have launched a server come in, SIGTERM and SIGINT come in; out goes `drain()` to each
 * stream, and then the end that the signal would have brought at once. `Stream.launch` calls it.
 */

import { constants } from "node:os";

import { systemClock } from "../media/clock.ts";
import type { Clock, Timer } from "../media/clock.ts";
import { consoleLogger } from "../observe/logger.ts";
import type { Logger } from "../observe/logger.ts";

/** What ends its sessions in good order. */
export interface Drainable {
  /**
   * Lets no new session begin, waits for the running ones, and closes those that are left.
   *
   * @param timeoutMs - How long the sessions may go on, in milliseconds.
   */
  drain(timeoutMs: number): Promise<void>;
}

/** The signals that ask a process to end. */
export type EndSignal = "SIGTERM" | "SIGINT";

/** Where signals come from; a process. */
export interface SignalSource {
  on(signal: EndSignal, listener: (signal: EndSignal) => void): unknown;
  off(signal: EndSignal, listener: (signal: EndSignal) => void): unknown;
  listenerCount(signal: EndSignal): number;
  /** Does what the signal does where nobody listens for it: ends the process. */
  raise(signal: EndSignal): void;
}

/** Shapes {@link DrainSignals}. */
export interface DrainSignalsOptions {
  readonly source: SignalSource;
  /** How long sessions may take, in milliseconds; asked for when a signal comes. */
  readonly timeoutMs: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const SIGNALS = ["SIGTERM", "SIGINT"] as const satisfies readonly EndSignal[];
/** How much longer than its time a drain may take before the process ends all the same. */
const GRACE_MS = 5_000;
// A terminal signals the whole process group and npm passes the signal on: what comes twice at once
// is one wish, and only later it is impatience.
const IMPATIENT_AFTER_MS = 1_000;

/** Drains what has been added when a signal comes. Listens only while there is something to drain. */
export class DrainSignals {
  readonly #options: DrainSignalsOptions;
  readonly #targets = new Set<Drainable>();
  readonly #onSignal = (signal: EndSignal): void => this.#receive(signal);
  #drain:
    { readonly signal: EndSignal; readonly beganAt: number; readonly timer: Timer } | undefined;
  #isListening = false;

  constructor(options: DrainSignalsOptions) {
    this.#options = options;
  }

  /**
   * Adds a target. One that comes while the others are drained is drained as well.
   *
   * @returns a function that takes it out again; safe to call twice.
   */
  add(target: Drainable): () => void {
    this.#targets.add(target);
    this.#listen(true);
    if (this.#drain) void this.#end(target);
    return () => {
      this.#targets.delete(target);
      if (!this.#drain && this.#targets.size === 0) this.#listen(false);
    };
  }

  #receive(signal: EndSignal): void {
    const { clock, logger, timeoutMs } = this.#options;
    if (this.#drain) {
      const { signal: first, beganAt } = this.#drain;
      if (signal === first && clock.now() - beganAt >= IMPATIENT_AFTER_MS) this.#finish();
      return;
    }
    const limitMs = timeoutMs();
    logger.info(
      `${signal}: no new sessions; running ones have ${limitMs / 1000} s. Again ends at once.`,
    );
    const timer = clock.setTimeout(() => this.#finish(), limitMs + GRACE_MS);
    this.#drain = { signal, beganAt: clock.now(), timer };
    for (const target of this.#targets) void this.#end(target);
  }

  async #end(target: Drainable): Promise<void> {
    const { logger, timeoutMs } = this.#options;
    try {
      await target.drain(timeoutMs());
    } catch (error) {
      logger.error("A stream did not drain.", { error });
    }
    this.#targets.delete(target);
    if (this.#targets.size === 0) this.#finish();
  }

  #finish(): void {
    const drain = this.#drain;
    if (!drain) return;
    this.#drain = undefined;
    drain.timer.cancel();
    this.#targets.clear();
    this.#listen(false);
    // Whoever else listens has taken the end of the process upon itself.
    const { source } = this.#options;
    if (source.listenerCount(drain.signal) === 0) source.raise(drain.signal);
  }

  #listen(isWanted: boolean): void {
    if (isWanted === this.#isListening) return;
    this.#isListening = isWanted;
    const { source } = this.#options;
    for (const signal of SIGNALS) {
      if (isWanted) source.on(signal, this.#onSignal);
      else source.off(signal, this.#onSignal);
    }
  }
}

const DEFAULT_DRAIN_SECONDS = 30;
/** How long the process may live on after it has signaled itself, in milliseconds. */
const RAISE_MS = 100;

/**
 * Reads how long sessions may take to end when the process is asked to: the environment variable
 * `FASTRTC_DRAIN_SECONDS`, which `fastrtc start --drain-seconds` sets, else 30 seconds.
 */
export function drainTimeoutMs(): number {
  // parseFloat and not Number, which takes a variable that is set to nothing for zero.
  const seconds = Number.parseFloat(process.env["FASTRTC_DRAIN_SECONDS"] ?? "");
  return (seconds >= 0 ? seconds : DEFAULT_DRAIN_SECONDS) * 1000;
}

/** Ends this process as a signal does. */
export function endBySignal(signal: EndSignal): void {
  process.kill(process.pid, signal);
  // As process 1 of a container, a process does not die of a signal that it does not handle:
  // https://man7.org/linux/man-pages/man2/kill.2.html#NOTES
  setTimeout(() => process.exit(128 + constants.signals[signal]), RAISE_MS);
}

const ofThisProcess = new DrainSignals({
  source: {
    on: (signal, listener) => process.on(signal, listener),
    off: (signal, listener) => process.off(signal, listener),
    listenerCount: (signal) => process.listenerCount(signal),
    raise: endBySignal,
  },
  timeoutMs: drainTimeoutMs,
  clock: systemClock,
  logger: consoleLogger,
});

/**
 * Drains a stream when this process is asked to end by SIGTERM or SIGINT, and ends the process
 * afterwards, unless the application listens for the signal itself.
 *
 * @returns a function that undoes it, for when the stream is closed; safe to call twice.
 */
export function drainOnSignals(target: Drainable): () => void {
  return ofThisProcess.add(target);
}
