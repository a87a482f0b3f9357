/** Asks the application who somebody is, and fails closed. */

import { AuthenticationError, isFastRTCError } from "../../errors.ts";
import type { Logger } from "../../observe/logger.ts";
import type { TransportKind } from "../../transport/transport.ts";

/** What is known of a request besides itself. */
export interface AuthenticateCall {
  /**
   * What the request wants: a session carried this way, to read or write beside one, or what is told
   * beforehand (`config`; a refusal there only withholds `rtcConfiguration`, which may hold credentials).
   */
  readonly transport: TransportKind | "inputs" | "outputs" | "config";
  /** The client's address; behind a proxy the one that a trusted proxy names. */
  readonly remoteAddress: string | undefined;
}

/**
 * Tells who makes a request.
 *
 * @param request - Its body has been read, or is not to be read.
 * @returns What handlers find as `context.user`; undefined, null or false refuses. Throwing refuses
 * as well; anything but an {@link AuthenticationError} is also logged.
 */
export type Authenticate<User> = (
  request: Request,
  call: AuthenticateCall,
) => Refusable<User> | Promise<Refusable<User>>;

/** A user, or nobody. */
export type Refusable<User> = User | undefined | null | false;

/** Answers for a stream who somebody is. */
export class Authenticator {
  readonly #authenticate: Authenticate<unknown> | undefined;
  readonly #logger: Logger;

  /** @param authenticate - Undefined lets everybody in, as nobody. */
  constructor(authenticate: Authenticate<unknown> | undefined, logger: Logger) {
    this.#authenticate = authenticate;
    this.#logger = logger;
  }

  /** Whether everybody may come in. */
  get isOpen(): boolean {
    return this.#authenticate === undefined;
  }

  /**
   * Finds out who makes a request.
   *
   * @throws {@link AuthenticationError} whose text tells the client nothing.
   */
  async identify(request: Request, call: AuthenticateCall): Promise<unknown> {
    if (!this.#authenticate) return undefined;
    const user = await this.#ask(this.#authenticate, request, call);
    if (user === undefined || user === null || user === false) throw new AuthenticationError();
    return user;
  }

  async #ask(
    authenticate: Authenticate<unknown>,
    request: Request,
    call: AuthenticateCall,
  ): Promise<unknown> {
    try {
      return await authenticate(request, call);
    } catch (error) {
      // A directory that is full or down is not a wrong password: its own refusal says more.
      if (isFastRTCError(error) && ["NEGOTIATION", "SESSION_LIMIT"].includes(error.code)) {
        throw error;
      }
      if (!isFastRTCError(error) || error.code !== "AUTHENTICATION") {
        this.#logger.warn("authenticate threw; the request is refused.", { error });
      }
      throw new AuthenticationError(undefined, { cause: error });
    }
  }
}
