import { formatTimeline } from "./conversation-log.ts";
import type { ConversationEvent } from "./conversation-log.ts";

/** A conversation that did not go as it was expected to; its message shows the timeline. */
export class ConversationError extends Error {
  override readonly name = "ConversationError";
  /** What had happened. */
  readonly events: readonly ConversationEvent[];

  /**
   * @param message - What was expected, and what was the case.
   * @param events - What had happened.
   * @param marked - The events that the message is about.
   */
  constructor(
    message: string,
    events: readonly ConversationEvent[],
    marked: readonly ConversationEvent[] = [],
  ) {
    super(`${message}\n\n${formatTimeline(events, marked)}\n`);
    this.events = events;
  }
}
