/**
 * Questions and answers over a bus that carries texts: calls and streams between the processes of a
 * backplane.
 *
 * In come calls of `remote-sessions.ts` and the bus's messages, out go messages; what other processes
 * ask is answered by a {@link RemoteService}. The bus may lose a message: a call then times out, and
 * a stream ends when its probes are not answered.
 */

import { InvalidStateError, TimeoutError, TransportError } from "../../errors.ts";
import { systemClock } from "../../media/clock.ts";
import type { Clock, Timer } from "../../media/clock.ts";
import { consoleLogger } from "../../observe/logger.ts";
import type { Logger } from "../../observe/logger.ts";
import type { BackplaneListener, BackplaneNode } from "./backplane.ts";
import { rebuildError } from "./remote-error.ts";
import { isRequest, readMessage, writeMessage } from "./remote-message.ts";
import type { RemoteRequest, RemoteResponse } from "./remote-message.ts";
import { RemoteServing } from "./remote-serving.ts";
import type { RemoteService } from "./remote-serving.ts";
import { RemoteStream } from "./remote-stream.ts";

/** Shapes {@link RemoteCalls}. */
export interface RemoteCallsOptions {
  /** Sends the messages. */
  readonly node: Pick<BackplaneNode, "send">;
  /** Answers other processes. */
  readonly service: RemoteService;
  /**
   * How long a call may take, in milliseconds.
   *
   * Higher values bear with slower networks and busier processes; lower ones tell a client sooner
   * that its session is out of reach.
   *
   * @defaultValue 10,000
   */
  readonly timeoutMs?: number;
  /**
   * How often a stream's source is asked whether it is still there, in milliseconds. A stream ends
   * with an error when it was asked twice in vain.
   *
   * Lower values notice a lost end sooner, and cost two messages a stream each time.
   *
   * @defaultValue 15,000
   */
  readonly probeMs?: number;
  /**
   * How many calls may wait for an answer, and how many of other processes may be under way here.
   * Further ones fail at once.
   *
   * @defaultValue 4096
   */
  readonly maxPending?: number;
  /** Where time comes from; for tests. @defaultValue {@link systemClock} */
  readonly clock?: Clock;
  /** Where nonsense on the bus is reported. @defaultValue {@link consoleLogger} */
  readonly logger?: Logger;
}

/** At most one line about nonsense on the bus in this time. */
const COMPLAINT_MS = 1000;

interface PendingCall {
  readonly nodeId: string;
  readonly isStream: boolean;
  resolve(value: unknown): void;
  reject(reason: unknown): void;
  /** Takes the timer and the listener away. */
  forget(): void;
}

interface OpenStream {
  readonly nodeId: string;
  readonly stream: RemoteStream;
}

/** Calls other processes, and answers them. */
export class RemoteCalls implements Omit<BackplaneListener, "onLost"> {
  readonly #options: Required<RemoteCallsOptions>;
  readonly #serving: RemoteServing;
  readonly #calls = new Map<number, PendingCall>();
  readonly #streams = new Map<number, OpenStream>();
  #lastId = 0;
  #probe: Timer | undefined;
  #isClosed = false;
  #complainedAt = -Infinity;

  constructor(options: RemoteCallsOptions) {
    this.#options = {
      timeoutMs: 10_000,
      probeMs: 15_000,
      maxPending: 4096,
      clock: systemClock,
      logger: consoleLogger,
      ...options,
    };
    const { service, node, clock, logger, maxPending, probeMs } = this.#options;
    this.#serving = new RemoteServing({
      service,
      send: (nodeId, text) => node.send(nodeId, text),
      clock,
      logger,
      maxServing: maxPending,
      leaseMs: 3 * probeMs,
    });
  }

  /** How many calls wait for an answer, and how many streams are read. */
  get pending(): { readonly calls: number; readonly streams: number } {
    return { calls: this.#calls.size, streams: this.#streams.size };
  }

  /**
   * Asks another process. Calls to one process arrive in the order in which they are made.
   *
   * @param request - What JSON can carry.
   * @param signal - Gives the call up.
   * @returns what the other process's service returned.
   * @throws {@link InvalidOptionError} when the request is not JSON, or too long.
   * @throws {@link TransportError} when the other process is gone, or too many calls wait.
   * @throws {@link TimeoutError} when no answer came in time. The other process may have acted.
   * Otherwise rejects with the other process's error, or with the signal's reason.
   */
  call(nodeId: string, request: unknown, signal?: AbortSignal): Promise<unknown> {
    return this.#ask("call", nodeId, request, signal);
  }

  /**
   * Opens a stream of another process's items. Of those that its reader does not take, the newest
   * 256, or 4 MB, are kept; the oldest are dropped.
   *
   * @param request - What JSON can carry.
   * @param signal - Ends the stream for its reader.
   * @returns once the other process has opened it: rejects as {@link RemoteCalls.call} does. The
   * stream ends with the other process's iterable; it throws that one's error, or a
   * {@link TransportError} when the other process is gone.
   */
  async open(
    nodeId: string,
    request: unknown,
    signal?: AbortSignal,
  ): Promise<AsyncIterableIterator<unknown>> {
    const stream = (await this.#ask("open", nodeId, request, signal)) as RemoteStream;
    const stop = (): void => stream.stop();
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
    return stream;
  }

  onMessage(from: string, text: string): void {
    if (this.#isClosed) return;
    const message = readMessage(text);
    if (!message) this.#complain(from, text);
    else if (isRequest(message)) this.#serving.receive(from, message);
    else this.#receive(from, message, text.length);
  }

  onGone(nodeId: string): void {
    this.#serving.onGone(nodeId);
    const gone = (): TransportError =>
      new TransportError("The process that carries the session is gone.");
    for (const [id, call] of this.#calls) {
      if (call.nodeId === nodeId) this.#take(id)?.reject(gone());
    }
    for (const { nodeId: source, stream } of this.#streams.values()) {
      if (source === nodeId) stream.end(gone());
    }
  }

  /** Fails what waits, and ends every stream. Safe to call twice. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#serving.close();
    for (const [id, { nodeId }] of this.#calls) {
      this.#tell(nodeId, { kind: "cancel", id });
      this.#take(id)?.reject(closed());
    }
    for (const [id, { nodeId, stream }] of this.#streams) {
      this.#tell(nodeId, { kind: "cancel", id });
      stream.end(closed());
    }
    this.#probe?.cancel();
  }

  #ask(
    kind: "call" | "open",
    nodeId: string,
    request: unknown,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const { clock, timeoutMs, maxPending, node } = this.#options;
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw closed();
      signal?.throwIfAborted();
      if (this.#calls.size + this.#streams.size >= maxPending) {
        throw new TransportError(`More than ${maxPending} calls to other processes wait.`);
      }
      const id = ++this.#lastId;
      const text = writeMessage({ kind, id, body: request });
      const giveUp = (reason: unknown): void => {
        this.#tell(nodeId, { kind: "cancel", id });
        this.#take(id)?.reject(reason);
      };
      const onAbort = (): void => giveUp(signal?.reason);
      const timer = clock.setTimeout(() => {
        giveUp(new TimeoutError(`Another process did not answer within ${timeoutMs} ms.`));
      }, timeoutMs);
      signal?.addEventListener("abort", onAbort, { once: true });
      const forget = (): void => {
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
      };
      this.#calls.set(id, { nodeId, isStream: kind === "open", resolve, reject, forget });
      node.send(nodeId, text).catch((error: unknown) => this.#take(id)?.reject(error));
    });
  }

  #receive(from: string, message: RemoteResponse, chars: number): void {
    const { id } = message;
    const stream = this.#streams.get(id);
    if (stream?.nodeId === from) {
      this.#feed(stream.stream, message, chars);
      return;
    }
    const call = this.#calls.get(id);
    // An answer may come for a call that was given up.
    if (call?.nodeId !== from) return;
    switch (message.kind) {
      case "answer":
        if (!call.isStream) this.#take(id)?.resolve(message.body);
        return;
      case "opened":
        // Now, and not when the caller goes on: items come in the next message.
        if (call.isStream) this.#take(id)?.resolve(this.#openStream(from, id));
        return;
      case "error":
        this.#take(id)?.reject(rebuildError(message.error));
        return;
      case "item":
      case "alive":
      case "end":
      case "lost":
        return;
    }
  }

  #feed(stream: RemoteStream, message: RemoteResponse, chars: number): void {
    stream.unansweredProbes = 0;
    switch (message.kind) {
      case "item":
        stream.push(message.body, chars);
        return;
      case "end":
        stream.end();
        return;
      case "error":
        stream.end(rebuildError(message.error));
        return;
      case "lost":
        stream.end(unreachable());
        return;
      case "answer":
      case "opened":
      case "alive":
        return;
    }
  }

  #openStream(nodeId: string, id: number): RemoteStream {
    const stream = new RemoteStream((isStopped) => {
      this.#streams.delete(id);
      if (isStopped) this.#tell(nodeId, { kind: "cancel", id });
      if (this.#streams.size === 0) {
        this.#probe?.cancel();
        this.#probe = undefined;
      }
    });
    this.#streams.set(id, { nodeId, stream });
    this.#probeLater();
    return stream;
  }

  #probeLater(): void {
    if (this.#probe || this.#streams.size === 0) return;
    const { clock, probeMs } = this.#options;
    this.#probe = clock.setTimeout(() => {
      this.#probe = undefined;
      for (const [id, { nodeId, stream }] of this.#streams) {
        if (stream.unansweredProbes >= 2) {
          this.#tell(nodeId, { kind: "cancel", id });
          stream.end(unreachable());
          continue;
        }
        stream.unansweredProbes++;
        this.#tell(nodeId, { kind: "probe", id });
      }
      this.#probeLater();
    }, probeMs);
  }

  #take(id: number): PendingCall | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call?.forget();
    return call;
  }

  #tell(nodeId: string, message: RemoteRequest): void {
    // Where it does not arrive, the other side's lease ends the matter.
    this.#options.node.send(nodeId, writeMessage(message)).catch(() => undefined);
  }

  #complain(from: string, text: string): void {
    const now = this.#options.clock.now();
    if (now - this.#complainedAt < COMPLAINT_MS) return;
    this.#complainedAt = now;
    const fields = { from, chars: text.length };
    this.#options.logger.warn("A message on the backplane cannot be read and is ignored.", fields);
  }
}

function closed(): InvalidStateError {
  return new InvalidStateError("The stream is closed.");
}

function unreachable(): TransportError {
  return new TransportError("The process that carries the session does not answer.");
}
