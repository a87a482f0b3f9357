/**
 * Finds stop words in what a recognizer wrote, however it wrote them: case, accents, full-width
 * letters, punctuation between the words, and spaces in scripts that have none do not matter.
 */

import { InvalidOptionError } from "../errors.ts";

/** Where a stop word was found. */
export interface StopWordMatch {
  /** The phrase, as it was given. */
  readonly phrase: string;
  /** Where it begins in the transcript, in UTF-16 units. */
  readonly start: number;
  /** Where it ends in the transcript; punctuation after it is not part of it. */
  readonly end: number;
  /** What follows it, without the punctuation and spaces in between; empty at the end. */
  readonly after: string;
}

interface Pattern {
  readonly phrase: string;
  readonly expression: RegExp;
}

/** A text made comparable, and where each of its units comes from. */
interface Folded {
  readonly text: string;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

// Scripts whose words are not told apart by spaces.
const UNSPACED =
  "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}ー";
/** A letter of a word that spaces set apart. */
const LETTER = `(?![${UNSPACED}])[\\p{L}\\p{M}\\p{N}_]`;
const IS_LETTER = new RegExp(LETTER, "u");
const IS_UNSPACED = new RegExp(`[${UNSPACED}]`, "u");
const GAP = "[\\s\\p{P}]";

// Accents, and the vowel points of Hebrew and Arabic. Marks of other scripts make other letters.
const ACCENTS = /[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f]/gu;
const EDGE_PUNCTUATION = /^[.,!?;:…。、！？，；：¡¿]+|[.,!?;:…。、！？，；：]+$/gu;
const AFTER = /^[\s.,!?;:…。、！？，；：'"”’»-]+/u;

/**
 * Finds the first of several phrases in transcripts.
 *
 * Whole words only: "art" is not in "start". In scripts that do not separate words (Chinese,
 * Japanese, Thai, Lao, Khmer, Burmese) a phrase is found anywhere.
 */
export class StopWordMatcher {
  readonly #patterns: readonly Pattern[];

  /**
   * @param phrases - One or more; every character but punctuation at a word's edge counts.
   * @throws {@link InvalidOptionError} without a phrase, or for one without words.
   */
  constructor(phrases: readonly string[]) {
    const given: unknown = phrases;
    if (!Array.isArray(given) || given.length === 0) {
      throw new InvalidOptionError("stopWords", given, 'Give at least one, as in ["computer"].');
    }
    this.#patterns = phrases.map((phrase) => ({ phrase, expression: toExpression(phrase) }));
  }

  /**
   * Returns where the first stop word is; of several that begin there, the longest.
   *
   * @param transcript - What was recognised.
   */
  find(transcript: string): StopWordMatch | undefined {
    const folded = fold(transcript);
    let best: StopWordMatch | undefined;
    for (const { phrase, expression } of this.#patterns) {
      const found = expression.exec(folded.text);
      if (!found) continue;
      const start = folded.starts[found.index] ?? 0;
      const end = folded.ends[found.index + found[0].length - 1] ?? transcript.length;
      if (best && (start > best.start || (start === best.start && end <= best.end))) continue;
      best = { phrase, start, end, after: transcript.slice(end).replace(AFTER, "").trimEnd() };
    }
    return best;
  }
}

/**
 * Returns where the first of some phrases is in a transcript.
 *
 * @param transcript - What was recognised.
 * @param phrases - What to look for; for many transcripts, make a {@link StopWordMatcher} of them.
 * @throws {@link InvalidOptionError} without a phrase, or for one without words.
 */
export function findStopWord(
  transcript: string,
  phrases: readonly string[],
): StopWordMatch | undefined {
  return new StopWordMatcher(phrases).find(transcript);
}

function toExpression(phrase: unknown): RegExp {
  const words =
    typeof phrase === "string"
      ? fold(phrase)
          .text.split(/\s+/u)
          .map((word) => word.replace(EDGE_PUNCTUATION, ""))
          .filter((word) => word !== "")
      : [];
  const letters = Array.from(words.join(" "));
  if (words.length === 0) {
    throw new InvalidOptionError("stopWords", phrase, "Give phrases that have words in them.");
  }
  let source = IS_LETTER.test(letters[0] ?? "") ? `(?<!${LETTER})` : "";
  letters.forEach((letter, i) => {
    const before = letters[i - 1] ?? "";
    const isUnspaced = (one: string): boolean => IS_UNSPACED.test(one);
    if (letter === " ") {
      // Recognizers write "hey, computer" and "hey computer" alike.
      source += isUnspaced(before) || isUnspaced(letters[i + 1] ?? "") ? `${GAP}*` : `${GAP}+`;
    } else {
      if (isUnspaced(before) && isUnspaced(letter)) source += "\\s*";
      source += letter.replace(/[\\^$.*+?()[\]{}|/]/u, "\\$&");
    }
  });
  if (IS_LETTER.test(letters.at(-1) ?? "")) source += `(?!${LETTER})`;
  return new RegExp(source, "u");
}

function fold(text: string): Folded {
  let folded = "";
  const starts: number[] = [];
  const ends: number[] = [];
  for (const { segment, index } of graphemes.segment(text)) {
    folded += foldLetter(segment);
    while (starts.length < folded.length) {
      starts.push(index);
      ends.push(index + segment.length);
    }
  }
  return { text: folded, starts, ends };
}

// Twice changed in case, so that ß is ss and both small sigmas are one.
function foldLetter(letter: string): string {
  return letter
    .normalize("NFKC")
    .toUpperCase()
    .toLowerCase()
    .normalize("NFD")
    .replace(ACCENTS, "")
    .normalize("NFC")
    .replace(/[’‘ʼ]/u, "'");
}
