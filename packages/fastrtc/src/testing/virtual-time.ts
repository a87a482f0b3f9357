/**
 * Time in which a simulated conversation takes place: it stands still until everything that runs has
 * come to wait, and then leaps to the next timer.
 *
 * Code of the session under test finds it through its async context: `sleep`, and the timers of Node,
 * which {@link installVirtualTimers} replaces there.
 */

import { AsyncLocalStorage } from "node:async_hooks";

import { InvalidStateError } from "../errors.ts";
import type { Clock } from "../media/clock.ts";
import { ManualClock } from "./manual-clock.ts";

/** Turns of the event loop after which everything that is ready has run: one, and one in reserve. */
const SETTLING_TURNS = 2;

interface Scope {
  readonly time: VirtualTime;
  /** Whether the code belongs to the session under test; otherwise to the script. */
  readonly isSession: boolean;
}

const scopes = new AsyncLocalStorage<Scope>();

/** The time of one simulation. */
export class VirtualTime {
  readonly #clock = new ManualClock();
  #held = 0;
  #waiting = 0;

  /** The clock of everything in the simulation. */
  get clock(): Clock {
    return this.#clock;
  }

  /** Timers that wait. */
  get pendingTimers(): number {
    return this.#clock.pendingTimers;
  }

  /** Whether time may not go on, because real work is under way. */
  get isHeld(): boolean {
    return this.#held > 0;
  }

  /** Whether the script waits for time to pass. */
  get isAwaited(): boolean {
    return this.#waiting > 0;
  }

  /** Runs code of the session, for which Node's timers are virtual. */
  runSession<T>(work: () => T): T {
    return scopes.run({ time: this, isSession: true }, work);
  }

  /** Runs the script, whose own promises take no time. */
  runScript<T>(work: () => T): T {
    return scopes.run({ time: this, isSession: false }, work);
  }

  /** Lets everything run that is ready. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < SETTLING_TURNS; turn++) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  /** Leaps to the next timer and runs it. */
  leap(): void {
    this.#clock.runNextTimer();
  }

  /** Keeps time from going on until real work has ended. */
  async hold<T>(work: PromiseLike<T>): Promise<T> {
    this.#held++;
    try {
      return await work;
    } finally {
      this.#held--;
    }
  }

  /** Marks that the script waits for time to pass. */
  async wait<T>(work: PromiseLike<T>): Promise<T> {
    this.#waiting++;
    try {
      return await work;
    } finally {
      this.#waiting--;
    }
  }
}

/** Returns the time of the session under test that is running, if any. */
export function sessionTime(): VirtualTime | undefined {
  const scope = scopes.getStore();
  return scope?.isSession ? scope.time : undefined;
}

/** How a {@link sleep} ends early. */
export interface SleepOptions {
  /** Ends it when it aborts; the promise rejects with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Waits on the simulation's virtual time: a minute takes no time at all.
 *
 * @param durationMs - Virtual milliseconds.
 * @throws `InvalidStateError` outside of a simulation.
 */
export function sleep(durationMs: number, options: SleepOptions = {}): Promise<void> {
  const scope = scopes.getStore();
  if (!scope) {
    throw new InvalidStateError(
      "There is no simulation: call sleep() from a handler or a script that simulate() runs.",
    );
  }
  const slept = sleepOn(scope.time.clock, durationMs, options.signal);
  return scope.isSession ? slept : scope.time.wait(slept);
}

/**
 * Keeps virtual time standing while real work is done: reading a file, calling a server on this
 * machine, a worker thread. Without it time may run ahead of such work, and by how much differs from
 * run to run.
 *
 * Outside of a simulation it does nothing but wait for the work.
 *
 * @param work - Settles in real time.
 */
export function holdTime<T>(work: PromiseLike<T>): Promise<T> {
  const time = scopes.getStore()?.time;
  return time ? time.hold(work) : Promise.resolve(work);
}

function sleepOn(clock: Clock, durationMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, durationMs);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
