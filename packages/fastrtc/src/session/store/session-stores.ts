/**
 * The stores of a stream's sessions. What one client left under an id is not shown to the next one
 * that takes the same id: each store knows the token of the client that it belongs to.
 */

import { NegotiationError, TimeoutError } from "../../errors.ts";
import type { Clock } from "../../media/clock.ts";
import type { Logger } from "../../observe/logger.ts";
import { OWN_KEY_PREFIX, SessionStoreView } from "./store-view.ts";
import type { SessionStore, StoreBackend } from "./store.ts";

// Beside the values, so that it lives exactly as long as they do.
const OWNER_KEY = `${OWN_KEY_PREFIX}owner`;

/** How long a backend may take before a session is refused, in milliseconds. */
const BEGIN_TIMEOUT_MS = 5_000;

/** What {@link SessionStores} works with. */
export interface SessionStoresOptions {
  readonly backend: StoreBackend;
  /** What the backend's names of sessions begin with: other streams may use it too. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Opens the stores of sessions. */
export class SessionStores {
  readonly #options: SessionStoresOptions;

  constructor(options: SessionStoresOptions) {
    this.#options = options;
  }

  /** The store of a session, whether that lives or not. */
  of(webrtcId: string): SessionStore {
    const { backend, prefix } = this.#options;
    return new SessionStoreView(backend, webrtcId, prefix);
  }

  /**
   * Makes sure that a session which begins now finds what its own client left, or what the
   * application has put there for it, and nobody else's values.
   *
   * @throws {@link NegotiationError} with reason `unavailable` when that cannot be made sure.
   */
  async begin(webrtcId: string, tokenHash: string): Promise<void> {
    const { clock, logger } = this.#options;
    const timeout = new AbortController();
    const timer = clock.setTimeout(() => {
      timeout.abort(new TimeoutError(`It did not answer within ${BEGIN_TIMEOUT_MS} ms.`));
    }, BEGIN_TIMEOUT_MS);
    try {
      await Promise.race([
        this.#own(webrtcId, tokenHash, timeout.signal),
        rejection(timeout.signal),
      ]);
    } catch (error) {
      logger.error("The session store does not answer.", { webrtcId, error });
      throw new NegotiationError("The session store does not answer.", {
        reason: "unavailable",
        cause: error,
      });
    } finally {
      timer.cancel();
    }
  }

  // An answer that comes too late must not touch what is the next client's by then.
  async #own(webrtcId: string, tokenHash: string, signal: AbortSignal): Promise<void> {
    const { backend, prefix } = this.#options;
    const name = `${prefix}${webrtcId}`;
    const previous = await backend.get(name, OWNER_KEY);
    signal.throwIfAborted();
    if (previous !== undefined && previous !== tokenHash) await backend.clear(name);
    signal.throwIfAborted();
    await backend.set(name, OWNER_KEY, tokenHash);
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}
