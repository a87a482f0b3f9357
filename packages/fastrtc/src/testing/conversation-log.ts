/** What happened in a conversation, in order, and how people read it. */

import { inspect } from "node:util";

/** Something that happened in a conversation. */
export interface ConversationEvent {
  /** Virtual milliseconds since the call was connected. */
  readonly at: number;
  /**
   * - `caller`: what the caller did.
   * - `reply`: what of the server's audio reached the caller's ear.
   * - `server`: what the server said in messages, and what a plugged-in source reported.
   */
  readonly who: "caller" | "reply" | "server";
  /** Its name. */
  readonly what: string;
  /** What was said, sent or reported. */
  readonly detail?: unknown;
}

/** Longest detail that a timeline shows. */
const MAX_DETAIL_LENGTH = 80;

/** Collects events; those of the past find their place. */
export class ConversationLog {
  readonly #events: ConversationEvent[] = [];

  /** All events, in order of time. */
  get events(): readonly ConversationEvent[] {
    return this.#events;
  }

  /** Adds an event. */
  add(event: ConversationEvent): void {
    const later = this.#events.findLastIndex(({ at }) => at <= event.at) + 1;
    this.#events.splice(later, 0, event);
  }
}

/**
 * Writes events as lines of `ms | who | what`.
 *
 * @param marked - Events that get a `>` in front.
 */
export function formatTimeline(
  events: readonly ConversationEvent[],
  marked: readonly ConversationEvent[] = [],
): string {
  const lines = events.map((event) => {
    const mark = marked.includes(event) ? ">" : " ";
    const at = String(Math.round(event.at)).padStart(6);
    return `${mark}${at} | ${event.who.padEnd(6)} | ${event.what}${formatDetail(event.detail)}`;
  });
  return ["     ms | who    | what", ...lines].join("\n");
}

function formatDetail(detail: unknown): string {
  if (detail === undefined) return "";
  const text = inspect(detail, { breakLength: Infinity, depth: 2 });
  return ` ${text.length > MAX_DETAIL_LENGTH ? `${text.slice(0, MAX_DETAIL_LENGTH)}…` : text}`;
}
