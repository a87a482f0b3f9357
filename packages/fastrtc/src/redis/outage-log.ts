import type { Logger } from "../observe/logger.ts";

/** Reports that Redis is away, and that it is back: once each, however many connections say so. */
export class OutageLog {
  readonly #logger: Logger;
  readonly #place: string;
  readonly #down = new Set<object>();

  /** @param place - Names the server. */
  constructor(logger: Logger, place: string) {
    this.#logger = logger;
    this.#place = place;
  }

  /** A connection is away. */
  down(connection: object, error: unknown): void {
    const isNew = this.#down.size === 0;
    this.#down.add(connection);
    if (!isNew) return;
    const message = `Redis at ${this.#place} cannot be reached; trying again until it can.`;
    this.#logger.error(message, { error });
  }

  /** A connection is back, or is not wanted any more. */
  up(connection: object): void {
    if (!this.#down.delete(connection) || this.#down.size > 0) return;
    this.#logger.info(`Redis at ${this.#place} is back.`);
  }
}
