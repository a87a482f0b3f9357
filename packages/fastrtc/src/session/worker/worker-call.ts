import type { Transferable } from "node:worker_threads";

import { runInContext } from "../context/context.ts";
import type { SessionContext } from "../context/session-context.ts";
import type { SessionStore } from "../store/store.ts";
import type { FromWorker, StoreCall, ToWorker, WorkerContextData } from "./worker-messages.ts";

/** What a {@link WorkerCall} is made of. */
export interface WorkerCallOptions {
  readonly module: string;
  readonly input: unknown;
  readonly context: SessionContext | undefined;
  readonly signal: AbortSignal | undefined;
  readonly transfer: readonly Transferable[];
}

/** One function that runs, or is to run, in a worker. */
export class WorkerCall {
  readonly signal: AbortSignal | undefined;
  readonly transfer: readonly Transferable[];
  /** Settles when the function has ended, or was given up. */
  readonly result: Promise<unknown>;
  resolve!: (value: unknown) => void;
  reject!: (reason: unknown) => void;
  readonly #options: WorkerCallOptions;

  constructor(options: WorkerCallOptions) {
    this.#options = options;
    this.signal = options.signal;
    this.transfer = options.transfer;
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** The message that starts it. */
  get request(): ToWorker {
    const { module, input, context } = this.#options;
    return { type: "run", module, input, context: context && cloneable(context) };
  }

  /** What ended, seen from the worker: the session, or only what this call was for. */
  get abortScope(): "session" | "call" {
    return this.#options.context?.signal.aborted === true ? "session" : "call";
  }

  /**
   * Takes what the function says to its session.
   *
   * @param answer - Sends an answer to the function.
   */
  onMessage(message: FromWorker, answer: (message: ToWorker) => void): void {
    const { context } = this.#options;
    switch (message.type) {
      case "done":
        this.resolve(message.value);
        return;
      case "failed":
        this.reject(message.error);
        return;
      case "send":
        context?.send(message.data);
        return;
      case "warn":
        context?.warn(message.message);
        return;
      case "close":
        context?.close(message.message);
        return;
      case "store": {
        const { id, call, args } = message;
        if (!context) return;
        // A store of the application's own may ask whose session it works for.
        runInContext(context, () => callStore(context.store, call, args)).then(
          (value) => answer({ type: "stored", id, value }),
          (error: unknown) => {
            const reason = error instanceof Error ? error.message : String(error);
            answer({ type: "store-failed", id, reason });
          },
        );
        return;
      }
    }
  }
}

function cloneable(context: SessionContext): WorkerContextData {
  const { user, params, client, telephone, request, turn } = context;
  return {
    plain: context.toJSON(),
    user: clone(user),
    params: clone(params),
    client,
    telephone,
    url: request.url,
    turn: turn && {
      id: turn.id,
      index: turn.index,
      eager: turn.eager,
      transcript: turn.transcript,
    },
  };
}

function clone(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return undefined;
  }
}

// The store that a worker sees is one of texts, like a backend: it makes its own JSON.
async function callStore(
  store: SessionStore,
  call: StoreCall,
  args: readonly unknown[],
): Promise<unknown> {
  const [key = "", first, second] = args as readonly (string | undefined)[];
  switch (call) {
    case "get":
      return toText(await store.get(key));
    case "set":
      await store.set(key, JSON.parse(first ?? "null"));
      return undefined;
    case "replace":
      return await replace(store, key, first, second ?? "null");
    case "delete":
      await store.delete(key);
      return undefined;
    case "keys":
      return await store.keys();
    case "clear":
      await store.clear();
      return undefined;
  }
}

const CHANGED = Symbol("changed meanwhile");

async function replace(
  store: SessionStore,
  key: string,
  expected: string | undefined,
  text: string,
): Promise<boolean> {
  try {
    await store.update(key, (value) => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- caught below, never seen
      if (toText(value) !== expected) throw CHANGED;
      return JSON.parse(text) as unknown;
    });
    return true;
  } catch (error) {
    if (error === CHANGED) return false;
    throw error;
  }
}

function toText(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}
