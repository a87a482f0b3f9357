/**
 * Runs a function in a worker thread, so that heavy work does not hold up the media of all sessions,
 * and lets it know whose session it works for.
 *
 * Threads are kept for the next call, a few per process, and end when they have been idle for a
 * while. They keep no idle process alive.
 */

import { availableParallelism } from "node:os";
import type { Transferable } from "node:worker_threads";

import { InvalidOptionError } from "../../errors.ts";
import { startWorker } from "../../media/start-worker.ts";
import { getContext } from "../context/context.ts";
import { WorkerCall } from "./worker-call.ts";
import { WorkerPool } from "./worker-pool.ts";

/** Shapes {@link runInWorker}. */
export interface RunInWorkerOptions {
  /**
   * Gives the call up. In the worker `getContext().turn.signal` aborts; a function that does not
   * look at it is cut off after a second, and its thread with it.
   *
   * @defaultValue the signal of the turn, or of the session, that runs now
   */
  readonly signal?: AbortSignal;
  /** What of the input is handed over instead of copied, such as an audio frame's buffer. */
  readonly transfer?: readonly Transferable[];
}

const pool = new WorkerPool({
  start: () => startWorker("./worker-main", import.meta.url, { name: "fastrtc-session-worker" }),
  // One thread sends the packets.
  maxThreads: Math.max(1, availableParallelism() - 1),
});

/**
 * Runs the function that a module exports as its default, in a worker thread, below the session
 * that runs now.
 *
 * There `getContext()` has the session's plain values: `user` and `params` as copies (undefined
 * where they cannot be cloned), headers without secrets, and no `state`. `send`, `warn`, `close` and
 * `store` reach the session itself until the function has ended, and the signals abort with its own.
 *
 * @param module - Its URL: `new URL("./heavy.js", import.meta.url)`.
 * @param input - Given to the function; copied as `structuredClone` does.
 * @returns what the function returns or resolves to, copied.
 * @throws {@link InvalidOptionError} when the module is no `file:` URL, or the input cannot be copied.
 * @throws {@link InvalidStateError} when too many calls wait, or the thread dies.
 * Otherwise rejects with what the function threw, or with the signal's reason.
 * @example
 * ```ts
 * const spectrum = await runInWorker<Float32Array>(new URL("./fft.js", import.meta.url), samples);
 * ```
 */
export async function runInWorker<R = unknown>(
  module: URL,
  input?: unknown,
  options: RunInWorkerOptions = {},
): Promise<R> {
  if (!(module instanceof URL) || module.protocol !== "file:") {
    throw new InvalidOptionError(
      "module",
      module,
      'Give the URL of a file: new URL("./heavy.js", import.meta.url).',
    );
  }
  const context = getContext();
  const signal = options.signal ?? context?.turn?.signal ?? context?.signal;
  signal?.throwIfAborted();
  const call = new WorkerCall({
    module: module.href,
    input,
    context,
    signal,
    transfer: options.transfer ?? [],
  });
  return (await pool.run(call)) as R;
}
