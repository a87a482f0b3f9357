/** Pieces that may wait for one before them: 100 ms of a telephone's audio. */
const MAX_HELD = 5;
/** A jump this far, either way, is a sender that began anew. */
const MAX_JUMP = 3000;

/**
 * Puts the pieces of the caller's audio in order, for carriers that do not promise it.
 *
 * A piece that is next goes on at once. Behind a gap at most five pieces wait; then the gap is given
 * up. What comes after its gap was given up, or twice, is dropped.
 */
export class PieceOrder {
  readonly #deliver: (data: Uint8Array, missing: number) => void;
  readonly #held = new Map<number, Uint8Array>();
  #next: number | undefined;

  /** @param deliver - Gets each piece in order, and how many before it are missing. */
  constructor(deliver: (data: Uint8Array, missing: number) => void) {
    this.#deliver = deliver;
  }

  /**
   * Takes a piece; it may be kept.
   *
   * @param order - Its place, counted by one from any number on.
   */
  push(data: Uint8Array, order: number): void {
    const ahead = order - (this.#next ?? order);
    if (Math.abs(ahead) > MAX_JUMP) {
      this.#held.clear();
      this.#next = undefined;
    } else if (ahead !== 0) {
      if (ahead > 0) this.#hold(data, order);
      return;
    }
    this.#pass(data, order, 0);
  }

  #hold(data: Uint8Array, order: number): void {
    this.#held.set(order, data);
    if (this.#held.size <= MAX_HELD) return;
    const first = Math.min(...this.#held.keys());
    const waiting = this.#held.get(first);
    this.#held.delete(first);
    if (waiting) this.#pass(waiting, first, first - (this.#next ?? first));
  }

  #pass(data: Uint8Array, order: number, missing: number): void {
    this.#deliver(data, missing);
    let next = order + 1;
    for (let held = this.#held.get(next); held; held = this.#held.get(next)) {
      this.#held.delete(next);
      this.#deliver(held, 0);
      next++;
    }
    this.#next = next;
  }
}
