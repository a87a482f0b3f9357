/**
 * The thread that {@link runInWorker} starts: runs one function at a time, below a context that is
 * the session's as far as a thread can have it.
 */

import { parentPort } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";

import { InvalidStateError, TransportError } from "../../errors.ts";
import { createSessionContext, contextOfTurn, runInContext } from "../context/context.ts";
import type { SessionContext, Turn } from "../context/session-context.ts";
import { SessionStoreView } from "../store/store-view.ts";
import type { StoreBackend } from "../store/store.ts";
import type { FromWorker, StoreCall, ToWorker, WorkerContextData } from "./worker-messages.ts";

interface StoreAnswer {
  resolve(value: unknown): void;
  reject(reason: Error): void;
}

// One call of a function. What it started and did not wait for may go on when another call, perhaps
// of another session, is under way: it must not reach that one.
class Run {
  readonly session = new AbortController();
  readonly turn = new AbortController();
  isOver = false;
}

class WorkerMain {
  readonly #port: MessagePort;
  readonly #storing = new Map<number, StoreAnswer>();
  #lastId = 0;
  #run = new Run();

  constructor(port: MessagePort) {
    this.#port = port;
    port.on("message", (message: ToWorker) => this.#onMessage(message));
  }

  #onMessage(message: ToWorker): void {
    switch (message.type) {
      case "run":
        void this.#call(message);
        return;
      case "abort":
        this.#run.turn.abort();
        if (message.scope === "session") this.#run.session.abort();
        return;
      case "stored":
        this.#answer(message.id)?.resolve(message.value);
        return;
      case "store-failed":
        this.#answer(message.id)?.reject(new TransportError(message.reason));
        return;
    }
  }

  async #call({ module, input, context }: ToWorker & { type: "run" }): Promise<void> {
    const run = (this.#run = new Run());
    try {
      const { default: entry } = (await import(module)) as { default?: unknown };
      if (typeof entry !== "function") {
        throw new InvalidStateError(`${module} has no function as its default export.`);
      }
      const call = entry as (input: unknown) => unknown;
      const value: unknown = await (context
        ? runInContext(this.#context(run, context), () => call(input))
        : call(input));
      this.#tell(run, { type: "done", value });
    } catch (error) {
      this.#tell(run, { type: "failed", error });
    }
  }

  #context(run: Run, data: WorkerContextData): SessionContext {
    const { plain, user, params, client, telephone, url, turn } = data;
    const { webrtcId, transport, createdAt, resumed, request } = plain;
    const session = createSessionContext({
      webrtcId,
      transport,
      createdAt: new Date(createdAt),
      resumed,
      user,
      params,
      // A copy would be changed in vain.
      state: new Proxy(Object.freeze({}), { get: noState }),
      store: new SessionStoreView(this.#backend(run), webrtcId),
      client,
      request: {
        method: request.method,
        url,
        headers: new Headers({ ...request.headers }),
        remoteAddress: client.address,
      },
      telephone,
      signal: run.session.signal,
      send: (data) => this.#tell(run, { type: "send", data }),
      warn: (message) => this.#tell(run, { type: "warn", message }),
      close: (message) => this.#tell(run, { type: "close", message }),
    });
    if (!turn) return session;
    const view: Turn = { ...turn, signal: run.turn.signal, timings: {} };
    return contextOfTurn(session, view);
  }

  #backend(run: Run): StoreBackend {
    const ask = (call: StoreCall, args: readonly unknown[]): Promise<unknown> =>
      new Promise((resolve, reject) => {
        if (run.isOver) {
          throw new InvalidStateError(
            "The function that runInWorker called has ended: await what uses context.store in it.",
          );
        }
        const id = ++this.#lastId;
        this.#storing.set(id, { resolve, reject });
        this.#tell(run, { type: "store", id, call, args });
      });
    return {
      get: (_, key) => ask("get", [key]) as Promise<string | undefined>,
      set: (_, key, value) => ask("set", [key, value]) as Promise<void>,
      replace: (_, key, old, value) => ask("replace", [key, old, value]) as Promise<boolean>,
      delete: (_, key) => ask("delete", [key]) as Promise<void>,
      keys: () => ask("keys", []) as Promise<string[]>,
      clear: () => ask("clear", []) as Promise<void>,
      close: () => Promise.resolve(),
    };
  }

  #answer(id: number): StoreAnswer | undefined {
    const answer = this.#storing.get(id);
    this.#storing.delete(id);
    return answer;
  }

  #tell(run: Run, message: FromWorker): void {
    if (run.isOver) return;
    const isLast = message.type === "done" || message.type === "failed";
    run.isOver = isLast;
    try {
      this.#port.postMessage(message);
    } catch (error) {
      // Something that cannot be cloned: a function, a socket.
      if (!isLast) throw error;
      this.#port.postMessage({ type: "failed", error: new TypeError(String(error)) });
    }
  }
}

function noState(_target: object, property: string | symbol): undefined {
  // Inspecting a context, or awaiting it by mistake, reads symbols and `then`.
  if (typeof property === "symbol" || property === "toJSON" || property === "then")
    return undefined;
  throw new InvalidStateError(
    `context.state.${property} cannot be read in a worker thread. Pass what is needed as the input, or use context.store.`,
  );
}

if (!parentPort) throw new InvalidStateError("This file runs in a worker thread only.");
new WorkerMain(parentPort);
