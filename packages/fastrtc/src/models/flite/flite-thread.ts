/**
 * Takes the clauses of all sessions to one worker thread, one at a time, in order.
 *
 * The thread starts with the first clause, keeps no idle process alive, and ends when it has had
 * nothing to do for a while. One that dies takes the clause that it was speaking with it; the others
 * go to a new one.
 */

import { ModelError, TimeoutError } from "../../errors.ts";
import { AudioFrame } from "../../media/audio-frame.ts";
import type { Clock, Timer } from "../../media/clock.ts";
import type { FliteRequest, FliteResponse } from "./flite-worker.ts";

/** Clauses that may wait; some 40 ms each. */
export const MAX_WAITING_CLAUSES = 64;
/** How long the thread stays when there is nothing to say: it holds over 100 MB. */
const IDLE_MS = 30_000;
/** How long a clause that nobody wants any more may hold up the others. */
const ABANDONED_MS = 250;

/** What is used of a `Worker` of node:worker_threads. */
export interface FlitePort {
  postMessage(request: FliteRequest): void;
  on(event: "message", listener: (response: FliteResponse) => void): unknown;
  on(event: "error", listener: (error: unknown) => void): unknown;
  on(event: "exit", listener: (exitCode: number) => void): unknown;
  ref(): void;
  unref(): void;
  terminate(): unknown;
}

interface Job {
  readonly request: FliteRequest;
  resolve(audio: AudioFrame): void;
  reject(reason: unknown): void;
  isAbandoned: boolean;
}

/** Speaks clauses in a worker thread. */
export class FliteThread {
  readonly #start: () => FlitePort;
  readonly #clock: Clock;
  #port: FlitePort | undefined;
  #running: Job | undefined;
  readonly #waiting: Job[] = [];
  #lastId = 0;
  #timer: Timer | undefined;

  /** @param start - Starts the thread. */
  constructor(start: () => FlitePort, clock: Clock) {
    this.#start = start;
    this.#clock = clock;
  }

  /**
   * Speaks a clause, when the clauses before it are spoken.
   *
   * @throws {@link ModelError} when flite or the thread fails.
   * @throws {@link TimeoutError} when {@link MAX_WAITING_CLAUSES} wait already.
   */
  speak(wasmPath: string, options: readonly string[], signal?: AbortSignal): Promise<AudioFrame> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= MAX_WAITING_CLAUSES) {
        reject(
          new TimeoutError(
            `${MAX_WAITING_CLAUSES} clauses wait for flite already. Serve fewer sessions from this process.`,
          ),
        );
        return;
      }
      const onAbort = (): void => {
        job.isAbandoned = true;
        job.reject(signal?.reason);
        this.#forget(job);
      };
      const settle = (): void => signal?.removeEventListener("abort", onAbort);
      const job: Job = {
        request: { id: ++this.#lastId, wasmPath, options },
        resolve: (audio) => {
          settle();
          resolve(audio);
        },
        reject: (reason) => {
          settle();
          // The caller chose the reason, as in every API that takes a signal.
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
          reject(reason);
        },
        isAbandoned: false,
      };
      if (signal?.aborted) {
        onAbort();
        return;
      }
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(job);
      this.#next();
    });
  }

  #next(): void {
    if (this.#running) {
      this.#watchAbandoned();
      return;
    }
    this.#timer?.cancel();
    const job = this.#waiting.shift();
    if (!job) {
      this.#port?.unref();
      this.#timer = this.#port && this.#clock.setTimeout(() => this.#restart(), IDLE_MS);
      return;
    }
    this.#running = job;
    try {
      this.#port ??= this.#open();
      this.#port.ref();
      this.#port.postMessage(job.request);
    } catch (error) {
      this.#fail(this.#port, error);
    }
  }

  #open(): FlitePort {
    const port = this.#start();
    port.on("message", (response) => this.#onResponse(response));
    port.on("error", (error) => this.#fail(port, error));
    port.on("exit", (code) => this.#fail(port, new Error(`It exited with code ${code}`)));
    return port;
  }

  #onResponse(response: FliteResponse): void {
    const job = this.#running;
    if (job?.request.id !== response.id) return;
    this.#running = undefined;
    if ("samples" in response) job.resolve(new AudioFrame(response));
    else job.reject(new ModelError("flite", response.reason));
    this.#next();
  }

  #forget(job: Job): void {
    const index = this.#waiting.indexOf(job);
    if (index >= 0) this.#waiting.splice(index, 1);
    this.#watchAbandoned();
  }

  // What runs in WebAssembly cannot be interrupted but by ending its thread. Starting another costs
  // as much as two clauses, so that is done only where somebody waits behind a long one.
  #watchAbandoned(): void {
    if (!this.#running?.isAbandoned || this.#waiting.length === 0) return;
    const job = this.#running;
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimeout(() => {
      if (this.#running !== job) return;
      this.#restart();
      this.#running = undefined;
      this.#next();
    }, ABANDONED_MS);
  }

  #restart(): void {
    const port = this.#port;
    this.#port = undefined;
    port?.terminate();
  }

  #fail(port: FlitePort | undefined, cause: unknown): void {
    if (this.#port !== port) return;
    this.#port = undefined;
    const job = this.#running;
    this.#running = undefined;
    const reason = cause instanceof Error ? cause.message : String(cause);
    job?.reject(new ModelError("flite", `The thread that speaks has ended: ${reason}.`, { cause }));
    this.#next();
  }
}
