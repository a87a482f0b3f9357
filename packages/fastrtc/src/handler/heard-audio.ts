/** What of a reply the user has really heard: in milliseconds, and in words where its audio has them. */

import { systemClock } from "../media/clock.ts";
import type { Clock } from "../media/clock.ts";

/** How much of a reply was heard. */
export interface Heard {
  /** Milliseconds of its audio. */
  readonly ms: number;
  /** The words of its audio, as far as frames carried them (`AudioFrame.text`), rounded down. */
  readonly text: string;
}

interface Segment {
  readonly text: string;
  durationMs: number;
  sentMs: number;
  /** Whether all of its audio is here: only then its words can be shared out. */
  isWhole: boolean;
}

/** What a slow speaker takes for a letter, in milliseconds; people and voices take some 65. */
const SLOW_LETTER_MS = 100;
/** And for a character that is a syllable, or a digit that is a word. */
const SLOW_SYLLABLE_MS = 300;
const SYLLABLES =
  /[\p{Number}\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}]/gu;
/** So long a pause after the last of a segment's audio is its end, in milliseconds. */
const END_PAUSE_MS = 500;

const words = new Intl.Segmenter(undefined, { granularity: "word" });

/** Follows the audio of one reply from the generator to the user's ear. */
export class HeardAudio {
  readonly #segments: Segment[] = [];
  readonly #clock: Clock;
  #sentMs = 0;
  #lastSentAt = 0;

  /** @param clock - Where pauses are measured. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /**
   * Takes note of a frame that the generator yielded.
   *
   * @param text - The words spoken from this frame on; undefined goes on with those before.
   * @returns what to call as the frame is sent, with the length of each part.
   */
  add(durationMs: number, text: string | undefined): (sentMs: number) => void {
    let segment = this.#segments.at(-1);
    if (!segment || text !== undefined) {
      this.end();
      segment = { text: text ?? "", durationMs: 0, sentMs: 0, isWhole: false };
      this.#segments.push(segment);
    }
    const current = segment;
    current.durationMs += durationMs;
    return (sentMs) => {
      current.sentMs += sentMs;
      this.#sentMs += sentMs;
      this.#lastSentAt = this.#clock.now();
    };
  }

  /** Says that no more audio will come of the words that were added last. */
  end(): void {
    const last = this.#segments.at(-1);
    if (last) last.isWhole = true;
  }

  /** Whether any of it has been sent. */
  get isAudible(): boolean {
    return this.#sentMs > 0;
  }

  /**
   * Tells what was heard by now.
   *
   * @param delayMs - How long audio takes from here to the ear: what was sent within that time has not
   * been heard yet.
   */
  heard(delayMs: number): Heard {
    const pauseMs = this.#clock.now() - this.#lastSentAt;
    const ms = pauseMs > delayMs ? this.#sentMs : Math.max(0, this.#sentMs - delayMs);
    let left = ms;
    let text = "";
    for (const segment of this.#segments) {
      if (left <= 0) break;
      const heardMs = Math.min(left, segment.sentMs);
      text += heardPart(segment.text, Math.min(1, heardMs / lengthOf(segment, pauseMs - delayMs)));
      left -= segment.sentMs;
    }
    return { ms, text: text.trim() };
  }
}

// Audio that is still being made is longer than what is here: it is taken to be a slow speaker's, so
// that rather a word too few is told than one that was not heard.
function lengthOf({ text, durationMs, sentMs, isWhole }: Segment, silentMs: number): number {
  const hasEnded = isWhole || (sentMs >= durationMs - 1 && silentMs > END_PAUSE_MS);
  return hasEnded ? durationMs : Math.max(durationMs, slowLengthMs(text));
}

function slowLengthMs(text: string): number {
  const syllables = text.match(SYLLABLES)?.length ?? 0;
  return syllables * SLOW_SYLLABLE_MS + (text.length - syllables) * SLOW_LETTER_MS;
}

// Without word times, a sentence's audio is shared out among its characters.
function heardPart(text: string, share: number): string {
  if (share >= 0.999) return text;
  const end = share * text.length;
  let length = 0;
  for (const { index, segment, isWordLike } of words.segment(text)) {
    if (index + segment.length > end) break;
    if (isWordLike === true) length = index + segment.length;
  }
  return text.slice(0, length);
}
