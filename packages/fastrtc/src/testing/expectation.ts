/** Assertions about the events of a conversation; a failure shows the timeline. */

import { ConversationError } from "./conversation-error.ts";
import type { ConversationEvent } from "./conversation-log.ts";

/** What an assertion is about: the name of an event, or a test of it. */
export type EventPattern = string | ((event: ConversationEvent) => boolean);

/** Names what a limit of time is measured against. */
export interface WithinLimit {
  /**
   * Each such event must come after another one, at most as late as given; measured from the last one
   * before it.
   */
  after(pattern: EventPattern): void;
  /**
   * Each such event must be followed by another one, at most as late as given; measured to the first
   * one after it.
   */
  before(pattern: EventPattern): void;
}

/** What is expected of some events. Each method throws a {@link ConversationError} if it is not so. */
export class Expectation {
  readonly #events: readonly ConversationEvent[];
  readonly #pattern: EventPattern;

  constructor(events: readonly ConversationEvent[], pattern: EventPattern) {
    this.#events = events;
    this.#pattern = pattern;
  }

  /** It happened exactly so often. */
  times(count: number): void {
    const found = this.#find(this.#pattern);
    if (found.length === count) return;
    this.#fail(`${this.#name} happened ${found.length} times, not ${count} times`, found);
  }

  /** It happened exactly once. */
  once(): void {
    this.times(1);
  }

  /** It did not happen. */
  never(): void {
    this.times(0);
  }

  /** It happened at least once. */
  happened(): void {
    this.#require();
  }

  /** Its first time was before the other's first time, or the other never happened. */
  before(pattern: EventPattern): void {
    const first = this.#require();
    const other = this.#find(pattern)[0];
    if (!other || this.#events.indexOf(first) < this.#events.indexOf(other)) return;
    this.#fail(`${this.#name} did not happen before ${nameOf(pattern)}`, [first, other]);
  }

  /** Its first time was after the other's first time, and both happened. */
  after(pattern: EventPattern): void {
    const first = this.#require();
    const other = this.#find(pattern)[0];
    if (other && this.#events.indexOf(other) < this.#events.indexOf(first)) return;
    this.#fail(
      `${this.#name} did not happen after ${nameOf(pattern)}`,
      other ? [first, other] : [first],
    );
  }

  /**
   * It happened at least once, and each time within a limit: `within(700, "ms").after("speech-ended")`.
   *
   * @param limit - The longest time allowed.
   * @param unit - Of the limit.
   */
  within(limit: number, unit: "ms" | "s" = "ms"): WithinLimit {
    const limitMs = unit === "s" ? limit * 1000 : limit;
    return {
      after: (pattern) => this.#measure(pattern, limitMs, "after"),
      before: (pattern) => this.#measure(pattern, limitMs, "before"),
    };
  }

  #measure(pattern: EventPattern, limitMs: number, side: "after" | "before"): void {
    this.#require();
    const others = this.#find(pattern);
    for (const event of this.#find(this.#pattern)) {
      const other =
        side === "after"
          ? others.findLast(({ at }) => at <= event.at)
          : others.find(({ at }) => at >= event.at);
      if (!other) this.#fail(`${this.#name} did not happen ${side} ${nameOf(pattern)}`, [event]);
      const delayMs = Math.abs(event.at - other.at);
      if (delayMs <= limitMs) continue;
      this.#fail(
        `${this.#name} happened ${Math.round(delayMs)} ms ${side} ${nameOf(pattern)}, not within ${limitMs} ms`,
        [event, other],
      );
    }
  }

  #require(): ConversationEvent {
    return this.#find(this.#pattern)[0] ?? this.#fail(`${this.#name} never happened`);
  }

  #find(pattern: EventPattern): ConversationEvent[] {
    return this.#events.filter((event) =>
      typeof pattern === "string" ? event.what === pattern : pattern(event),
    );
  }

  #fail(message: string, marked: readonly ConversationEvent[] = []): never {
    throw new ConversationError(`${message}.`, this.#events, marked);
  }

  get #name(): string {
    return nameOf(this.#pattern);
  }
}

function nameOf(pattern: EventPattern): string {
  return typeof pattern === "string" ? pattern : "The event";
}
