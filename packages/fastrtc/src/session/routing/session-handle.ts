/** A session as the rest of the application reaches it, from any process. */

import { NegotiationError } from "../../errors.ts";
import type { SessionContextData } from "../context/session-context.ts";
import type { SessionOperations } from "./session-operations.ts";
import type { SessionStore } from "../store/store.ts";

/**
 * Reaches one session by its id, in whichever process it lives. Holds nothing: it may be kept, and
 * made for sessions that do not live.
 */
export class SessionHandle {
  /** The session's name. */
  readonly webrtcId: string;
  /** What is kept under the session's id, also while it does not live. */
  readonly store: SessionStore;
  readonly #operations: SessionOperations;

  /** @internal */
  constructor(webrtcId: string, operations: SessionOperations, store: SessionStore) {
    this.webrtcId = webrtcId;
    this.store = store;
    this.#operations = operations;
  }

  /**
   * Tells what is known of the session, as `context.toJSON()` does.
   *
   * @returns undefined where no session of this id lives.
   */
  async describe(): Promise<SessionContextData | undefined> {
    try {
      return await this.#operations.describe(this.webrtcId);
    } catch (error) {
      const isAbsent =
        error instanceof NegotiationError &&
        (error.reason === "unknown_connection" || error.reason === "connection_closed");
      if (isAbsent) return undefined;
      throw error;
    }
  }

  /**
   * Sends a message to the client, which receives it as its `message` event.
   *
   * @param data - Anything that JSON can carry.
   * @throws {@link NegotiationError} when there is no such session.
   */
  send(data: unknown): Promise<void> {
    return this.#operations.send(this.webrtcId, data);
  }

  /**
   * Ends the session.
   *
   * @param message - What the client is told.
   * @throws {@link NegotiationError} when there is no such session.
   */
  close(message?: string): Promise<void> {
    return this.#operations.close(this.webrtcId, message);
  }
}
