/** Marks that may be on their way; the oldest are forgotten, and the next echo speaks for them. */
const MAX_PENDING = 64;

interface PendingMark {
  readonly number: number;
  readonly sentAt: number;
}

/**
 * Names the marks that are put into the audio sent, and reads their echoes.
 *
 * A name is `e{epoch}:{number}`. Dropping what waits at the carrier begins a new epoch: carriers
 * echo the marks that they drop, and an echo out of an earlier epoch says nothing of what was heard.
 */
export class PlayoutMarks {
  readonly #pending: PendingMark[] = [];
  #epoch = 1;
  #number = 0;

  /** Whether a mark of this epoch has not been echoed yet. */
  get isPending(): boolean {
    return this.#pending.length > 0;
  }

  /**
   * Makes the name of the next mark.
   *
   * @param now - Milliseconds; when it is sent.
   */
  next(now: number): string {
    if (this.#pending.length >= MAX_PENDING) this.#pending.shift();
    this.#pending.push({ number: ++this.#number, sentAt: now });
    return `e${this.#epoch}:${this.#number}`;
  }

  /**
   * Takes an echo: everything up to that mark has been heard.
   *
   * @returns the mark's round trip in milliseconds; undefined when it tells nothing.
   */
  echoed(name: string, now: number): number | undefined {
    const [, epoch, number] = /^e(\d{1,9}):(\d{1,9})$/.exec(name) ?? [];
    if (Number(epoch) !== this.#epoch) return undefined;
    const index = this.#pending.findIndex((mark) => mark.number === Number(number));
    const mark = this.#pending[index];
    if (!mark) return undefined;
    this.#pending.splice(0, index + 1);
    return now - mark.sentAt;
  }

  /** Begins a new epoch: no echo of a mark that was sent before counts any more. */
  clear(): void {
    this.#epoch++;
    this.#pending.length = 0;
  }
}
