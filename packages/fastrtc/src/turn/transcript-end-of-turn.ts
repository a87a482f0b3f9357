/**
 * Tells from the words alone whether a turn is complete: does the transcript end like a sentence?
 *
 * Rules and short lists of words, no model and no download. It costs microseconds and knows what
 * punctuation, a trailing "and", an "um" or half a telephone number mean; it understands nothing.
 */

import { InvalidOptionError } from "../errors.ts";
import { END_OF_TURN_WORDS } from "./end-of-turn-words.ts";
import type { EndOfTurnWords } from "./end-of-turn-words.ts";
import type { EndOfTurnModel } from "./end-of-turn.ts";

/** Options of {@link createTranscriptEndOfTurn}. */
export interface TranscriptEndOfTurnOptions {
  /**
   * What callers speak, as BCP 47 tags; of `de-AT`, `de` counts. `en`, `de`, `fr`, `es`, `zh` and
   * `ja` have lists of words. Of other languages only the punctuation is judged, of any script.
   *
   * With several languages a word counts as in the one that waits longest for it, so that each
   * further language answers a little later.
   *
   * @defaultValue ["en"]
   */
  readonly languages?: readonly string[];
  /** Words of further languages, or more of the known ones, by language code; lower case. */
  readonly words?: Readonly<Record<string, Partial<EndOfTurnWords>>>;
}

/** How likely a turn is complete that ends like this. Set by hand: an order, not measured shares. */
const LIKELIHOOD = {
  filler: 0.1,
  unfinishedPunctuation: 0.1,
  open: 0.1,
  /** A recognizer put a full stop after "and" because it heard a pause, no more. */
  openWithStop: 0.2,
  halfNumber: 0.25,
  leaning: 0.3,
  /** The recognizer ends its sentences with a full stop, and has not ended this one. */
  noStop: 0.35,
  unknown: 0.5,
  longNumber: 0.5,
  leaningWithStop: 0.6,
  singleWord: 0.6,
  question: 0.7,
  closing: 0.8,
  stop: 0.85,
  exclamation: 0.9,
  questionMark: 0.95,
} as const;

/** Digits from which a number that is being dictated may be whole: the shortest telephone numbers. */
const LONG_NUMBER_DIGITS = 7;
/** Words from which a question without a question mark may be whole: "where is it". */
const MIN_QUESTION_WORDS = 3;

// What may stand behind the mark that ends a sentence.
const CLOSERS = /["'”’»«›‹)\]】」』）\s]+$/u;
const MARKS = /\p{P}+$/u;
// Greek asks with a semicolon.
const QUESTION = /[?？؟⁇⁈⁉;՞፧]/u;
const GREEK_QUESTION = /\p{Script=Greek}[^\n]*;$/u;
const EXCLAMATION = /[!！՜‼]/u;
const ELLIPSIS = /…|\.\.|。。|‥|・・|[-–—―〜~]$/u;
const UNFINISHED = /[,;:،؛、，；：፣·]$/u;
const STOP = /\p{Sentence_Terminal}/u;

// Scripts whose words are not told apart by spaces.
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー]$/u;

type Kind = "filler" | "open" | "leaning" | "closing";

/**
 * Makes an end-of-turn model that reads the transcript, and needs a recognizer that listens along.
 *
 * Without a transcript it says 0.5: it cannot tell. It works best with a recognizer that writes
 * punctuation, and cannot know that "I would like a coffee" will go on with "to go".
 *
 * @throws {@link InvalidOptionError} for an option that cannot work.
 */
export function createTranscriptEndOfTurn(
  options: TranscriptEndOfTurnOptions = {},
): EndOfTurnModel {
  const judge = new SentenceJudge(resolveWords(options));
  return {
    predict: ({ transcript }, { signal }) =>
      signal.aborted
        ? Promise.reject(signal.reason as Error)
        : Promise.resolve(judge.likelihood(transcript ?? "")),
  };
}

function resolveWords({
  languages = ["en"],
  words = {},
}: TranscriptEndOfTurnOptions): EndOfTurnWords[] {
  const isList: boolean = Array.isArray(languages);
  if (!isList || languages.some((tag: unknown) => typeof tag !== "string")) {
    throw new InvalidOptionError("languages", languages, 'Give tags such as ["en", "de-AT"].');
  }
  const codes = languages.map((tag) => tag.toLowerCase().split(/[-_]/u)[0] ?? "");
  return [...new Set([...codes, ...Object.keys(words)])].map((code) => {
    const known = codes.includes(code) ? END_OF_TURN_WORDS[code] : undefined;
    const added = words[code];
    const join = (list: keyof EndOfTurnWords): readonly string[] =>
      [...(known?.[list] ?? []), ...(added?.[list] ?? [])].map((word) => word.toLowerCase());
    return {
      fillers: join("fillers"),
      open: join("open"),
      leaning: join("leaning"),
      closing: join("closing"),
      questions: join("questions"),
      digits: join("digits"),
    };
  });
}

class SentenceJudge {
  readonly #kinds = new Map<string, Kind>();
  readonly #questions: ReadonlySet<string>;
  readonly #digits: ReadonlySet<string>;
  readonly #longestEnding: number;

  constructor(languages: readonly EndOfTurnWords[]) {
    const set = (words: readonly string[], kind: Kind): void => {
      for (const word of words) this.#kinds.set(word, kind);
    };
    // What waits longer is written over what does not.
    for (const { closing } of languages) set(closing, "closing");
    for (const { leaning } of languages) set(leaning, "leaning");
    for (const { open } of languages) set(open, "open");
    for (const { fillers } of languages) set(fillers, "filler");
    this.#questions = new Set(languages.flatMap(({ questions }) => questions));
    this.#digits = new Set(languages.flatMap(({ digits }) => digits));
    this.#longestEnding = Math.max(1, ...[...this.#kinds.keys()].map((word) => word.length));
  }

  likelihood(transcript: string): number {
    const text = transcript.trim().replace(CLOSERS, "");
    const marks = MARKS.exec(text)?.[0] ?? "";
    const said = text.slice(0, text.length - marks.length).trimEnd();
    if (said === "") return LIKELIHOOD.unknown;
    const words = said.toLowerCase().split(/\s+/u);
    const isQuestion = QUESTION.test(marks) || GREEK_QUESTION.test(text);
    const kind = this.#kindOf(words);
    if (kind === "filler") return LIKELIHOOD.filler;
    if (isQuestion) return LIKELIHOOD.questionMark;
    if (ELLIPSIS.test(marks) || UNFINISHED.test(marks)) return LIKELIHOOD.unfinishedPunctuation;
    if (EXCLAMATION.test(marks)) return LIKELIHOOD.exclamation;
    const digits = this.#dictatedDigits(words);
    if (digits > 0) {
      return digits < LONG_NUMBER_DIGITS ? LIKELIHOOD.halfNumber : LIKELIHOOD.longNumber;
    }
    return STOP.test(marks) ? withStop(kind) : this.#withoutStop(kind, words, said);
  }

  #withoutStop(kind: Kind | undefined, words: readonly string[], said: string): number {
    if (kind === "open") return LIKELIHOOD.open;
    const isSingle = words.length === 1 && !UNSPACED.test(said);
    if (kind === "leaning") return isSingle ? LIKELIHOOD.singleWord : LIKELIHOOD.leaning;
    if (kind === "closing") return LIKELIHOOD.closing;
    // "Hello. I would like": the first sentence shows that this recognizer writes full stops.
    const sentence = said.split(/\p{Sentence_Terminal}+\s+/u);
    if (sentence.length > 1) return LIKELIHOOD.noStop;
    const asks = this.#questions.has(words[0] ?? "") && words.length >= MIN_QUESTION_WORDS;
    return asks ? LIKELIHOOD.question : LIKELIHOOD.unknown;
  }

  #kindOf(words: readonly string[]): Kind | undefined {
    const last = words.at(-1) ?? "";
    if (!UNSPACED.test(last)) return this.#kinds.get(last.replaceAll("’", "'"));
    for (let length = Math.min(this.#longestEnding, last.length); length > 0; length--) {
      const kind = this.#kinds.get(last.slice(-length));
      if (kind) return kind;
    }
    return undefined;
  }

  /** How many digits the transcript ends in, if they sound like a number that is being dictated. */
  #dictatedDigits(words: readonly string[]): number {
    let digits = 0;
    let parts = 0;
    let first = "";
    for (const word of words.toReversed()) {
      const { count, rest } = this.#trailingDigits(word);
      if (count === 0) break;
      digits += count;
      parts += /\p{Nd}/u.test(word) ? 1 : count;
      first = word;
      if (rest !== "") break;
    }
    return parts >= 2 || /^[+0]\d/u.test(first) ? digits : 0;
  }

  #trailingDigits(word: string): { readonly count: number; readonly rest: string } {
    if (/^\+?\p{Nd}[\p{Nd}\-/().]*$/u.test(word)) {
      return { count: word.match(/\p{Nd}/gu)?.length ?? 0, rest: "" };
    }
    if (!UNSPACED.test(word)) {
      return this.#digits.has(word) ? { count: 1, rest: "" } : { count: 0, rest: word };
    }
    let rest = word;
    for (let count = 0; ; count++) {
      const end = [1, 2].map((length) => rest.slice(-length)).find((one) => this.#digits.has(one));
      if (!end) return { count, rest };
      rest = rest.slice(0, -end.length);
    }
  }
}

function withStop(kind: Kind | undefined): number {
  if (kind === "open") return LIKELIHOOD.openWithStop;
  return kind === "leaning" ? LIKELIHOOD.leaningWithStop : LIKELIHOOD.stop;
}
