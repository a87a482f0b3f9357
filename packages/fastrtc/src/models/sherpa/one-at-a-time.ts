import { TimeoutError } from "../../errors.ts";

/** Does work that takes a whole core piece by piece, in order. */
export class OneAtATime {
  readonly #what: string;
  readonly #most: number;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param what - Who is busy, for the error.
   * @param most - How many pieces may wait.
   */
  constructor(what: string, most: number) {
    this.#what = what;
    this.#most = most;
  }

  /**
   * Does a piece of work when those before it are done; not at all when nobody wants it then.
   *
   * @throws {@link TimeoutError} when too many wait, and the signal's reason.
   */
  async run<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (this.#waiting >= this.#most) {
      throw new TimeoutError(
        `${this.#what}: ${this.#most} requests wait already. Serve fewer sessions from this process, or use a smaller model.`,
      );
    }
    this.#waiting++;
    const turn = this.#last.then(() => {
      this.#waiting--;
      signal?.throwIfAborted();
      return work();
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
