import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

/** How a worker of ours is started. */
export interface StartWorkerOptions {
  /** The thread's name, for debuggers. */
  readonly name: string;
  /** What the worker finds as `workerData`. */
  readonly workerData?: unknown;
}

/**
 * Starts a worker thread of one of our own files.
 *
 * @param file - The file beside the caller's, without its extension: `./flite-worker`.
 * @param caller - The caller's `import.meta.url`.
 */
export function startWorker(file: string, caller: string, options: StartWorkerOptions): Worker {
  // The compiled worker stands beside the compiled code, its source beside the source.
  const extension = extname(fileURLToPath(caller));
  const url = new URL(`${file}${extension}`, caller);
  const { typescript } = process.features as { readonly typescript?: unknown };
  if (extension !== ".ts" || typescript) {
    // Inherited, as every other flag, it keeps a worker from starting from a file.
    const execArgv = process.execArgv.filter((flag) => !flag.startsWith("--input-type"));
    return new Worker(url, { ...options, execArgv });
  }
  // Our own tests, on a Node that does not read TypeScript. Neither `--import tsx` nor the hooks of
  // the thread that starts it reach a worker's entry file.
  const start = `import("tsx/esm/api").then(({ register }) => { register(); return import("${url.href}"); })`;
  return new Worker(start, { ...options, eval: true });
}
