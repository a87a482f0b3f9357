import { haveSameWords } from "./turn-words.ts";

/** The words of one turn: final ones, and the preliminary ones that follow. */
export class TurnText {
  #final = "";
  #interim = "";
  #promoted = "";
  #isFinal = false;

  /** All words so far, preliminary ones last. */
  get text(): string {
    return join(this.#final, this.#promoted, this.#interim);
  }

  /** Whether anything was said. */
  get hasWords(): boolean {
    return this.text !== "";
  }

  /** Whether the last words are final. */
  get isFinal(): boolean {
    return this.#isFinal;
  }

  /** Whether there are preliminary words. */
  get hasInterim(): boolean {
    return this.#interim !== "";
  }

  /** Adds words; preliminary ones replace each other, and final ones replace them. */
  add(words: string, isFinal: boolean): void {
    if (!isFinal) {
      this.#interim = words;
    } else {
      // What was promoted was a guess at these.
      this.#final = join(this.#final, words);
      this.#promoted = "";
      this.#interim = "";
    }
    this.#isFinal = isFinal;
  }

  /** Takes the preliminary words for final ones, since those do not come. */
  promote(): void {
    this.#promoted = join(this.#promoted, this.#interim);
    this.#interim = "";
  }

  /** Takes the final form of promoted words; false, without any effect, if the words differ. */
  confirm(words: string): boolean {
    if (this.#promoted === "" || !haveSameWords(this.#promoted, words)) return false;
    this.add(words, true);
    return true;
  }

  /** The speaker goes on: what comes next is not final. */
  goOn(): void {
    this.#isFinal = false;
  }
}

function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" ");
}
