/**
 * Node's own timers on virtual time, for the code of a session under test only: everything else in the
 * process, other tests included, keeps the real ones.
 */

import { AsyncResource } from "node:async_hooks";
import { syncBuiltinESMExports } from "node:module";
import timersPromises from "node:timers/promises";
import { promisify } from "node:util";

import type { Clock, Timer } from "../media/clock.ts";
import { sessionTime } from "./virtual-time.ts";

type Callback = (...args: unknown[]) => void;
type TimerFunction = (callback: Callback, delayMs?: number, ...args: unknown[]) => unknown;

/** What `setTimeout` and `setInterval` return on virtual time: as much of Node's as people use. */
class VirtualTimeout {
  readonly #clock: Clock;
  readonly #callback: () => void;
  readonly #delayMs: number;
  readonly #repeats: boolean;
  #timer: Timer | undefined;

  constructor(clock: Clock, callback: () => void, delayMs: number, repeats: boolean) {
    this.#clock = clock;
    // The callback belongs to whoever set the timer, not to whoever lets time pass.
    this.#callback = AsyncResource.bind(callback);
    // As Node does: also what is no number counts as one millisecond.
    this.#delayMs = delayMs >= 1 ? delayMs : 1;
    this.#repeats = repeats;
    this.#arm();
  }

  close(): this {
    this.#timer?.cancel();
    this.#timer = undefined;
    return this;
  }

  refresh(): this {
    this.close();
    this.#arm();
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  #arm(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      if (this.#repeats) this.#arm();
      this.#callback();
    }, this.#delayMs);
  }
}

/** What time it is when a simulation begins: the same each time. */
const EPOCH_MS = Date.UTC(2025, 0, 1);

let users = 0;
let restore: (() => void) | undefined;

/**
 * Replaces `setTimeout`, `setInterval`, `Date.now`, `AbortSignal.timeout` and the `setTimeout` of
 * `node:timers/promises` for code of sessions under test.
 *
 * @returns a function that puts them back, when nobody else needs them any more.
 */
export function installVirtualTimers(): () => void {
  if (users++ === 0) restore = replace();
  return () => {
    if (--users > 0) return;
    restore?.();
    restore = undefined;
  };
}

function replace(): () => void {
  const real = {
    setTimeout: globalThis.setTimeout,
    setInterval: globalThis.setInterval,
    clearTimeout: globalThis.clearTimeout,
    clearInterval: globalThis.clearInterval,
    now: Date.now,
    timeout: AbortSignal.timeout.bind(AbortSignal),
    sleep: timersPromises.setTimeout,
  };
  const clear =
    (realClear: (timer: never) => void) =>
    (timer: unknown): void => {
      if (timer instanceof VirtualTimeout) timer.close();
      else realClear(timer as never);
    };
  const sleep = (durationMs?: number, value?: unknown, options?: { signal?: AbortSignal }) => {
    const time = sessionTime();
    return time
      ? waitOn(time.clock, durationMs, value, options?.signal)
      : real.sleep(durationMs, value, options);
  };
  const setTimeout = timerFunction(real.setTimeout as TimerFunction, false);
  assign(globalThis, {
    setTimeout: Object.assign(setTimeout, { [promisify.custom]: sleep }),
    setInterval: timerFunction(real.setInterval as TimerFunction, true),
    clearTimeout: clear(real.clearTimeout),
    clearInterval: clear(real.clearInterval),
  });
  assign(Date, {
    now: () => {
      const time = sessionTime();
      return time ? Math.floor(EPOCH_MS + time.clock.now()) : real.now();
    },
  });
  assign(AbortSignal, {
    timeout: (delayMs: number) => {
      const time = sessionTime();
      return time ? timeoutSignal(time.clock, delayMs) : real.timeout(delayMs);
    },
  });
  assign(timersPromises, { setTimeout: sleep });
  syncBuiltinESMExports();
  return () => {
    const { setTimeout: realSetTimeout, setInterval, clearTimeout, clearInterval } = real;
    assign(globalThis, { setTimeout: realSetTimeout, setInterval, clearTimeout, clearInterval });
    assign(Date, { now: real.now });
    assign(AbortSignal, { timeout: real.timeout });
    assign(timersPromises, { setTimeout: real.sleep });
    syncBuiltinESMExports();
  };
}

function timerFunction(real: TimerFunction, repeats: boolean): TimerFunction {
  return (callback, delayMs, ...args) => {
    const time = sessionTime();
    if (!time || typeof callback !== "function") return real(callback, delayMs, ...args);
    return new VirtualTimeout(time.clock, () => callback(...args), Number(delayMs), repeats);
  };
}

function timeoutSignal(clock: Clock, delayMs: number): AbortSignal {
  const controller = new AbortController();
  const abort = (): void =>
    controller.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError"));
  new VirtualTimeout(clock, abort, delayMs, false);
  return controller.signal;
}

function waitOn(
  clock: Clock,
  durationMs: number | undefined,
  value: unknown,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      timer.close();
      const error = new Error("The operation was aborted", { cause: signal?.reason });
      reject(Object.assign(error, { name: "AbortError", code: "ABORT_ERR" }));
    };
    const done = (): void => {
      signal?.removeEventListener("abort", abort);
      resolve(value);
    };
    const timer = new VirtualTimeout(clock, done, Number(durationMs), false);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}

// The types of Node's own functions have overloads that no plain function fulfils.
function assign(target: object, values: Readonly<Record<string, unknown>>): void {
  Object.assign(target, values);
}
