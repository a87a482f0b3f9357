import { foldedWords, textAfterWords } from "./turn-words.ts";

/**
 * The words of one turn: final ones, and preliminary ones after them.
 *
 * Where final words do not come in time, preliminary ones are promoted. When the final ones do come,
 * they are recognized by their beginning, so that no word is in a turn twice, nor in two turns.
 */
export class TurnText {
  #final = "";
  #interim = "";
  #promoted = "";
  /** Words promoted in the turn before, whose final form may still come. */
  #ofLastTurn: string;
  #isFinal = false;

  /** @param previous - The text of the turn before. */
  constructor(previous?: TurnText) {
    this.#ofLastTurn = previous ? previous.#promoted || previous.#ofLastTurn : "";
  }

  /** All words so far, preliminary ones last. */
  get text(): string {
    return joinWords(this.#final, this.#promoted, this.#interim);
  }

  /** Whether anything was said. */
  get hasWords(): boolean {
    return this.text !== "";
  }

  /** Whether the last words are final. */
  get isFinal(): boolean {
    return this.#isFinal;
  }

  /** Adds words; preliminary ones replace each other, and final ones replace them. */
  add(words: string, isFinal: boolean): void {
    const added = this.#withoutLastTurn(words, isFinal);
    if (added === "") return;
    if (isFinal) {
      const known = commonWords(this.#promoted, added);
      this.#final = joinWords(this.#final, added);
      this.#promoted = known > 0 ? textAfterWords(this.#promoted, known) : "";
      this.#interim = "";
    } else {
      const known = commonWords(this.#promoted, added);
      this.#interim = textAfterWords(added, known);
    }
    this.#isFinal = isFinal;
  }

  /**
   * Takes words that came after the turn had ended, and returns those of them that are not promoted
   * ones once more.
   */
  addKnown(words: string, isFinal: boolean): string {
    const added = this.#withoutLastTurn(words, isFinal);
    const known = commonWords(this.#promoted, added);
    const rest = textAfterWords(added, known);
    if (isFinal && known > 0) {
      this.#final = joinWords(this.#final, added.slice(0, added.length - rest.length).trim());
      this.#promoted = textAfterWords(this.#promoted, known);
    }
    return rest;
  }

  /** Takes the preliminary words for final ones, since those do not come. */
  promote(): void {
    this.#promoted = joinWords(this.#promoted, this.#interim);
    this.#interim = "";
  }

  /** The speaker goes on: the last words are not the final ones any more. */
  goOn(): void {
    this.#isFinal = false;
  }

  #withoutLastTurn(words: string, isFinal: boolean): string {
    const known = commonWords(this.#ofLastTurn, words);
    if (isFinal) this.#ofLastTurn = textAfterWords(this.#ofLastTurn, known);
    return textAfterWords(words, known);
  }
}

/** Joins texts by spaces, leaving out empty ones. */
export function joinWords(...texts: readonly string[]): string {
  return texts.filter((text) => text !== "").join(" ");
}

// How many words the two begin with alike, if the shorter one is the beginning of the longer one.
function commonWords(a: string, b: string): number {
  if (a === "" || b === "") return 0;
  const [one, other] = [foldedWords(a), foldedWords(b)];
  const length = Math.min(one.length, other.length);
  return one.slice(0, length).every((word, i) => word === other[i]) ? length : 0;
}
