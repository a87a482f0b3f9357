import { foldedWords, textAfterWords } from "./turn-words.ts";

/** Turns after which final words are given up: they would swallow what is said once more. */
const KEPT_TURNS = 3;

/**
 * The words of one turn: final ones, and preliminary ones after them.
 *
 * Where final words do not come in time, preliminary ones are promoted: taken as they are. When the
 * final ones do come they are known by their beginning, so that no word is in a turn twice, nor in
 * two turns.
 */
export class TurnText {
  #final = "";
  #interim = "";
  #isFinal = false;
  /** Words whose final form may still come, one entry for each time that it did not. */
  readonly #promoted: string[] = [];
  /** The same of the turns before, oldest first. */
  readonly #ofEarlierTurns: readonly string[][];

  /** @param previous - The text of the turn before. */
  constructor(previous?: TurnText) {
    this.#ofEarlierTurns = previous
      ? [...previous.#ofEarlierTurns, previous.#promoted].slice(-KEPT_TURNS)
      : [];
  }

  /** All words so far, preliminary ones last. */
  get text(): string {
    return joinWords(this.#final, ...this.#promoted, this.#interim);
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
    const added = this.#withoutEarlier(words, isFinal);
    if (added === "") return;
    const rest = withoutKnown(this.#promoted, added, isFinal);
    if (isFinal) {
      // Other words than expected are what the oldest guess should have been.
      if (rest === added) this.#promoted.shift();
      this.#final = joinWords(this.#final, added);
    }
    this.#interim = isFinal ? "" : rest;
    this.#isFinal = isFinal;
  }

  /**
   * Takes words that came after the turn had ended, and returns those of them that are not promoted
   * ones once more.
   */
  addKnown(words: string, isFinal: boolean): string {
    const added = this.#withoutEarlier(words, isFinal);
    const rest = withoutKnown(this.#promoted, added, isFinal);
    const known = added.slice(0, added.length - rest.length).trim();
    if (isFinal) this.#final = joinWords(this.#final, known);
    return rest;
  }

  /** Takes the preliminary words for final ones, since those do not come. */
  promote(): void {
    if (this.#interim !== "") this.#promoted.push(this.#interim);
    this.#interim = "";
  }

  /** The speaker goes on: the last words are not the final ones any more. */
  goOn(): void {
    this.#isFinal = false;
  }

  #withoutEarlier(words: string, isFinal: boolean): string {
    return this.#ofEarlierTurns.reduce(
      (rest, promoted) => withoutKnown(promoted, rest, isFinal),
      words,
    );
  }
}

/** Joins texts by spaces, leaving out empty ones. */
export function joinWords(...texts: readonly string[]): string {
  return texts.filter((text) => text !== "").join(" ");
}

// What follows the promoted words at the beginning of a text; final words settle them.
function withoutKnown(promoted: string[], text: string, isFinal: boolean): string {
  let rest = text;
  for (const [index, guess] of promoted.entries()) {
    const known = countCommonWords(guess, rest);
    rest = textAfterWords(rest, known);
    if (isFinal) promoted[index] = textAfterWords(guess, known);
  }
  if (isFinal) promoted.splice(0, promoted.length, ...promoted.filter((guess) => guess !== ""));
  return rest;
}

// How many words the two begin with alike, if the shorter one is the beginning of the longer one.
function countCommonWords(a: string, b: string): number {
  if (a === "" || b === "") return 0;
  const [one, other] = [foldedWords(a), foldedWords(b)];
  const length = Math.min(one.length, other.length);
  return one.slice(0, length).every((word, i) => word === other[i]) ? length : 0;
}
