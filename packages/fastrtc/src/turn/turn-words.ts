/** What words mean for turn-taking, wherever case and punctuation mean nothing. */

import type { ResolvedTurnOptions } from "./turn-options.ts";

/** As much of a reply as can come back as an echo of what is being said. */
const MAX_REPLY_WORDS = 100;

const segmenter = new Intl.Segmenter("en", { granularity: "word" });

/**
 * Splits a text into its words, lower-cased and without punctuation; works for languages without
 * spaces too.
 */
export function foldedWords(text: string): string[] {
  const words: string[] = [];
  for (const { segment, isWordLike } of segmenter.segment(text.normalize("NFKC").toLowerCase())) {
    if (isWordLike) words.push(segment.replace(/\p{P}/gu, ""));
  }
  return words;
}

/** Returns what follows the first words of a text, as it is written. */
export function textAfterWords(text: string, count: number): string {
  if (count === 0) return text;
  let seen = 0;
  for (const { index, segment, isWordLike } of segmenter.segment(text)) {
    if (isWordLike && ++seen > count) return text.slice(index);
    if (seen === count && !isWordLike && segment.trim() === "") return text.slice(index).trim();
  }
  return "";
}

/** Whether two texts have the same words; case and punctuation do not matter. */
export function haveSameWords(a: string, b: string): boolean {
  return a === b || foldedWords(a).join(" ") === foldedWords(b).join(" ");
}

/** What is known of words that were said over a reply. */
export interface OverlapContext {
  readonly isFinal: boolean;
  /** Whether the reply has gone silent already. */
  readonly isPaused: boolean;
  /** Whether the speech began so soon after the reply that it can hardly be about it. */
  readonly isEarly: boolean;
}

/** Judges words that were said over a reply. */
export class OverlapWords {
  readonly #interrupt: ReadonlySet<string>;
  readonly #backchannels: ReadonlySet<string>;
  readonly #minWords: number;
  #replyWords: string[] = [];

  constructor(options: Pick<ResolvedTurnOptions, "interruptWords" | "backchannels" | "minWords">) {
    this.#interrupt = new Set(options.interruptWords.flatMap(foldedWords));
    this.#backchannels = new Set(options.backchannels.flatMap(foldedWords));
    this.#minWords = options.minWords;
  }

  /** Takes note of what the reply says. */
  addReplyText(text: string): void {
    this.#replyWords = [...this.#replyWords, ...foldedWords(text)].slice(-MAX_REPLY_WORDS);
  }

  /** Whether one of the words interrupts on its own. */
  hasInterruptWord(words: readonly string[]): boolean {
    return words.some((word) => this.#interrupt.has(word));
  }

  /**
   * Whether the words are ones that the reply has just said, in its order: its own echo. A single
   * word proves nothing.
   */
  isEcho(words: readonly string[]): boolean {
    if (words.length < 2) return false;
    return ` ${this.#replyWords.join(" ")} `.includes(` ${words.join(" ")} `);
  }

  /** Whether the words interrupt the reply. */
  interrupt(words: readonly string[], { isFinal, isPaused, isEarly }: OverlapContext): boolean {
    if (this.hasInterruptWord(words)) return true;
    const counted = isEarly ? words : words.filter((word) => !this.#backchannels.has(word));
    const isCertain = isFinal || isPaused;
    return counted.length >= Math.max(1, this.#minWords - (isCertain ? 1 : 0));
  }
}
