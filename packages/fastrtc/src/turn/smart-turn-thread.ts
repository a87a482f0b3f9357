/**
 * Takes the predictions of all sessions to one worker thread, one at a time, in order.
 *
 * The thread starts with the first prediction and keeps no idle process alive. One that dies takes
 * its open predictions with it; the next prediction starts another.
 */

import { InvalidOptionError, InvalidStateError, TimeoutError } from "../errors.ts";
import type { FastRTCError } from "../errors.ts";
import type { SmartTurnFailure, SmartTurnRequest, SmartTurnResponse } from "./smart-turn-worker.ts";

/** Predictions that may wait; some 40 ms each, so that the last one would wait for about a second. */
export const MAX_WAITING_PREDICTIONS = 32;

/** Where smart-turn's weights are found. */
export const SMART_TURN_DOWNLOAD =
  "Download smart-turn-v3.2-cpu.onnx from https://huggingface.co/pipecat-ai/smart-turn-v3 and give the file's path.";

/** How the runtime is installed. */
export const INSTALL_ONNXRUNTIME =
  'Run "npm install onnxruntime-node --ignore-scripts": the package brings its CPU runtime along, and its install script would download one for CUDA.';

/** What is used of a `Worker` of node:worker_threads. */
export interface SmartTurnPort {
  postMessage(request: SmartTurnRequest, transfer: ArrayBuffer[]): void;
  on(event: "message", listener: (response: SmartTurnResponse) => void): unknown;
  on(event: "error", listener: (error: unknown) => void): unknown;
  on(event: "exit", listener: (exitCode: number) => void): unknown;
  ref(): void;
  unref(): void;
}

interface Job {
  readonly request: SmartTurnRequest;
  resolve(probability: number): void;
  reject(reason: Error): void;
}

/** Runs predictions in a worker thread. */
export class SmartTurnThread {
  readonly #start: () => SmartTurnPort;
  #port: SmartTurnPort | undefined;
  #running: Job | undefined;
  readonly #waiting: Job[] = [];
  #lastId = 0;

  /** @param start - Starts the thread. */
  constructor(start: () => SmartTurnPort) {
    this.#start = start;
  }

  /**
   * Predicts, when the predictions before this one are done. Where {@link MAX_WAITING_PREDICTIONS}
   * wait already, the oldest of them is given up: its session has stopped waiting first.
   *
   * @param audio - 16 kHz mono, handed over; undefined only loads the model.
   * @throws {@link InvalidStateError} without onnxruntime-node, or when the thread or a run fails.
   * @throws {@link InvalidOptionError} for a file that is no such model.
   * @throws {@link TimeoutError} when it was given up for a newer one.
   */
  predict(
    modelPath: string,
    audio: Float32Array<ArrayBuffer> | undefined,
    signal?: AbortSignal,
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        this.#forget(job);
        job.reject(signal?.reason as Error);
      };
      const job: Job = {
        request: { id: ++this.#lastId, modelPath, audio },
        resolve: (probability) => {
          signal?.removeEventListener("abort", onAbort);
          resolve(probability);
        },
        reject: (reason) => {
          signal?.removeEventListener("abort", onAbort);
          reject(reason);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(job);
      if (this.#waiting.length > MAX_WAITING_PREDICTIONS) this.#waiting.shift()?.reject(tooBusy());
      this.#next();
    });
  }

  #next(): void {
    if (this.#running) return;
    const job = this.#waiting.shift();
    if (!job) {
      this.#port?.unref();
      return;
    }
    this.#running = job;
    const { audio } = job.request;
    try {
      this.#port ??= this.#open();
      this.#port.ref();
      this.#port.postMessage(job.request, audio ? [audio.buffer] : []);
    } catch (error) {
      this.#fail(this.#port, error);
    }
  }

  #open(): SmartTurnPort {
    const port = this.#start();
    port.on("message", (response) => this.#onResponse(response));
    port.on("error", (error) => this.#fail(port, error));
    port.on("exit", (code) => this.#fail(port, new Error(`It exited with code ${code}`)));
    return port;
  }

  #onResponse(response: SmartTurnResponse): void {
    const job = this.#running;
    if (job?.request.id !== response.id) return;
    this.#running = undefined;
    if ("probability" in response) job.resolve(response.probability);
    else job.reject(toError(response.failure, response.reason, job.request.modelPath));
    this.#next();
  }

  // One that is running goes on in the thread; only its result has nobody left to take it.
  #forget(job: Job): void {
    const index = this.#waiting.indexOf(job);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  #fail(port: SmartTurnPort | undefined, cause: unknown): void {
    if (this.#port !== port) return;
    this.#port = undefined;
    const lost = [...(this.#running ? [this.#running] : []), ...this.#waiting.splice(0)];
    this.#running = undefined;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const error = new InvalidStateError(
      `The thread that runs smart-turn has ended: ${reason}. The next prediction starts a new one.`,
      { cause },
    );
    for (const job of lost) job.reject(error);
  }
}

function tooBusy(): FastRTCError {
  return new TimeoutError(
    `More than ${MAX_WAITING_PREDICTIONS} predictions of smart-turn wait; the oldest was given up. Serve fewer sessions from this process.`,
  );
}

function toError(failure: SmartTurnFailure, reason: string, modelPath: string): FastRTCError {
  switch (failure) {
    case "runtime":
      return new InvalidStateError(
        `smart-turn needs onnxruntime-node, which cannot be loaded: ${reason}. ${INSTALL_ONNXRUNTIME}`,
      );
    case "model":
      return new InvalidOptionError(
        "modelPath",
        modelPath,
        `${modelPath} is no smart-turn v3 model: ${reason}. A file of 200 bytes is a Git LFS pointer in its place. ${SMART_TURN_DOWNLOAD}`,
      );
    case "prediction":
      return new InvalidStateError(`smart-turn failed on a turn: ${reason}.`);
  }
}
