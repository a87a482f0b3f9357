/**
 * The primary process's side of the backplane of a cluster: the directory, the stores, and the way
 * from one worker to another.
 *
 * In come the requests of workers, out go answers and other workers' messages. Each node of a worker
 * is a member of one {@link BackplaneHub}; a worker that is gone takes its members with it.
 */

import cluster from "node:cluster";
import type { Worker } from "node:cluster";

import { InvalidStateError } from "../errors.ts";
import { systemClock } from "../media/clock.ts";
import { consoleLogger } from "../observe/logger.ts";
import type { Logger } from "../observe/logger.ts";
import { BackplaneHub } from "../session/backplane/backplane-hub.ts";
import type { BackplaneHubOptions, HubMember } from "../session/backplane/backplane-hub.ts";
import { describeError } from "../session/backplane/remote-error.ts";
import { claimOf, IPC_MARK, isMarked } from "./ipc-message.ts";
import type { NodeRequest, PrimaryMessage, StoreRequest, WorkerMessage } from "./ipc-message.ts";
import { IpcPort } from "./ipc-port.ts";
import type { IpcChannel } from "./ipc-port.ts";

/** How long the last messages of a worker that has ended are waited for, in milliseconds. */
const LAST_MESSAGES_MS = 100;

/** Distributes over the union, which `Omit` alone does not. */
type Unmarked<T> = T extends unknown ? Omit<T, "mark"> : never;

/** The backplane of workers, in their primary process. */
export interface ClusterBackplaneService {
  /** Serves no longer: what workers ask fails from now on. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Joins the workers that this process has forked and will fork. Call it in the primary process of
 * `node:cluster`, before the first worker asks; `fastrtc start` does.
 *
 * @param options - How long sessions of a worker that died may be resumed, and what is kept.
 * @throws {@link InvalidStateError} in a worker.
 */
export function serveClusterBackplane(options: BackplaneHubOptions = {}): ClusterBackplaneService {
  if (!cluster.isPrimary) {
    throw new InvalidStateError(
      "serveClusterBackplane() belongs into the primary process; a worker calls createClusterBackplane().",
    );
  }
  const primary = new ClusterPrimary(options);
  const attach = (worker: Worker): void => {
    const onGone = primary.attach(worker);
    // A worker that is killed while node hands a connection to it never disconnects (Node 20.20: two
    // lines of net.connect right after a kill show it). One that ends by itself disconnects once its
    // last messages are read, which may be after its exit.
    worker.once("exit", () => systemClock.setTimeout(onGone, LAST_MESSAGES_MS));
  };
  for (const worker of Object.values(cluster.workers ?? {})) if (worker) attach(worker);
  cluster.on("fork", attach);
  return {
    close: async () => {
      cluster.off("fork", attach);
      await primary.close();
    },
  };
}

/** Serves workers, over whatever channels they have. */
export class ClusterPrimary {
  readonly #hub: BackplaneHub;
  readonly #logger: Logger;
  readonly #workers = new Set<WorkerLink>();

  constructor(options: BackplaneHubOptions = {}) {
    this.#hub = new BackplaneHub(options);
    this.#logger = options.logger ?? consoleLogger;
  }

  /**
   * Serves one more worker, until its channel is closed.
   *
   * @returns a function to call when the worker is known to be gone; safe to call twice.
   */
  attach(channel: IpcChannel): () => void {
    const link = new WorkerLink(channel, this.#hub, this.#logger, () => this.#workers.delete(link));
    this.#workers.add(link);
    return () => link.onGone();
  }

  /** Tells the workers that nobody answers any more, and forgets everything. */
  async close(): Promise<void> {
    for (const link of this.#workers) link.close();
    this.#workers.clear();
    await this.#hub.close();
  }
}

class WorkerLink {
  readonly #hub: BackplaneHub;
  readonly #logger: Logger;
  readonly #port: IpcPort;
  readonly #members = new Map<string, HubMember>();

  constructor(channel: IpcChannel, hub: BackplaneHub, logger: Logger, onGone: () => void) {
    this.#hub = hub;
    this.#logger = logger;
    this.#port = new IpcPort(
      channel,
      (message) => {
        if (isMarked(message)) void this.#receive(message as WorkerMessage);
      },
      () => {
        this.#dropMembers();
        onGone();
      },
    );
  }

  onGone(): void {
    this.#port.onGone();
  }

  close(): void {
    this.#tell({ kind: "closed" });
    this.#port.close();
    this.#dropMembers();
  }

  #dropMembers(): void {
    for (const member of this.#members.values()) member.die();
    this.#members.clear();
  }

  async #receive({ id, request }: WorkerMessage): Promise<void> {
    try {
      // What a node asks is decided within this call, so that a worker's requests keep their order.
      const value = request.op === "store" ? await this.#store(request) : this.#decide(request);
      this.#tell({ kind: "answer", id, value });
    } catch (error) {
      this.#tell({ kind: "error", id, error: describeError(error) });
    }
  }

  #decide(request: NodeRequest): unknown {
    if (request.op === "join") {
      this.#join(request.stream, request.node);
      return undefined;
    }
    const member = this.#members.get(request.node);
    if (!member) throw new InvalidStateError("This process has left the backplane.");
    switch (request.op) {
      case "claim":
        return member.claim(claimOf(request.claim));
      case "find":
        return member.find(request.webrtcId);
      case "release":
        member.release(request.webrtcId, request.resumableMs);
        return undefined;
      case "count":
        return member.count();
      case "send":
        member.send(request.to, request.text);
        return undefined;
      case "leave":
        this.#members.delete(member.id);
        member.leave();
        return undefined;
      default:
        throw unknownRequest();
    }
  }

  #join(stream: string, node: string): void {
    const member = this.#hub.join(stream, node, {
      onMessage: (from, text) => this.#tell({ kind: "message", node, from, text }),
      onGone: (gone) => this.#tell({ kind: "gone", node, gone }),
    });
    this.#members.set(node, member);
  }

  #store(request: StoreRequest): Promise<unknown> {
    const store = this.#hub.store(request.stream);
    const { session } = request;
    switch (request.method) {
      case "get":
        return store.get(session, request.key);
      case "set":
        return store.set(session, request.key, request.value);
      case "replace":
        return store.replace(session, request.key, request.expected, request.value);
      case "delete":
        return store.delete(session, request.key);
      case "keys":
        return store.keys(session);
      case "clear":
        return store.clear(session);
      default:
        throw unknownRequest();
    }
  }

  #tell(message: Unmarked<PrimaryMessage>): void {
    try {
      this.#port.send({ mark: IPC_MARK, ...message });
    } catch (error) {
      this.#logger.warn("A worker does not get a message.", { kind: message.kind, error });
    }
  }
}

// While a new version is installed, workers of the old one may still run.
function unknownRequest(): InvalidStateError {
  return new InvalidStateError("A worker asks for what this version does not know.");
}
