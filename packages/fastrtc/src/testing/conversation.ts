/** What remains of a simulated conversation: everything to look at and to assert about. */

import type { ServerMessage, TurnTrace } from "@fastrtc/protocol";

import type { AudioFrame } from "../media/audio-frame.ts";
import { formatTimeline } from "./conversation-log.ts";
import type { ConversationEvent } from "./conversation-log.ts";
import type { HeardReply } from "./ear.ts";
import { Expectation } from "./expectation.ts";
import type { EventPattern } from "./expectation.ts";

/** Delays as the caller hears them, in milliseconds, in order. */
export interface ConversationLatencies {
  /** From the last sound of the caller's speech to the first sound of the reply; one a reply. */
  readonly replyMs: readonly number[];
  /** From the first sound of the caller's over a reply to the reply's silence; one a silence. */
  readonly bargeInMs: readonly number[];
}

/** What a {@link Conversation} is made of. */
export interface ConversationParts {
  readonly events: readonly ConversationEvent[];
  readonly heard: AudioFrame;
  readonly messages: readonly ServerMessage[];
  readonly outputs: readonly (readonly unknown[])[];
  readonly replies: readonly HeardReply[];
  readonly errors: readonly unknown[];
  readonly durationMs: number;
  readonly timersLeft: number;
}

/** A conversation that is over. */
export class Conversation {
  /** Everything that happened, in order of time. */
  readonly events: readonly ConversationEvent[];
  /** All that the caller heard, from the start of the call, silences included. */
  readonly heard: AudioFrame;
  /** Every message of the server's. */
  readonly messages: readonly ServerMessage[];
  /** The arguments of each `AdditionalOutputs`. */
  readonly outputs: readonly (readonly unknown[])[];
  /** The replies that were heard. */
  readonly replies: readonly HeardReply[];
  /**
   * When what happened in each turn, as the server tells its client; milliseconds since the epoch, which
   * in a simulation begins at 2025-01-01.
   */
  readonly turns: readonly TurnTrace[];
  /** What the handler threw, as it was logged. */
  readonly errors: readonly unknown[];
  /** Its length in virtual milliseconds. */
  readonly durationMs: number;
  /** Timers that still waited after the end: of handlers that do not clean up. */
  readonly timersLeft: number;

  constructor(parts: ConversationParts) {
    this.events = parts.events;
    this.heard = parts.heard;
    this.messages = parts.messages;
    this.outputs = parts.outputs;
    this.replies = parts.replies;
    this.turns = lastTraces(parts.messages);
    this.errors = parts.errors;
    this.durationMs = parts.durationMs;
    this.timersLeft = parts.timersLeft;
  }

  /** The events as text: a line each, `ms | who | what`. */
  get timeline(): string {
    return formatTimeline(this.events);
  }

  /** Delays as the caller heard them. */
  get latencies(): ConversationLatencies {
    return {
      replyMs: this.delaysMs("speech-ended", "reply-started"),
      bargeInMs: this.#bargeInMs(),
    };
  }

  /**
   * Begins an assertion: `expect("reply-started").within(700, "ms").after("speech-ended")`.
   *
   * @param pattern - The name of an event, or a test of it.
   */
  expect(pattern: EventPattern): Expectation {
    return new Expectation(this.events, pattern);
  }

  /**
   * Returns how long after the last event of one name each event of another came, in milliseconds;
   * those with none before them are left out.
   */
  delaysMs(from: string, to: string): number[] {
    const delays: number[] = [];
    let since: number | undefined;
    for (const { what, at } of this.events) {
      if (what === to && since !== undefined) delays.push(at - since);
      if (what === from) since = at;
    }
    return delays;
  }

  #bargeInMs(): number[] {
    const delays: number[] = [];
    let onsetMs: number | undefined;
    let isReplying = false;
    for (const { what, at } of this.events) {
      if (what === "reply-started" || what === "reply-resumed") {
        isReplying = true;
        onsetMs = undefined;
      } else if (what === "speech-started" || what === "cough-started") {
        if (isReplying) onsetMs ??= at;
      } else if (what === "reply-silent") {
        isReplying = false;
        if (onsetMs !== undefined) delays.push(at - onsetMs);
      }
    }
    return delays;
  }
}

// More becomes known of a turn as it goes on.
function lastTraces(messages: readonly ServerMessage[]): TurnTrace[] {
  const traces = new Map<number, TurnTrace>();
  for (const message of messages) {
    if (message.type === "turn") traces.set(message.data.index, message.data);
  }
  return [...traces.values()];
}
