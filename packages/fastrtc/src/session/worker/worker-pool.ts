import type { Worker } from "node:worker_threads";

import { InvalidOptionError, InvalidStateError } from "../../errors.ts";
import { systemClock } from "../../media/clock.ts";
import type { Timer } from "../../media/clock.ts";
import { runOutsideContext } from "../context/context.ts";
import type { WorkerCall } from "./worker-call.ts";
import type { FromWorker } from "./worker-messages.ts";

/** How long a thread without work is kept, in milliseconds. */
const IDLE_MS = 30_000;
/** How long a function that was given up may go on before its thread is ended, in milliseconds. */
const ABORT_GRACE_MS = 1000;
/** Calls that may wait for a thread. */
const MAX_WAITING = 1000;

/** What a {@link WorkerPool} works with. */
export interface WorkerPoolOptions {
  /** Starts a thread. */
  readonly start: () => Worker;
  readonly maxThreads: number;
}

interface Thread {
  readonly worker: Worker;
  call: WorkerCall | undefined;
  idle: Timer | undefined;
}

/** A few threads, and the calls that wait for one. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #threads = new Set<Thread>();
  readonly #waiting: WorkerCall[] = [];

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Runs a call when a thread is free. Settles as the call does. */
  run(call: WorkerCall): Promise<unknown> {
    if (this.#waiting.length >= MAX_WAITING) {
      throw new InvalidStateError(
        `More than ${MAX_WAITING} calls wait for a worker thread. Give workers less to do, or run more processes.`,
      );
    }
    const onAbort = (): void => this.#giveUp(call);
    call.signal?.addEventListener("abort", onAbort, { once: true });
    this.#waiting.push(call);
    this.#next();
    return call.result.finally(() => call.signal?.removeEventListener("abort", onAbort));
  }

  #next(): void {
    const call = this.#waiting[0];
    if (!call) return;
    const thread = this.#freeThread();
    if (!thread) return;
    this.#waiting.shift();
    thread.idle?.cancel();
    thread.call = call;
    thread.worker.ref();
    try {
      thread.worker.postMessage(call.request, [...call.transfer]);
    } catch (error) {
      const remedy =
        "Give what structuredClone can copy: no functions, sockets or class instances.";
      call.reject(new InvalidOptionError("input", "what was given", remedy, { cause: error }));
      this.#free(thread);
    }
  }

  #freeThread(): Thread | undefined {
    for (const thread of this.#threads) if (!thread.call) return thread;
    return this.#threads.size < this.#options.maxThreads
      ? runOutsideContext(() => this.#startThread())
      : undefined;
  }

  #startThread(): Thread {
    const thread: Thread = { worker: this.#options.start(), call: undefined, idle: undefined };
    const { worker } = thread;
    worker.on("message", (message: FromWorker) => this.#onMessage(thread, message));
    worker.on("error", (error) => this.#onDead(thread, error));
    worker.on("exit", (code) => this.#onDead(thread, new Error(`It exited with code ${code}.`)));
    this.#threads.add(thread);
    return thread;
  }

  #onMessage(thread: Thread, message: FromWorker): void {
    thread.call?.onMessage(message, (answer) => thread.worker.postMessage(answer));
    if (message.type === "done" || message.type === "failed") this.#free(thread);
  }

  #free(thread: Thread): void {
    thread.call = undefined;
    thread.worker.unref();
    thread.idle = systemClock.setTimeout(() => void thread.worker.terminate(), IDLE_MS);
    this.#next();
  }

  #giveUp(call: WorkerCall): void {
    const reason: unknown = call.signal?.reason;
    call.reject(reason);
    const place = this.#waiting.indexOf(call);
    if (place >= 0) {
      this.#waiting.splice(place, 1);
      return;
    }
    for (const thread of this.#threads) {
      if (thread.call !== call) continue;
      thread.worker.postMessage({ type: "abort", scope: call.abortScope });
      systemClock.setTimeout(() => {
        if (thread.call === call) void thread.worker.terminate();
      }, ABORT_GRACE_MS);
    }
  }

  #onDead(thread: Thread, cause: unknown): void {
    if (!this.#threads.delete(thread)) return;
    thread.idle?.cancel();
    thread.call?.reject(new InvalidStateError("The worker thread died.", { cause }));
    thread.call = undefined;
    this.#next();
  }
}
