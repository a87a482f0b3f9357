/**
 * Cuts text into pieces to be spoken one by one, while it is still being written.
 *
 * A language model's words come in, as they are written; clauses and sentences go out, of which the
 * first is short, so that the first sound comes early, and the later ones longer, because voices
 * speak whole sentences best. The pieces, joined, are the text.
 */

import { isSpeakable } from "./model-input.ts";
import { isAbbreviation } from "./sentence-abbreviations.ts";

/** How a {@link SentenceSplitter} reads. */
export interface SentenceSplitterOptions {
  /**
   * The text's language as a BCP 47 tag, such as `de`. Some rules ask for it: German ordinals end in
   * a full stop.
   *
   * @defaultValue unknown
   */
  readonly language?: string | undefined;
}

/** Lengths in letters; one of Chinese, Japanese or Korean counts as two, for what it takes to say. */
interface Limits {
  /** A clause this long may stand alone. */
  readonly clause: number;
  /** A sentence this long may stand alone. */
  readonly sentence: number;
  /** At this length a cut is made at the best place there is. */
  readonly most: number;
}

// By order of the pieces; the last holds for all that follow. At 15 letters a second the first piece
// is heard for about a second at least, in which the second is made.
const LIMITS: readonly [Limits, ...Limits[]] = [
  { clause: 12, sentence: 2, most: 100 },
  { clause: 40, sentence: 20, most: 180 },
  { clause: 120, sentence: 40, most: 260 },
];
/** Characters that are looked at; nothing that is said has no place for a cut in so many. */
const WINDOW = 1200;

const SENTENCE_END = /[.!?…‼⁇⁈⁉。！？｡．؟۔।॥።။។៕։]/u;
/** Ends a sentence without a space after it. */
const WIDE_SENTENCE_END = /[。！？｡．।॥።။។៕]/u;
const CLAUSE_END = /[,;:،؛፣၊，、；：—–-]/u;
const WIDE_CLAUSE_END = /[，、；：—]/u;
const DASH = /[–-]/u;
const CLOSER = /["'”’»›)\]}」』）】》〉*_]/u;
const OPENER = /["'“‘«‹([{「『（【《〈¿¡*_#>-]/u;
const SPACE = /\s/u;
const WIDE_LETTER = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
/** Scripts without spaces between words; in some of them a space parts clauses. */
const SPACELESS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const SPACE_PARTS_CLAUSES = /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

const words = new Intl.Segmenter(undefined, { granularity: "word" });
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** What was seen of a part so far: what has been read is not read again when more text comes. */
interface Reading {
  at: number;
  /** In letters, as the limits are. */
  length: number;
  /** Whether there is anything to say in it. */
  isSaying: boolean;
  clauseEnd: number;
  wordEnd: number;
}

const newReading = (): Reading => ({ at: 0, length: 0, isSaying: false, clauseEnd: 0, wordEnd: 0 });

/** A place where a cut can be made. Undefined where only the text to come can tell. */
type Boundary = { readonly end: number; readonly kind: "sentence" | "clause" | "none" } | undefined;

/**
 * Cuts a text that comes in pieces; where the pieces end makes no difference to where it is cut.
 *
 * @example
 * ```ts
 * const splitter = new SentenceSplitter();
 * for await (const piece of model) for (const part of splitter.push(piece)) speak(part);
 * for (const part of splitter.flush()) speak(part);
 * ```
 */
export class SentenceSplitter {
  readonly #language: string | undefined;
  #text = "";
  #read: Reading = newReading();
  #parts = 0;

  constructor(options: SentenceSplitterOptions = {}) {
    this.#language = options.language;
  }

  /** What waits for its end, in characters; at most {@link SentenceSplitter.push}'s last piece more than 1200. */
  get pendingLength(): number {
    return this.#text.length;
  }

  /**
   * Takes the next piece of the text.
   *
   * @returns The parts that are complete now, in order.
   */
  push(piece: string): string[] {
    this.#text += piece;
    return this.#take(false);
  }

  /**
   * Says that nothing has come for a while, as when a model calls a tool: a sentence that looks
   * complete is not kept back for the word that would prove it.
   *
   * @returns The sentence, or nothing.
   */
  settle(): string[] {
    const text = this.#text;
    const end = text.trimEnd().length;
    const isSentence = /[\p{L}\p{N}\p{S}]/u.test(text) && this.#looksComplete(text.slice(0, end));
    if (!isSentence) return [];
    this.#text = "";
    this.#read = newReading();
    this.#parts++;
    return [text];
  }

  /**
   * Says that the text has ended.
   *
   * @returns The parts that were kept back. The splitter is ready for another text then.
   */
  flush(): string[] {
    const parts = this.#take(true);
    if (this.#text !== "") parts.push(this.#text);
    this.#text = "";
    this.#read = newReading();
    this.#parts = 0;
    return parts;
  }

  #take(isEnded: boolean): string[] {
    const parts: string[] = [];
    for (;;) {
      const limits = LIMITS[Math.min(this.#parts, LIMITS.length - 1)] ?? LIMITS[0];
      const cut = this.#findCut(limits, isEnded);
      if (cut === undefined || (isEnded && cut >= this.#text.length)) return parts;
      parts.push(this.#text.slice(0, cut));
      this.#text = this.#text.slice(cut);
      this.#read = newReading();
      this.#parts++;
    }
  }

  // Reads from the left, and waits wherever a longer text could read differently.
  #findCut(limits: Limits, isEnded: boolean): number | undefined {
    const text = this.#text.slice(0, WINDOW);
    const isWhole = isEnded && this.#text.length <= WINDOW;
    const read = this.#read;
    while (read.at < text.length) {
      const character = String.fromCodePoint(text.codePointAt(read.at) ?? 0);
      const boundary = this.#boundaryAt(text, read.at, character, isWhole);
      if (!boundary) break;
      const { end, kind } = boundary;
      if (read.isSaying && kind !== "none") {
        if (read.length >= (kind === "sentence" ? limits.sentence : limits.clause)) return end;
        if (read.length >= LIMITS[0].clause) read.clauseEnd = end;
      }
      if (read.isSaying && SPACE.test(text[end - 1] ?? "")) read.wordEnd = end;
      read.isSaying ||= isSpeakable(character);
      if (read.isSaying) read.length += WIDE_LETTER.test(character) ? 2 : end - read.at;
      read.at = end;
      if (read.length > limits.most) {
        const cut = read.clauseEnd || read.wordEnd || cutWord(text, read, limits);
        if (cut) return cut;
      }
    }
    return text.length === WINDOW ? cutWithin(text, WINDOW) : undefined;
  }

  #boundaryAt(text: string, at: number, character: string, isWhole: boolean): Boundary {
    const next = at + character.length;
    if (SENTENCE_END.test(character)) return this.#sentenceEndAt(text, at, isWhole);
    if (CLAUSE_END.test(character)) return clauseEndAt(text, at, isWhole);
    if (!SPACE.test(character)) return { end: next, kind: "none" };
    const end = skip(text, at, SPACE);
    if (end === text.length && !isWhole) return undefined;
    if (text.slice(at, end).includes("\n")) return { end, kind: "sentence" };
    const parts =
      SPACE_PARTS_CLAUSES.test(text[at - 1] ?? "") && SPACE_PARTS_CLAUSES.test(text[end] ?? "");
    return { end, kind: parts ? "clause" : "none" };
  }

  #sentenceEndAt(text: string, at: number, isWhole: boolean): Boundary {
    const marksEnd = skip(text, at, SENTENCE_END);
    const closed = skip(text, marksEnd, CLOSER);
    const end = skip(text, closed, SPACE);
    const nextWord = skip(text, end, OPENER);
    // The next word's first letter tells much, and a letter outside the plane of 16 bits takes two.
    if (nextWord >= text.length - 1 && !isWhole) return undefined;
    const marks = text.slice(at, marksEnd);
    if (end === closed) {
      // "3.14", "example.org", "wow!!1"; where there are no spaces it does end here.
      if (WIDE_SENTENCE_END.test(marks)) return { end, kind: "sentence" };
      return { end: marksEnd, kind: "none" };
    }
    if (text.slice(closed, end).includes("\n")) return { end, kind: "sentence" };
    const next = String.fromCodePoint(text.codePointAt(nextWord) ?? 0);
    const isLower = /\p{Ll}/u.test(next);
    if (marks === ".") {
      return isLower || this.#isAbbreviation(text, at, next)
        ? { end, kind: "none" }
        : { end, kind: "sentence" };
    }
    return { end, kind: isLower ? "clause" : "sentence" };
  }

  #isAbbreviation(text: string, at: number, next: string): boolean {
    const before = text.slice(0, at);
    const wordAt = skipBack(before, at, (character) => !SPACE.test(character));
    const word = before.slice(wordAt);
    const spaceAt = skipBack(before, wordAt, (character) => SPACE.test(character));
    const beginsLine = spaceAt === 0 || before.slice(spaceAt, wordAt).includes("\n");
    return isAbbreviation({ word, beginsLine, next, language: this.#language });
  }

  #looksComplete(text: string): boolean {
    let end = text.length;
    while (end > 0 && CLOSER.test(text[end - 1] ?? "")) end--;
    const mark = text[end - 1] ?? "";
    if (!SENTENCE_END.test(mark)) return false;
    return mark !== "." || text[end - 2] === "." || !this.#isAbbreviation(text, end - 1, "");
  }
}

// A word without an end is first given the chance to be a link.
function cutWord(text: string, { at, length }: Reading, { most }: Limits): number {
  const head = text.slice(0, at);
  return SPACELESS.test(head) || length > 2 * most ? cutWithin(head, at) : 0;
}

function clauseEndAt(text: string, at: number, isWhole: boolean): Boundary {
  const mark = text[at] ?? "";
  const closed = skip(text, at + 1, CLOSER);
  const end = skip(text, closed, SPACE);
  if (end >= text.length && !isWhole) return undefined;
  if (end === closed) {
    // "1,000", "10:30", "well-known".
    return WIDE_CLAUSE_END.test(mark) ? { end, kind: "clause" } : { end: at + 1, kind: "none" };
  }
  if (text.slice(closed, end).includes("\n")) return { end, kind: "sentence" };
  // A hyphen is a dash where spaces are around it; at the begin of a line it is a list's.
  const isHyphen = DASH.test(mark) && (at === 0 || !SPACE.test(text[at - 1] ?? ""));
  return { end, kind: isHyphen ? "none" : "clause" };
}

function skip(text: string, from: number, characters: RegExp): number {
  let at = from;
  while (at < text.length && characters.test(text[at] ?? "")) at++;
  return at;
}

function skipBack(text: string, from: number, test: (character: string) => boolean): number {
  let at = from;
  while (at > 0 && test(text[at - 1] ?? "")) at--;
  return at;
}

// The last segment is left out: the text goes on, and it may too.
function cutWithin(text: string, length: number): number {
  const head = text.slice(0, length);
  for (const segmenter of [words, graphemes]) {
    let last = 0;
    for (const { index } of segmenter.segment(head)) last = index;
    if (last > 0) return last;
  }
  return isHighSurrogate(head.charCodeAt(length - 1)) ? length - 1 : length;
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

/**
 * Cuts a text that is whole already.
 *
 * @returns Its parts; joined, they are the text.
 */
export function splitSentences(text: string, options: SentenceSplitterOptions = {}): string[] {
  const splitter = new SentenceSplitter(options);
  return [...splitter.push(text), ...splitter.flush()];
}
