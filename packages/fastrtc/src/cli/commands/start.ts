/** `fastrtc start`: runs an application, in this process or in several workers that share its port. */

import cluster from "node:cluster";
import { statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { extname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { serveClusterBackplane } from "../../cluster/cluster-primary.ts";
import { systemClock } from "../../media/clock.ts";
import { consoleLogger } from "../../observe/logger.ts";
import { UsageError } from "../command.ts";
import type { Command, CommandIo } from "../command.ts";
import { loadApplication } from "../load-application.ts";
import { Supervisor } from "../supervisor.ts";
import type { WorkerHandle, WorkerListener } from "../supervisor.ts";
import { isWorkerMessage, WORKER_MARK } from "../worker-message.ts";
import type { WorkerOrder } from "../worker-message.ts";

const MAX_WORKERS = 256;
const MAX_DRAIN_SECONDS = 86_400;
/** The same signal again after this time, in milliseconds, ends the workers at once. */
const IMPATIENT_AFTER_MS = 1_000;

const usage = `Usage: fastrtc start <app> [options] [-- arguments of the app]

Loads <app>, an ES module that launches its streams itself. With several workers, each loads it, they
share its port, and requests for a session reach the worker that has it.

Options:
  --workers <n|auto>   how many processes; "auto" takes one for each CPU core (default 1)
  --drain-seconds <s>  how long sessions may take to end after SIGTERM or SIGINT (default 30)
  --help               shows this
`;

/** What `fastrtc start` was asked for. */
export interface StartArguments {
  /** The application's absolute path. */
  readonly file: string;
  /** What the application is given. */
  readonly appArgs: readonly string[];
  readonly workers: number;
  readonly drainSeconds: number;
}

/**
 * Reads the arguments of `fastrtc start`.
 *
 * @throws {@link UsageError} when they do not fit.
 */
export function parseStart(args: readonly string[]): StartArguments {
  const end = args.indexOf("--");
  const ours = end === -1 ? args : args.slice(0, end);
  const { values, positionals } = parseArgs({
    args: [...ours],
    allowPositionals: true,
    options: {
      workers: { type: "string", default: "1" },
      "drain-seconds": { type: "string", default: "30" },
    },
  });
  const [app, ...rest] = positionals;
  if (app === undefined) throw new UsageError("Give the application's file.");
  if (rest.length > 0) {
    throw new UsageError(
      `Give one file; what the application itself is to get, ${JSON.stringify(rest[0])}, stands after "--".`,
    );
  }
  const file = resolve(app);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    throw new UsageError(`There is no file ${file}.`);
  }
  return {
    file,
    appArgs: end === -1 ? [] : args.slice(end + 1),
    workers:
      values.workers === "auto"
        ? Math.min(availableParallelism(), MAX_WORKERS)
        : wholeNumber("--workers", values.workers, 1, MAX_WORKERS, ', or "auto"'),
    drainSeconds: wholeNumber("--drain-seconds", values["drain-seconds"], 0, MAX_DRAIN_SECONDS),
  };
}

/** Runs an application. */
export const start: Command = { usage, run };

async function run(args: readonly string[], io: CommandIo): Promise<number | undefined> {
  const options = parseStart(args);
  process.env["FASTRTC_DRAIN_SECONDS"] = String(options.drainSeconds);
  if (options.workers > 1) return await supervise(options);
  try {
    await loadApplication(options.file, options.appArgs);
    return undefined;
  } catch (error) {
    console.error(error);
    io.err("fastrtc: The application does not start.\n");
    return 1;
  }
}

async function supervise({
  file,
  appArgs,
  workers,
  drainSeconds,
}: StartArguments): Promise<number> {
  // Under tsx this file and its neighbour are TypeScript; compiled they are not.
  const extension = extname(fileURLToPath(import.meta.url));
  const exec = fileURLToPath(new URL(`../worker${extension}`, import.meta.url));
  cluster.setupPrimary({ exec, args: [file, ...appArgs] });
  const backplane = serveClusterBackplane();
  const supervisor = new Supervisor({
    workers,
    drainMs: drainSeconds * 1000,
    fork: forkWorker,
    clock: systemClock,
    logger: consoleLogger,
  });
  // While all workers are dead and wait for their restart, nothing else keeps this process alive.
  const hold = setInterval(() => undefined, 2 ** 30);
  const stopListening = onSignals(supervisor);
  try {
    return await supervisor.run();
  } finally {
    clearInterval(hold);
    stopListening();
    await backplane.close();
  }
}

function onSignals(supervisor: Supervisor): () => void {
  let first: { readonly signal: NodeJS.Signals; readonly at: number } | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = systemClock.now();
    first ??= { signal, at: now };
    // npm and terminals may deliver one wish twice at once.
    if (signal === first.signal && now - first.at >= IMPATIENT_AFTER_MS) supervisor.kill();
    else supervisor.drain();
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  return () => {
    process.off("SIGTERM", onSignal).off("SIGINT", onSignal);
  };
}

function forkWorker(listener: WorkerListener): WorkerHandle {
  const worker = cluster.fork({ FASTRTC_WORKER: "1" });
  worker.on("message", (message: unknown) => {
    if (!isWorkerMessage(message)) return;
    if (message.kind === "started") listener.onStarted();
    if (message.kind === "failed") listener.onFailed(message.reason);
  });
  worker.once("exit", (code: number, signal: string | null) => {
    listener.onExit(signal === null ? `code ${code}` : `signal ${signal}`);
  });
  const order: WorkerOrder = { mark: WORKER_MARK, kind: "drain" };
  return {
    pid: worker.process.pid ?? 0,
    drain: () => {
      // A worker whose channel is closed is about to end anyway.
      worker.send(order, () => undefined);
    },
    kill: () => {
      worker.process.kill("SIGKILL");
    },
  };
}

function wholeNumber(
  option: string,
  value: string,
  min: number,
  max: number,
  otherwise = "",
): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= min && number <= max) return number;
  const given = JSON.stringify(value.slice(0, 40));
  throw new UsageError(
    `${option} is ${given}; give a whole number from ${min} to ${max}${otherwise}.`,
  );
}
