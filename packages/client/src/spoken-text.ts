import type { ReplyProgress, UserTranscript } from "@fastrtc/protocol";

/** What was said in one turn: by the user, or in reply. */
export interface SpokenText {
  /** Which turn; 0 is the reply that begins the session. */
  readonly index: number;
  readonly by: "user" | "reply";
  readonly text: string;
  /** Whether it is all: the turn is over, or the reply has been said or stopped. */
  readonly isFinal: boolean;
  /** Whether the user stopped the reply; `text` is then what was heard of it. */
  readonly isInterrupted: boolean;
}

/**
 * Puts what the event `transcript` tells into a list of what was said; a newer text of the same turn
 * replaces the older one.
 *
 * @returns a new list.
 */
export function addTranscript(
  texts: readonly SpokenText[],
  { index, text, isFinal }: UserTranscript,
): readonly SpokenText[] {
  return put(texts, { index, by: "user", text, isFinal, isInterrupted: false });
}

/**
 * Puts what the event `reply` tells into a list of what was said.
 *
 * @returns a new list; the same one when there is nothing to say.
 */
export function addReplyText(
  texts: readonly SpokenText[],
  progress: ReplyProgress,
): readonly SpokenText[] {
  const { index } = progress;
  const before = texts.find((entry) => entry.by === "reply" && entry.index === index);
  const entry = before ?? { index, by: "reply", text: "", isFinal: false, isInterrupted: false };
  switch (progress.phase) {
    case "started":
      return texts;
    case "text":
      return put(texts, { ...entry, text: entry.text + progress.text });
    case "finished":
      return before === undefined ? texts : put(texts, { ...entry, isFinal: true });
    case "interrupted": {
      // Without a text of its own nothing is known of it, and nothing is worth a line.
      if (before === undefined) return texts;
      const { heardText } = progress;
      return put(texts, { ...entry, text: heardText, isFinal: true, isInterrupted: true });
    }
  }
}

function put(texts: readonly SpokenText[], entry: SpokenText): readonly SpokenText[] {
  const at = texts.findIndex(({ by, index }) => by === entry.by && index === entry.index);
  return at === -1 ? [...texts, entry] : texts.with(at, entry);
}
