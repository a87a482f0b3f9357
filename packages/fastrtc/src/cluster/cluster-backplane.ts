/**
 * The workers' side of the backplane of a cluster: every question goes to the primary process, over
 * the channel that `node:cluster` gives each worker.
 *
 * `cluster-primary.ts` answers. When the primary process is gone, node ends its workers.
 */

import cluster from "node:cluster";
import { randomUUID } from "node:crypto";

import { InvalidOptionError, InvalidStateError, TransportError } from "../errors.ts";
import { systemClock } from "../media/clock.ts";
import type { Clock } from "../media/clock.ts";
import { consoleLogger } from "../observe/logger.ts";
import type { Logger } from "../observe/logger.ts";
import type {
  Backplane,
  BackplaneListener,
  BackplaneNode,
  ClaimOutcome,
  SessionClaim,
  SessionRecord,
} from "../session/backplane/backplane.ts";
import { rebuildError } from "../session/backplane/remote-error.ts";
import type { StoreBackend } from "../session/store/store.ts";
import { ClusterStore } from "./cluster-store.ts";
import { IPC_MARK, isMarked, plainClaim } from "./ipc-message.ts";
import type { NodeRequest, PrimaryMessage, StoreRequest, WorkerMessage } from "./ipc-message.ts";
import { IpcPort } from "./ipc-port.ts";
import type { IpcChannel } from "./ipc-port.ts";

/** How long the primary process may take to answer the first question, in milliseconds. */
const JOIN_TIMEOUT_MS = 10_000;
/** How many questions may wait for an answer. */
const MAX_WAITING = 10_000;

/** Shapes what {@link createClusterBackplane} makes. */
export interface ClusterBackplaneOptions {
  /** Where time comes from; for tests. @defaultValue {@link systemClock} */
  readonly clock?: Clock;
  /** Where errors of listeners are reported. @defaultValue {@link consoleLogger} */
  readonly logger?: Logger;
}

/**
 * Joins this worker to the other workers of its cluster. Its primary process must have called
 * {@link serveClusterBackplane}.
 *
 * @throws {@link InvalidStateError} when this process is no worker of `node:cluster`.
 */
export function createClusterBackplane(options: ClusterBackplaneOptions = {}): Backplane {
  if (!cluster.isWorker) {
    throw new InvalidStateError(
      "createClusterBackplane() works in a worker of node:cluster only. Start the application with `fastrtc start app.js --workers auto`.",
    );
  }
  return new ClusterBackplane(process as IpcChannel, options);
}

let shared: Backplane | undefined;

/**
 * Returns the backplane that joins this process to others without being asked for: that of a worker
 * which `fastrtc start` runs. Undefined everywhere else.
 */
export function defaultBackplane(): Backplane | undefined {
  if (!cluster.isWorker || process.env["FASTRTC_WORKER"] === undefined) return undefined;
  return (shared ??= createClusterBackplane());
}

interface Waiting {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

/** Asks a primary process, over whatever channel there is to it. */
export class ClusterBackplane implements Backplane {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #port: IpcPort;
  readonly #waiting = new Map<number, Waiting>();
  readonly #nodes = new Map<string, ClusterNode>();
  #lastId = 0;
  #isClosed = false;

  constructor(channel: IpcChannel, options: ClusterBackplaneOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? consoleLogger;
    this.#port = new IpcPort(
      channel,
      (message) => {
        if (isMarked(message)) this.#receive(message as PrimaryMessage);
      },
      () => this.#fail(),
    );
  }

  async join(stream: string, listener: BackplaneListener): Promise<BackplaneNode> {
    if (this.#isClosed) throw new InvalidStateError("The backplane is closed.");
    for (const node of this.#nodes.values()) {
      if (node.stream !== stream) continue;
      const remedy = "This process has joined under that name. Name each stream differently.";
      throw new InvalidOptionError("stream", stream, remedy);
    }
    const id = `worker-${randomUUID()}`;
    const node = new ClusterNode(id, stream, listener, this);
    // Before the answer: messages may follow it at once.
    this.#nodes.set(id, node);
    try {
      await this.#inTime(this.ask({ op: "join", stream, node: id }));
      return node;
    } catch (error) {
      void this.leave(id);
      throw error;
    }
  }

  store(stream: string): StoreBackend {
    return new ClusterStore(stream, (request) => this.ask(request));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all(Array.from(this.#nodes.values(), ({ id }) => this.leave(id)));
    this.#port.close();
    this.#fail();
  }

  /**
   * Asks the primary process.
   *
   * Without a time limit: it answers, or it is gone, and what was granted after we had given up
   * would be ours without our knowing.
   *
   * @internal
   */
  ask(request: NodeRequest | StoreRequest): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.size >= MAX_WAITING) {
        throw new TransportError("The primary process does not answer.");
      }
      const id = ++this.#lastId;
      const message: WorkerMessage = { mark: IPC_MARK, id, request };
      this.#port.send(message);
      this.#waiting.set(id, { resolve, reject });
    });
  }

  /**
   * Takes a node out.
   *
   * @internal
   */
  async leave(id: string): Promise<void> {
    if (!this.#nodes.delete(id)) return;
    // Where it does not arrive, there is nobody left who would have to forget us.
    await this.ask({ op: "leave", node: id }).catch(() => undefined);
  }

  /**
   * Tells whether a node has joined and not left.
   *
   * @internal
   */
  has(id: string): boolean {
    return this.#nodes.has(id);
  }

  #receive(message: PrimaryMessage): void {
    switch (message.kind) {
      case "answer":
        this.#take(message.id)?.resolve(message.value);
        return;
      case "error":
        this.#take(message.id)?.reject(rebuildError(message.error));
        return;
      case "message":
        this.#tell(message.node, (listener) => listener.onMessage(message.from, message.text));
        return;
      case "gone":
        this.#tell(message.node, (listener) => listener.onGone(message.gone));
        return;
      case "closed":
        this.#port.close();
        this.#fail();
    }
  }

  #tell(id: string, call: (listener: BackplaneListener) => void): void {
    const node = this.#nodes.get(id);
    if (!node) return;
    try {
      call(node.listener);
    } catch (error) {
      this.#logger.error("A listener of the backplane threw.", { error });
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #fail(): void {
    const error = new TransportError("The channel to the primary process is closed.");
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }

  #inTime(answer: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(() => {
        reject(
          new TransportError(
            `The primary process did not answer within ${JOIN_TIMEOUT_MS} ms. Call serveClusterBackplane() there, or start the application with "fastrtc start".`,
          ),
        );
      }, JOIN_TIMEOUT_MS);
      answer.finally(() => timer.cancel()).then(resolve, reject);
    });
  }
}

class ClusterNode implements BackplaneNode {
  readonly id: string;
  readonly stream: string;
  readonly listener: BackplaneListener;
  readonly #backplane: ClusterBackplane;

  constructor(
    id: string,
    stream: string,
    listener: BackplaneListener,
    backplane: ClusterBackplane,
  ) {
    this.id = id;
    this.stream = stream;
    this.listener = listener;
    this.#backplane = backplane;
  }

  async claim(claim: SessionClaim): Promise<ClaimOutcome> {
    const request = { op: "claim", node: this.id, claim: plainClaim(claim) } as const;
    return (await this.#backplane.ask(request)) as ClaimOutcome;
  }

  async find(webrtcId: string): Promise<SessionRecord | undefined> {
    const found = await this.#backplane.ask({ op: "find", node: this.id, webrtcId });
    return found as SessionRecord | undefined;
  }

  async release(webrtcId: string, resumableMs: number): Promise<void> {
    // Sessions may end after we have left: then they are forgotten already.
    if (!this.#backplane.has(this.id)) return;
    await this.#backplane.ask({ op: "release", node: this.id, webrtcId, resumableMs });
  }

  async count(): Promise<number> {
    return (await this.#backplane.ask({ op: "count", node: this.id })) as number;
  }

  async send(nodeId: string, message: string): Promise<void> {
    await this.#backplane.ask({ op: "send", node: this.id, to: nodeId, text: message });
  }

  async leave(): Promise<void> {
    await this.#backplane.leave(this.id);
  }
}
