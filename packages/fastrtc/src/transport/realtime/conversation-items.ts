import type { RealtimeItem } from "./realtime-item.ts";
import { RealtimeRefusal } from "./realtime-refusal.ts";

/** How many items a session remembers; the oldest gives way. */
const MAX_ITEMS = 1000;
/** How many characters they may have together; the oldest give way. */
const MAX_LENGTH = 4_000_000;
/** What a part of a message weighs beside its text, in characters. */
const PART_LENGTH = 32;

/** The items of one session's conversation, in order. */
export class ConversationItems {
  readonly #items: RealtimeItem[] = [];
  #length = 0;

  /** All of them, oldest first. */
  get all(): readonly RealtimeItem[] {
    return this.#items;
  }

  /** The last one's id; null where there is none. */
  get lastId(): string | null {
    return this.#items.at(-1)?.id ?? null;
  }

  /** Looks one up. */
  find(id: string): RealtimeItem | undefined {
    return this.#items.find((item) => item.id === id);
  }

  /**
   * Looks one up.
   *
   * @throws {@link RealtimeRefusal} when there is none.
   */
  require(id: string): RealtimeItem {
    const item = this.find(id);
    if (item) return item;
    throw new RealtimeRefusal(
      "item_not_found",
      "The conversation has no item of this id.",
      "item_id",
    );
  }

  /**
   * Adds an item.
   *
   * @param after - The id of the item that it follows: `root` for the front, undefined for the end.
   * @returns the id of the item before it; null where it is the first.
   * @throws {@link RealtimeRefusal} when there is no such item, or the id is taken.
   */
  add(item: RealtimeItem, after?: string): string | null {
    if (this.find(item.id)) {
      throw new RealtimeRefusal("item_already_exists", "An item has this id already.", "item.id");
    }
    let at = this.#items.length;
    if (after === "root") at = 0;
    else if (after !== undefined) at = this.#items.indexOf(this.require(after)) + 1;
    this.#items.splice(at, 0, item);
    this.#length += lengthOf(item);
    const before = this.#items[at - 1]?.id ?? null;
    this.#trim();
    return before;
  }

  /** Puts an item in the place of the one with its id, if that is still there. */
  replace(item: RealtimeItem): void {
    const at = this.#items.findIndex(({ id }) => id === item.id);
    const old = this.#items[at];
    if (!old) return;
    this.#items[at] = item;
    this.#length += lengthOf(item) - lengthOf(old);
    this.#trim();
  }

  /** The id of the item before one; null where it is the first, or gone. */
  before(id: string): string | null {
    const at = this.#items.findIndex((item) => item.id === id);
    return this.#items[at - 1]?.id ?? null;
  }

  /**
   * Takes one away.
   *
   * @throws {@link RealtimeRefusal} when there is none.
   */
  delete(id: string): void {
    const item = this.require(id);
    this.#items.splice(this.#items.indexOf(item), 1);
    this.#length -= lengthOf(item);
  }

  #trim(): void {
    while (
      this.#items.length > MAX_ITEMS ||
      (this.#length > MAX_LENGTH && this.#items.length > 1)
    ) {
      const oldest = this.#items.shift();
      if (oldest) this.#length -= lengthOf(oldest);
    }
  }
}

function lengthOf(item: RealtimeItem): number {
  switch (item.type) {
    case "function_call":
      return item.call_id.length + item.name.length + item.arguments.length;
    case "function_call_output":
      return item.call_id.length + item.output.length;
    case "message":
      return item.content.reduce(
        (sum, part) =>
          sum + PART_LENGTH + ("text" in part ? part.text : (part.transcript ?? "")).length,
        0,
      );
  }
}
