/** What of a reply the user has really heard: in milliseconds, and in words where its audio has them. */

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
}

const words = new Intl.Segmenter(undefined, { granularity: "word" });

/** Follows the audio of one reply from the generator to the user's ear. */
export class HeardAudio {
  readonly #segments: Segment[] = [];
  #sentMs = 0;

  /**
   * Takes note of a frame that the generator yielded.
   *
   * @param text - The words spoken from this frame on; undefined goes on with those before.
   * @returns what to call as the frame is sent, with the length of each part.
   */
  add(durationMs: number, text: string | undefined): (sentMs: number) => void {
    let segment = this.#segments.at(-1);
    if (!segment || text !== undefined) {
      segment = { text: text ?? "", durationMs: 0, sentMs: 0 };
      this.#segments.push(segment);
    }
    const current = segment;
    current.durationMs += durationMs;
    return (sentMs) => {
      current.sentMs += sentMs;
      this.#sentMs += sentMs;
    };
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
    const ms = Math.max(0, this.#sentMs - delayMs);
    let left = ms;
    let text = "";
    for (const segment of this.#segments) {
      if (left <= 0) break;
      const heardMs = Math.min(left, segment.sentMs);
      text += heardPart(segment.text, Math.min(1, heardMs / segment.durationMs));
      left -= segment.sentMs;
    }
    return { ms, text: text.trim() };
  }
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
