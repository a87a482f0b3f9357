/**
 * Who has joined, as one node sees it. News of the bus, lists from the directory and signs of life
 * come in, in whatever order; each node that goes comes out once.
 */

/** The other nodes of a stream. */
export class NodeRoll {
  readonly #present = new Set<string>();
  /** Nodes that have gone, and how many lists had been asked for by then. */
  readonly #gone = new Map<string, number>();
  #asked = 0;

  /** A node has been heard of: it joined, it sent something, or it took something. */
  heard(node: string): void {
    this.#gone.delete(node);
    this.#present.add(node);
  }

  /**
   * A node is said to have gone.
   *
   * @returns whether that is new.
   */
  left(node: string): boolean {
    if (!this.#present.delete(node)) return false;
    this.#gone.set(node, this.#asked);
    return true;
  }

  /** The directory's list is asked for. Returns what {@link NodeRoll.listed} wants to know. */
  ask(): number {
    return ++this.#asked;
  }

  /**
   * The directory has listed the nodes.
   *
   * @param asked - What {@link NodeRoll.ask} returned: a list that was on its way when a node went
   * does not bring it back.
   * @param nodes - The list.
   * @param isWhole - False when the directory was lost and others may not have told it yet that they
   * are there: then nobody counts as gone for not being listed.
   * @returns the nodes that have gone.
   */
  listed(asked: number, nodes: readonly string[], isWhole: boolean): string[] {
    const listed = new Set(nodes);
    for (const node of listed) {
      if ((this.#gone.get(node) ?? 0) < asked) this.heard(node);
    }
    for (const [node, at] of this.#gone) if (at < asked) this.#gone.delete(node);
    if (!isWhole) return [];
    return [...this.#present].filter((node) => !listed.has(node) && this.left(node));
  }
}
