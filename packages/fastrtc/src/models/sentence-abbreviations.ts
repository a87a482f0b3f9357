/** Words that end in a full stop without ending a sentence, in the languages that most often do so. */

/** Before anything: titles, names of firms, and what introduces more. In lower case. */
const ANYWHERE: ReadonlySet<string> = new Set(
  [
    "mr mrs ms dr prof sr jr st mt messrs rev hon gov sen rep gen capt lt sgt col maj cmdr",
    "vs approx dept inc ltd corp co bros ave blvd",
    "hr fr frl bzw ca evtl ggf inkl zzgl bspw vgl sog tel str ing dipl",
    "mme mlle mgr env",
    "sra srta ud uds dra dña",
    "sig dott avv dhr mevr bijv",
  ].flatMap((line) => line.split(" ")),
);

/** Before a number only: elsewhere some of them are words, such as "no" and "sun". */
const BEFORE_NUMBERS: ReadonlySet<string> = new Set(
  [
    "no nr núm num fig figs vol art sec ch chap pp p para abs",
    "jan feb mar apr jun jul aug sep sept oct okt nov dec dez",
  ].flatMap((line) => line.split(" ")),
);

/** Languages that write ordinal numbers with a full stop. */
const DOTTED_ORDINALS = /^(?:de|da|nb|nn|no|fi|is|et|lv|cs|sk|sl|hr|sr|bs|pl|hu|tr|lb|fo|eu)\b/i;

/** Where a full stop stands. */
export interface FullStop {
  /** What stands before it, back to the last space. */
  readonly word: string;
  /** Whether the word is the first of its line. */
  readonly beginsLine: boolean;
  /** The first character of the next word. */
  readonly next: string;
  /** A BCP 47 tag, where it is known. */
  readonly language: string | undefined;
}

/** Tells whether a full stop belongs to its word rather than to a sentence. */
export function isAbbreviation({ word, beginsLine, next, language }: FullStop): boolean {
  const bare = word.replace(/^[\p{P}\p{S}]+/u, "").toLowerCase();
  // Ordinals, and the numbers of a list.
  if (/^\d{1,2}$/.test(bare)) return beginsLine || DOTTED_ORDINALS.test(language ?? "");
  // Initials. "I" may well be the last word of a sentence.
  if (/^\p{L}$/u.test(bare)) return bare !== "i";
  if (/^(?:\p{L}{1,3}\.)+\p{L}{1,3}$/u.test(bare)) return true;
  if (ANYWHERE.has(bare)) return true;
  return BEFORE_NUMBERS.has(bare) && /\p{N}/u.test(next);
}
