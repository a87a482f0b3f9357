/** Who may touch a session that is under way: whoever holds its token. */

import { AuthenticationError } from "../../errors.ts";
import type { Authenticator } from "./authenticator.ts";
import type { SessionRegistry } from "./session-registry.ts";
import { isSessionToken } from "./session-token.ts";
import type { Session } from "../session.ts";

/** What is presented for access to a session. */
export type Credentials =
  /** A client's token; undefined where it sent none. */
  | { readonly token: string | undefined }
  /** The application's own code asks. */
  | "application";

/** Guards the sessions of one process. */
export class SessionAccess {
  readonly #registry: SessionRegistry;
  readonly #authenticator: Authenticator;

  constructor(registry: SessionRegistry, authenticator: Authenticator) {
    this.#registry = registry;
    this.#authenticator = authenticator;
  }

  /** Whether everybody may come in, and go on without a token. */
  get isOpen(): boolean {
    return this.#authenticator.isOpen;
  }

  /**
   * Refuses a client that cannot have a token, before anything is looked up or awaited for it.
   *
   * @throws {@link AuthenticationError} when callers are authenticated and no token is presented.
   */
  assertPresented(credentials: Credentials): void {
    if (credentials === "application" || credentials.token !== undefined) return;
    // FastRTC's clients have no token; where everybody may come in, they may go on.
    if (!this.isOpen) throw new AuthenticationError();
  }

  /**
   * Returns a session of this process to whoever may touch it.
   *
   * @throws {@link NegotiationError} when it has ended, or never was.
   * @throws {@link AuthenticationError} when the token is missing or is another session's.
   */
  require(webrtcId: string, credentials: Credentials): Session {
    this.assertPresented(credentials);
    const session = this.#registry.require(webrtcId);
    if (credentials === "application" || credentials.token === undefined) return session;
    const hash = this.#registry.tokenHash(webrtcId);
    if (hash === undefined || !isSessionToken(credentials.token, hash)) {
      throw new AuthenticationError();
    }
    return session;
  }
}
