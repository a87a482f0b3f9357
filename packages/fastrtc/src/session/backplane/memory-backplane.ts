/** The backplane of one process: nothing to install, and nothing leaves. */

import { randomUUID } from "node:crypto";

import { InvalidOptionError, InvalidStateError } from "../../errors.ts";
import { BackplaneHub } from "./backplane-hub.ts";
import type { BackplaneHubOptions, HubMember } from "./backplane-hub.ts";
import type { Backplane, BackplaneListener, BackplaneNode } from "./backplane.ts";
import type { StoreBackend } from "../store/store.ts";

/** Shapes a {@link MemoryBackplane}. */
export interface MemoryBackplaneOptions extends BackplaneHubOptions {
  /**
   * The middle that several backplanes share, each of which then stands for a process of its own:
   * so a test plays many processes in one. The other options are then those of the hub.
   *
   * @defaultValue one of its own
   */
  readonly hub?: BackplaneHub;
}

/**
 * Keeps the directory, the bus and the store in the memory of this process. Several streams may
 * share one, each under its own name.
 *
 * @example Two processes, in a test
 * ```ts
 * const hub = new BackplaneHub();
 * const here = new Stream({ ...options, backplane: new MemoryBackplane({ hub }) });
 * const there = new Stream({ ...options, backplane: new MemoryBackplane({ hub }) });
 * ```
 */
export class MemoryBackplane implements Backplane {
  readonly #hub: BackplaneHub;
  readonly #ownsHub: boolean;
  readonly #nodes = new Map<string, MemoryNode>();
  #isClosed = false;

  constructor(options: MemoryBackplaneOptions = {}) {
    this.#hub = options.hub ?? new BackplaneHub(options);
    this.#ownsHub = !options.hub;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- Errors of the contract reject.
  async join(stream: string, listener: BackplaneListener): Promise<BackplaneNode> {
    if (this.#isClosed) throw new InvalidStateError("The backplane is closed.");
    if (this.#nodes.has(stream)) {
      const remedy = "This process has joined under that name. Name each stream differently.";
      throw new InvalidOptionError("stream", stream, remedy);
    }
    const member = this.#hub.join(stream, `memory-${randomUUID()}`, listener);
    const node = new MemoryNode(member, () => {
      if (this.#nodes.get(stream) === node) this.#nodes.delete(stream);
    });
    this.#nodes.set(stream, node);
    return node;
  }

  store(stream: string): StoreBackend {
    return this.#hub.store(stream);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const node of this.#nodes.values()) await node.leave();
    if (this.#ownsHub) await this.#hub.close();
  }

  /** Vanishes as a process does that is killed: for tests. */
  crash(): void {
    this.#isClosed = true;
    for (const node of this.#nodes.values()) node.die();
  }
}

class MemoryNode implements BackplaneNode {
  readonly id: string;
  readonly #member: HubMember;
  readonly #onLeft: () => void;

  constructor(member: HubMember, onLeft: () => void) {
    this.id = member.id;
    this.#member = member;
    this.#onLeft = onLeft;
  }

  // Each decides before it returns, and async makes what it throws a rejection.
  /* eslint-disable @typescript-eslint/require-await */
  async claim(...args: Parameters<BackplaneNode["claim"]>): ReturnType<BackplaneNode["claim"]> {
    return this.#member.claim(...args);
  }

  async find(webrtcId: string): ReturnType<BackplaneNode["find"]> {
    return this.#member.find(webrtcId);
  }

  async release(webrtcId: string, resumableMs: number): Promise<void> {
    this.#member.release(webrtcId, resumableMs);
  }

  async count(): Promise<number> {
    return this.#member.count();
  }

  async send(nodeId: string, message: string): Promise<void> {
    this.#member.send(nodeId, message);
  }

  async leave(): Promise<void> {
    this.#member.leave();
    this.#onLeft();
  }
  /* eslint-enable @typescript-eslint/require-await */

  die(): void {
    this.#member.die();
    this.#onLeft();
  }
}
