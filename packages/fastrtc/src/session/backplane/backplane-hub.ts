/**
 * The middle of a backplane that lives in one process: who has joined, whose sessions there are, and
 * the way of a message from one member to another.
 *
 * `memory-backplane.ts` joins for its own process; the primary process of a cluster joins for each
 * of its workers.
 */

import { InvalidOptionError, InvalidStateError, TransportError } from "../../errors.ts";
import { systemClock } from "../../media/clock.ts";
import type { Clock } from "../../media/clock.ts";
import { consoleLogger } from "../../observe/logger.ts";
import type { Logger } from "../../observe/logger.ts";
import type { BackplaneListener, ClaimOutcome, SessionClaim, SessionRecord } from "./backplane.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { SessionDirectory } from "./session-directory.ts";
import type { StoreBackend } from "../store/store.ts";

/** Shapes a backplane whose directory and stores are in the memory of one process. */
export interface BackplaneHubOptions {
  /**
   * How long the sessions of a process that died may be resumed, in milliseconds.
   *
   * Higher values give clients more time to come back; their ids stay taken for as long.
   *
   * @defaultValue 60,000
   */
  readonly orphanedMs?: number;
  /**
   * How many sessions of a stream may wait to be resumed. At the bound the one that has waited
   * longest is forgotten. One takes some 300 bytes.
   *
   * @defaultValue 10,000
   */
  readonly maxWaiting?: number;
  /**
   * Makes the store of a stream.
   *
   * @defaultValue a {@link MemoryStore}
   */
  readonly createStore?: () => StoreBackend;
  /** Where time comes from; for tests. @defaultValue {@link systemClock} */
  readonly clock?: Clock;
  /** Where errors of listeners are reported. @defaultValue {@link consoleLogger} */
  readonly logger?: Logger;
}

interface HubStream {
  readonly directory: SessionDirectory;
  readonly members: Map<string, HubMember>;
}

/** Joins members, each of which stands for one process and one stream. */
export class BackplaneHub {
  readonly #options: Required<BackplaneHubOptions>;
  readonly #streams = new Map<string, HubStream>();
  readonly #stores = new Map<string, StoreBackend>();

  constructor(options: BackplaneHubOptions = {}) {
    const { clock = systemClock } = options;
    this.#options = {
      orphanedMs: 60_000,
      maxWaiting: 10_000,
      createStore: () => new MemoryStore({ clock }),
      clock,
      logger: consoleLogger,
      ...options,
    };
  }

  /**
   * Adds a member. Its listener is called outside the stack of whoever causes the call. No member
   * loses a session to another here: there is nothing that could come between it and the hub.
   *
   * @param id - The member's name.
   * @throws {@link InvalidOptionError} when a member of the stream has that name.
   */
  join(stream: string, id: string, listener: Omit<BackplaneListener, "onLost">): HubMember {
    let entry = this.#streams.get(stream);
    if (!entry) {
      const { clock, maxWaiting } = this.#options;
      const directory = new SessionDirectory(() => clock.now(), maxWaiting);
      this.#streams.set(stream, (entry = { directory, members: new Map() }));
    }
    const { directory, members } = entry;
    if (members.has(id)) {
      throw new InvalidOptionError("id", id, "Give each member a name of its own.");
    }
    const { orphanedMs, logger } = this.#options;
    const member = new HubMember({ id, directory, members, listener, orphanedMs, logger });
    members.set(id, member);
    return member;
  }

  /** Returns the store of a stream: always the same one. */
  store(stream: string): StoreBackend {
    let store = this.#stores.get(stream);
    if (!store) this.#stores.set(stream, (store = this.#options.createStore()));
    return store;
  }

  /** Closes the stores, and forgets what they held. */
  async close(): Promise<void> {
    const stores = [...this.#stores.values()];
    this.#stores.clear();
    await Promise.all(stores.map((store) => store.close()));
  }
}

interface HubMemberOptions {
  readonly id: string;
  readonly directory: SessionDirectory;
  readonly members: Map<string, HubMember>;
  readonly listener: Omit<BackplaneListener, "onLost">;
  readonly orphanedMs: number;
  readonly logger: Logger;
}

/** One process's place in a {@link BackplaneHub}, for one stream. Decides without waiting. */
export class HubMember {
  /** The name with which it joined. */
  readonly id: string;
  readonly #options: HubMemberOptions;
  #isIn = true;

  constructor(options: HubMemberOptions) {
    this.id = options.id;
    this.#options = options;
  }

  /** @throws {@link InvalidStateError} when the member has left. */
  claim(claim: SessionClaim): ClaimOutcome {
    return this.#directory().claim(this.id, claim);
  }

  /** @throws {@link InvalidStateError} when the member has left. */
  find(webrtcId: string): SessionRecord | undefined {
    return this.#directory().find(webrtcId);
  }

  /** Ends a session, if it is this member's. A member that has left has none. */
  release(webrtcId: string, resumableMs: number): void {
    if (this.#isIn) this.#options.directory.release(this.id, webrtcId, resumableMs);
  }

  /** @throws {@link InvalidStateError} when the member has left. */
  count(): number {
    return this.#directory().liveCount;
  }

  /** @throws {@link TransportError} when either member is gone. */
  send(to: string, message: string): void {
    const receiver = this.#options.members.get(to);
    if (!this.#isIn || !receiver) {
      throw new TransportError("The process that carries the session is gone.");
    }
    receiver.#tell((listener) => listener.onMessage(this.id, message));
  }

  /** Takes the member out, and forgets its live sessions. Safe to call twice. */
  leave(): void {
    this.#end(0);
  }

  /** Takes a member out that has vanished: its sessions may be resumed. Safe to call twice. */
  die(): void {
    this.#end(this.#options.orphanedMs);
  }

  #directory(): SessionDirectory {
    if (!this.#isIn) throw new InvalidStateError("This process has left the backplane.");
    return this.#options.directory;
  }

  #end(resumableMs: number): void {
    if (!this.#isIn) return;
    this.#isIn = false;
    const { directory, members } = this.#options;
    members.delete(this.id);
    directory.releaseAll(this.id, resumableMs);
    for (const other of members.values()) other.#tell((listener) => listener.onGone(this.id));
  }

  // Microtasks run in the order in which they were queued, so that a sender's messages keep theirs,
  // and whoever sends never finds itself inside of the receiver.
  #tell(call: (listener: Omit<BackplaneListener, "onLost">) => void): void {
    queueMicrotask(() => {
      if (!this.#isIn) return;
      try {
        call(this.#options.listener);
      } catch (error) {
        this.#options.logger.error("A listener of the backplane threw.", { error });
      }
    });
  }
}
