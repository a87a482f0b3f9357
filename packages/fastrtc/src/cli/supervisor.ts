/**
 * Keeps the workers of an application running: starts them, starts those again that died, and lets
 * all of them drain when it is told to end.
 *
 * `commands/start.ts` gives it a way to fork and tells it to drain; out goes the exit code.
 */

import type { Clock, Timer } from "../media/clock.ts";
import type { Logger } from "../observe/logger.ts";
import { RestartPolicy } from "./restart-policy.ts";

/** What a worker reports to the supervisor. */
export interface WorkerListener {
  /** The application is loaded. */
  onStarted(): void;
  /** The application could not be loaded; the worker ends by itself. */
  onFailed(reason: string): void;
  /** It has ended; called once, last. */
  onExit(how: string): void;
}

/** A worker that has been forked. */
export interface WorkerHandle {
  readonly pid: number;
  /** Asks it to drain and end. */
  drain(): void;
  /** Ends it. */
  kill(): void;
}

/** Shapes a {@link Supervisor}. */
export interface SupervisorOptions {
  readonly workers: number;
  /** How long sessions may take to end when the workers drain, in milliseconds. */
  readonly drainMs: number;
  readonly fork: (listener: WorkerListener) => WorkerHandle;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How much longer than the time to drain a worker may live before it is killed. */
const KILL_AFTER_MS = 5_000;

interface RunningWorker {
  readonly slot: number;
  readonly startedAt: number;
  handle: WorkerHandle;
  isLoaded: boolean;
  failure: string | undefined;
}

/** Supervises workers, once. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #policy = new RestartPolicy();
  readonly #workers = new Set<RunningWorker>();
  readonly #pauses = new Set<Timer>();
  #deadline: Timer | undefined;
  #isEnding = false;
  #exitCode = 0;
  #done: ((exitCode: number) => void) | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /**
   * Starts the workers.
   *
   * @returns once all have ended for good: 0 after {@link Supervisor.drain}, 1 when some had to be
   * killed, or the application does not start.
   */
  run(): Promise<number> {
    return new Promise((resolve) => {
      this.#done = resolve;
      for (let slot = 1; slot <= this.#options.workers; slot++) this.#start(slot);
    });
  }

  /** Asks all workers to drain; kills those that take too long. Safe to call twice. */
  drain(): void {
    if (this.#isEnding) return;
    this.#end();
    const { clock, drainMs, logger } = this.#options;
    this.#deadline = clock.setTimeout(() => {
      logger.error(`${this.#workers.size} workers did not end in time and are killed.`);
      this.kill();
    }, drainMs + KILL_AFTER_MS);
  }

  /** Ends all workers at once. */
  kill(): void {
    this.#exitCode = 1;
    this.#end();
    for (const { handle } of this.#workers) handle.kill();
  }

  #end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    for (const pause of this.#pauses) pause.cancel();
    this.#pauses.clear();
    for (const { handle } of this.#workers) handle.drain();
    this.#finishIfOver();
  }

  #start(slot: number): void {
    const { fork, clock, logger } = this.#options;
    const listener: WorkerListener = {
      onStarted: () => {
        worker.isLoaded = true;
        this.#policy.onStarted();
        logger.info(`Worker ${slot} of ${this.#options.workers} runs (pid ${worker.handle.pid}).`);
      },
      onFailed: (reason) => {
        worker.failure = reason;
      },
      onExit: (how) => this.#onExit(worker, how),
    };
    const worker: RunningWorker = {
      slot,
      startedAt: clock.now(),
      handle: fork(listener),
      isLoaded: false,
      failure: undefined,
    };
    this.#workers.add(worker);
  }

  #onExit(worker: RunningWorker, how: string): void {
    this.#workers.delete(worker);
    if (this.#isEnding) {
      this.#finishIfOver();
      return;
    }
    const { clock, logger } = this.#options;
    const livedMs = clock.now() - worker.startedAt;
    const decision = this.#policy.decide({
      slot: worker.slot,
      livedMs,
      failedToLoad: worker.failure !== undefined,
      othersRunning: [...this.#workers].filter(({ isLoaded }) => isLoaded).length,
    });
    const reason = worker.failure ?? `it ended with ${how} after ${(livedMs / 1000).toFixed(1)} s`;
    if (decision.kind === "give-up") {
      logger.error(`The application does not start: ${reason}.`);
      this.kill();
      return;
    }
    const pause = `starts again in ${decision.pauseMs / 1000} s`;
    logger.warn(`Worker ${worker.slot} ${pause}: ${reason}.`);
    const timer = clock.setTimeout(() => {
      this.#pauses.delete(timer);
      this.#start(worker.slot);
    }, decision.pauseMs);
    this.#pauses.add(timer);
  }

  #finishIfOver(): void {
    if (this.#workers.size > 0) return;
    this.#deadline?.cancel();
    this.#done?.(this.#exitCode);
  }
}
