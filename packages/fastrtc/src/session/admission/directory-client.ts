/**
 * What this process asks of the session directory that all processes share. Errors come out in the
 * words that `begin` and the requests about sessions are refused with.
 */

import { NegotiationError, SessionLimitError, isFastRTCError } from "../../errors.ts";
import type { Logger } from "../../observe/logger.ts";
import type { BackplaneNode, SessionClaim, SessionRecord } from "../backplane/backplane.ts";

/** What a client is told to wait before it tries again, in seconds. */
const RETRY_AFTER_SECONDS = 5;

/** What {@link DirectoryClient} works with. */
export interface DirectoryClientOptions {
  readonly node: () => Promise<BackplaneNode>;
  /** How many sessions may live in all processes. */
  readonly limit: number;
  readonly logger: Logger;
}

/** A session that the directory knows. */
export interface FoundSession {
  readonly record: SessionRecord;
  /** Whether this process carries it, or carried it last. */
  readonly isOurs: boolean;
}

/** A session that the directory has given to this process. */
export interface ClaimedSession {
  /** When it began for the first time, in milliseconds since the epoch. */
  readonly createdAt: number;
  /** Who carried it before its client came back; undefined for a new one. */
  readonly resumedFrom: "us" | "another process" | undefined;
}

/** Asks the session directory. */
export class DirectoryClient {
  readonly #options: DirectoryClientOptions;

  constructor(options: DirectoryClientOptions) {
    this.#options = options;
  }

  /**
   * Looks a session up.
   *
   * @throws {@link NegotiationError} with reason `unavailable` when the directory does not answer.
   */
  async find(webrtcId: string): Promise<FoundSession | undefined> {
    return await this.#ask(async (node) => {
      const record = await node.find(webrtcId);
      return record && { record, isOurs: record.owner === node.id };
    });
  }

  /**
   * Takes a session.
   *
   * @throws {@link NegotiationError} when it is somebody else's, or the directory does not answer.
   * @throws {@link SessionLimitError} when no further session may begin.
   */
  async claim(claim: Omit<SessionClaim, "createdAt" | "limit">): Promise<ClaimedSession> {
    const { limit } = this.#options;
    const createdAt = Date.now();
    const { outcome, id } = await this.#ask(async (node) => ({
      id: node.id,
      outcome: await node.claim({ ...claim, createdAt, limit }),
    }));
    switch (outcome.outcome) {
      case "claimed": {
        const { resumed } = outcome;
        if (!resumed) return { createdAt, resumedFrom: undefined };
        const resumedFrom = resumed.owner === id ? "us" : "another process";
        return { createdAt: resumed.createdAt, resumedFrom };
      }
      case "full":
        throw new SessionLimitError(limit, RETRY_AFTER_SECONDS);
      case "taken":
        // Its own client is back before anybody knows that the process which had it is gone.
        if (outcome.record.tokenHash === claim.tokenHash) {
          throw new NegotiationError("The process that has the session does not answer.", {
            reason: "unavailable",
          });
        }
        throw new NegotiationError("A session with this webrtc_id lives already.", {
          reason: "connection_already_exists",
        });
    }
  }

  /**
   * Gives a session back. Never rejects.
   *
   * @param resumableMs - How long its client may come back; 0 forgets it.
   */
  async release(webrtcId: string, resumableMs: number): Promise<void> {
    const { node, logger } = this.#options;
    try {
      const own = await node();
      await own.release(webrtcId, resumableMs);
    } catch (error) {
      const fields = { webrtcId, error };
      logger.warn("The directory could not be told that a session has ended.", fields);
    }
  }

  async #ask<T>(question: (node: BackplaneNode) => Promise<T>): Promise<T> {
    const { node, logger } = this.#options;
    try {
      return await question(await node());
    } catch (error) {
      if (!isFastRTCError(error) || error.code === "INVALID_OPTION") throw error;
      logger.error("The session directory does not answer.", { error });
      throw new NegotiationError("The session directory does not answer.", {
        reason: "unavailable",
        cause: error,
      });
    }
  }
}
