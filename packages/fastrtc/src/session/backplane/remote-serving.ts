/**
 * Answers what other processes ask over the bus. `remote-calls.ts` brings the requests and sends the
 * responses; a {@link RemoteService} knows what they mean.
 */

import { isFastRTCError, TransportError } from "../../errors.ts";
import type { Clock, Timer } from "../../media/clock.ts";
import type { Logger } from "../../observe/logger.ts";
import { describeError } from "./remote-error.ts";
import { writeMessage } from "./remote-message.ts";
import type { RemoteRequest, RemoteResponse } from "./remote-message.ts";

/** Who asks. */
export interface RemoteCaller {
  readonly nodeId: string;
  /** Aborts when nobody waits for the answer any more: given up, timed out, or died. */
  readonly signal: AbortSignal;
}

/** What other processes may ask of this one. Requests are JSON values, unchecked. */
export interface RemoteService {
  /**
   * Answers one request. Requests of one process are passed on in the order in which they were made.
   *
   * @returns what JSON can carry.
   */
  answer(request: unknown, caller: RemoteCaller): Promise<unknown>;
  /**
   * Opens a stream.
   *
   * @returns an iterable that ends when `caller.signal` aborts.
   */
  open(request: unknown, caller: RemoteCaller): Promise<AsyncIterable<unknown>>;
}

/** What {@link RemoteServing} works with. */
export interface RemoteServingOptions {
  readonly service: RemoteService;
  /** Sends a text to the process that asked. */
  readonly send: (nodeId: string, text: string) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How many requests and streams may be under way; further ones fail. */
  readonly maxServing: number;
  /** A stream that was not asked for in this time is ended, in milliseconds. */
  readonly leaseMs: number;
}

interface Job {
  readonly nodeId: string;
  readonly id: number;
  readonly abort: AbortController;
  readonly isStream: boolean;
  /** When somebody was last known to read it. */
  heardAt: number;
}

/** The requests of other processes that are under way. */
export class RemoteServing {
  readonly #options: RemoteServingOptions;
  readonly #jobs = new Map<string, Job>();
  #sweep: Timer | undefined;
  #streams = 0;

  constructor(options: RemoteServingOptions) {
    this.#options = options;
  }

  /** Takes a request. */
  receive(nodeId: string, request: RemoteRequest): void {
    const { kind, id } = request;
    const job = this.#jobs.get(keyOf(nodeId, id));
    switch (kind) {
      case "call":
      case "open":
        // A second request of one id can only be a fault: the first goes on.
        if (!job) void this.#begin(nodeId, request);
        return;
      case "cancel":
        if (job) this.#end(job);
        return;
      case "probe":
        if (job) job.heardAt = this.#options.clock.now();
        this.#respond(nodeId, { kind: job ? "alive" : "lost", id });
    }
  }

  /** Ends what a process has asked for that will not hear the answer. */
  onGone(nodeId: string): void {
    for (const job of this.#jobs.values()) if (job.nodeId === nodeId) this.#end(job);
  }

  /** Ends everything. */
  close(): void {
    for (const job of this.#jobs.values()) this.#end(job);
  }

  async #begin(
    nodeId: string,
    { kind, id, body }: Extract<RemoteRequest, { kind: "call" | "open" }>,
  ): Promise<void> {
    const { service, clock, maxServing } = this.#options;
    if (this.#jobs.size >= maxServing) {
      const error = new TransportError("The process that carries the session is overloaded.");
      this.#respond(nodeId, { kind: "error", id, error: describeError(error) });
      return;
    }
    const isStream = kind === "open";
    const job = { nodeId, id, abort: new AbortController(), isStream, heardAt: clock.now() };
    this.#jobs.set(keyOf(nodeId, id), job);
    if (isStream) {
      this.#streams++;
      this.#watch();
    }
    const caller = { nodeId, signal: job.abort.signal };
    try {
      if (isStream) await this.#pump(job, await service.open(body, caller));
      else this.#reply(job, { kind: "answer", id, body: await service.answer(body, caller) });
    } catch (error) {
      this.#fail(job, error);
    }
    this.#end(job);
  }

  async #pump(job: Job, items: AsyncIterable<unknown>): Promise<void> {
    const { id, nodeId, abort } = job;
    const { send, logger } = this.#options;
    const iterator = items[Symbol.asyncIterator]();
    const leave = (): void => {
      iterator.return?.().catch((error: unknown) => {
        logger.warn("A stream for another process did not end well.", { error });
      });
    };
    if (isOver(job)) {
      leave();
      return;
    }
    abort.signal.addEventListener("abort", leave, { once: true });
    this.#reply(job, { kind: "opened", id });
    for (;;) {
      const next: IteratorResult<unknown, unknown> = await iterator.next();
      if (isOver(job)) return;
      if (next.done === true) break;
      let text: string;
      try {
        text = writeMessage({ kind: "item", id, body: next.value });
      } catch (error) {
        logger.warn("An output cannot be sent to the process that its reader is at.", { error });
        continue;
      }
      // Waiting for the bus keeps what waits in the source's queue, which has a bound.
      await send(nodeId, text);
    }
    abort.signal.removeEventListener("abort", leave);
    this.#reply(job, { kind: "end", id });
  }

  #fail(job: Job, error: unknown): void {
    if (isOver(job)) return;
    const { logger } = this.#options;
    // Of errors that are not ours, the other process learns nothing but that there was one.
    if (isFastRTCError(error)) logger.debug("A request of another process is refused.", { error });
    else logger.error("A request of another process failed.", { error });
    this.#reply(job, { kind: "error", id: job.id, error: describeError(error) });
  }

  // Nothing goes out for what nobody waits for.
  #reply(job: Job, response: RemoteResponse): void {
    if (!isOver(job)) this.#respond(job.nodeId, response);
  }

  #respond(nodeId: string, response: RemoteResponse): void {
    let text: string;
    try {
      text = writeMessage(response);
    } catch (error) {
      const { id } = response;
      text = writeMessage({ kind: "error", id, error: describeError(error) });
    }
    this.#options.send(nodeId, text).catch((error: unknown) => {
      this.#options.logger.debug("Another process did not get its answer.", { error });
    });
  }

  #end(job: Job): void {
    const key = keyOf(job.nodeId, job.id);
    if (this.#jobs.get(key) !== job) return;
    this.#jobs.delete(key);
    job.abort.abort();
    if (!job.isStream) return;
    this.#streams--;
    if (this.#streams > 0) return;
    this.#sweep?.cancel();
    this.#sweep = undefined;
  }

  // A "cancel" may be lost on its way; a stream that nobody reads must not go on for ever.
  #watch(): void {
    if (this.#streams === 0 || this.#sweep) return;
    const { clock, leaseMs } = this.#options;
    this.#sweep = clock.setTimeout(() => {
      this.#sweep = undefined;
      const now = clock.now();
      for (const job of this.#jobs.values()) {
        if (job.isStream && now - job.heardAt >= leaseMs) this.#end(job);
      }
      this.#watch();
    }, leaseMs);
  }
}

function isOver({ abort }: Job): boolean {
  return abort.signal.aborted;
}

function keyOf(nodeId: string, id: number): string {
  return `${id} ${nodeId}`;
}
