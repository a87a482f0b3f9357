import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** What {@link OneUseTokens} are made of. */
export interface OneUseTokensOptions {
  /**
   * What tokens are signed with. Processes that share it take each other's tokens, so that a call
   * may be announced to one and open its media socket at another.
   *
   * @defaultValue a random one: only this object takes its tokens
   */
  readonly secret?: string;
  /**
   * Milliseconds for which a token is good. Lower leaves less time to a thief, and to a slow carrier.
   *
   * @defaultValue 60000
   */
  readonly lifetimeMs?: number;
}

/**
 * Issues tokens that open one media socket each, for carriers that do not sign the upgrade.
 *
 * A token is signed, not remembered. Only used ones are, until they would have expired: at most as
 * many as calls begin in that time.
 */
export class OneUseTokens {
  readonly #secret: string | Uint8Array;
  readonly #lifetimeMs: number;
  readonly #used = new Map<string, number>();

  constructor(options: OneUseTokensOptions = {}) {
    this.#secret = options.secret ?? randomBytes(32);
    this.#lifetimeMs = options.lifetimeMs ?? 60_000;
  }

  /** Makes a token; its characters mean themselves in a URL's path. */
  issue(): string {
    const expiresAt = Date.now() + this.#lifetimeMs;
    const claim = `${expiresAt.toString(36)}.${randomBytes(12).toString("base64url")}`;
    return `${claim}.${this.#sign(claim)}`;
  }

  /** Tells whether a token is ours and new, and uses it up. */
  redeem(token: string): boolean {
    const end = token.lastIndexOf(".");
    const claim = token.slice(0, Math.max(0, end));
    const expected = Buffer.from(this.#sign(claim));
    const given = Buffer.from(token.slice(end + 1));
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return false;
    const now = Date.now();
    const expiresAt = parseInt(claim, 36);
    if (expiresAt <= now || this.#used.has(claim)) return false;
    for (const [old, until] of this.#used) if (until <= now) this.#used.delete(old);
    this.#used.set(claim, expiresAt);
    return true;
  }

  #sign(claim: string): string {
    return createHmac("sha256", this.#secret).update(`fastrtc-media:${claim}`).digest("base64url");
  }
}
