import { createHash } from "node:crypto";

import { realtimeId } from "../../../transport/realtime/realtime-id.ts";

/** How many keys may be valid at the same time; the oldest gives way. */
const MAX_SECRETS = 10_000;
/** How long their `session` objects may be together, in characters of JSON; the oldest gives way. */
const MAX_CHARS = 16_000_000;
const DEFAULT_SECONDS = 600;
const MIN_SECONDS = 10;
const MAX_SECONDS = 7200;
/** How often expired keys are looked for, in milliseconds. */
const SWEEP_MS = 10_000;

/** Whom a key stands for. */
export interface SecretOwner {
  /** What `authenticate` returned to whoever asked for the key. */
  readonly user: unknown;
  /** The `session` object that came with the request. */
  readonly session: unknown;
}

/** A key as the client is told. */
export interface ClientSecret {
  readonly value: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

interface KeptSecret extends SecretOwner {
  readonly expiresAtMs: number;
  readonly chars: number;
}

/** Keys for browsers, valid for minutes, in this process. Only their hashes are kept. */
export class ClientSecrets {
  readonly #secrets = new Map<string, KeptSecret>();
  #chars = 0;
  #sweepAtMs = 0;

  /** How many are kept. */
  get size(): number {
    return this.#secrets.size;
  }

  /**
   * Makes a key.
   *
   * @param seconds - How long it is valid: 10 to 7200, which bounds it; 600 where it is left out.
   */
  create(owner: SecretOwner, seconds: number = DEFAULT_SECONDS): ClientSecret {
    this.#forgetExpired();
    const value = realtimeId("ek");
    const bounded = Math.min(MAX_SECONDS, Math.max(MIN_SECONDS, seconds || DEFAULT_SECONDS));
    const expiresAtMs = Date.now() + bounded * 1000;
    const chars = JSON.stringify(owner.session ?? null).length;
    this.#secrets.set(hashOf(value), { ...owner, expiresAtMs, chars });
    this.#chars += chars;
    for (const oldest of this.#secrets.keys()) {
      if (this.#secrets.size <= MAX_SECRETS && this.#chars <= MAX_CHARS) break;
      this.#forget(oldest);
    }
    return { value, expiresAt: Math.floor(expiresAtMs / 1000) };
  }

  /** Tells whom a key stands for; undefined when it is none, or has expired. */
  find(value: string): SecretOwner | undefined {
    const secret = this.#secrets.get(hashOf(value));
    return secret && secret.expiresAtMs > Date.now() ? secret : undefined;
  }

  #forgetExpired(): void {
    const now = Date.now();
    if (now < this.#sweepAtMs) return;
    this.#sweepAtMs = now + SWEEP_MS;
    for (const [hash, { expiresAtMs }] of this.#secrets) {
      if (expiresAtMs <= now) this.#forget(hash);
    }
  }

  #forget(hash: string): void {
    this.#chars -= this.#secrets.get(hash)?.chars ?? 0;
    this.#secrets.delete(hash);
  }
}

function hashOf(value: string): string {
  return createHash("sha256").update(value).digest("base64url");
}
