/**
 * The caller of a simulated conversation, as its script sees it: each method does something, and its
 * promise resolves when that has been done, in virtual time.
 */

import type { Clock } from "../media/clock.ts";
import { ConversationError } from "./conversation-error.ts";
import type { ConversationEvent, ConversationLog } from "./conversation-log.ts";
import type { Ear, HeardReply } from "./ear.ts";
import type { Microphone } from "./microphone.ts";
import { cough, toSaying } from "./synthetic-voice.ts";
import type { Saying, Utterable } from "./synthetic-voice.ts";
import type { VirtualTime } from "./virtual-time.ts";

const COUGH_MS = 300;
const POLL_MS = 20;

/** What a {@link Caller} works with. */
export interface CallerParts {
  readonly time: VirtualTime;
  readonly log: ConversationLog;
  readonly ear: Ear;
  readonly microphone: Microphone;
  readonly sampleRate: number;
  /** How long the caller waits for anything before the simulation fails. */
  readonly patienceMs: number;
  readonly isConnected: () => boolean;
  readonly sendText: (text: string) => void;
  readonly setInputs: (value: unknown) => void;
  readonly hangUp: () => void;
}

/** Talks to the handler under test. */
export class Caller {
  readonly #parts: CallerParts;
  #repliesAwaited = 0;

  constructor(parts: CallerParts) {
    this.#parts = parts;
  }

  /** Virtual time: for handlers and models that take a clock. */
  get clock(): Clock {
    return this.#parts.time.clock;
  }

  /** Milliseconds since the call was connected. */
  get now(): number {
    return this.clock.now();
  }

  /** Everything that has happened so far. */
  get events(): readonly ConversationEvent[] {
    return this.#parts.log.events;
  }

  /** Whether the session is still there. */
  get isConnected(): boolean {
    return this.#parts.isConnected();
  }

  /**
   * Says something; resolves when it has been said.
   *
   * A text becomes a voice-like sound as long as people need for it (65 ms a character, at least
   * 300 ms), without words that a recogniser could find. For those give a recording.
   */
  async says(what: Utterable): Promise<void> {
    await this.#say(toSaying(what, this.#parts.sampleRate), "speech");
  }

  /** Says nothing for a while. */
  async pauses(durationMs: number): Promise<void> {
    await this.#wait(durationMs);
  }

  /**
   * Coughs: a sound that is taken for speech, and too short to be a turn over a reply.
   *
   * @param durationMs - Its length; 300 by default, of which about 250 count as speech.
   */
  async coughs(durationMs: number = COUGH_MS): Promise<void> {
    await this.#say(cough(durationMs, this.#parts.sampleRate), "cough");
  }

  /**
   * Waits until a reply has begun that was not awaited before. Resolves at once where one is being
   * heard already.
   *
   * @returns the reply.
   * @throws {@link ConversationError} when none comes.
   */
  async hearsReplyBegin(): Promise<HeardReply> {
    const { ear } = this.#parts;
    const reply = (): HeardReply | undefined => ear.replies[this.#repliesAwaited];
    await this.#poll("a reply", () => reply() !== undefined);
    const heard = reply();
    if (!heard) throw new ConversationError("The reply is gone.", this.events);
    return heard;
  }

  /**
   * Waits until a reply has begun, and has ended.
   *
   * @returns the reply.
   * @throws {@link ConversationError} when none comes, or it does not end.
   */
  async hearsReply(): Promise<HeardReply> {
    const reply = await this.hearsReplyBegin();
    await this.#poll("the end of the reply", () => reply.isOver);
    this.#repliesAwaited = this.#parts.ear.replies.indexOf(reply) + 1;
    return reply;
  }

  /**
   * Waits for a reply to begin, listens for a while, and speaks over it.
   *
   * @param delayMs - From the reply's first sound to the caller's.
   * @param what - What to say.
   * @throws {@link ConversationError} when no reply comes.
   */
  async bargesInAfter(delayMs: number, what: Utterable): Promise<void> {
    const reply = await this.hearsReplyBegin();
    this.#repliesAwaited = this.#parts.ear.replies.indexOf(reply) + 1;
    await this.#wait(Math.max(0, reply.startMs + delayMs - this.now));
    await this.says(what);
  }

  /** Sends a text message. */
  sendsText(text: string): Promise<void> {
    this.#note("text-sent", text);
    this.#parts.time.runSession(() => this.#parts.sendText(text));
    return this.#wait(0);
  }

  /** Sets the inputs of the session, as the page does. */
  setsInputs(value: unknown): Promise<void> {
    this.#note("inputs-set", value);
    this.#parts.time.runSession(() => this.#parts.setInputs(value));
    return this.#wait(0);
  }

  /**
   * Waits for something to become true, looking every 20 ms.
   *
   * @param name - What is waited for, for the error.
   * @throws {@link ConversationError} when it does not.
   */
  async waitsFor(name: string, condition: () => boolean): Promise<void> {
    await this.#poll(name, condition);
  }

  /** Ends the call. The end of the script does so too. */
  hangsUp(): Promise<void> {
    if (this.isConnected) {
      this.#note("hung-up");
      this.#parts.time.runSession(() => this.#parts.hangUp());
    }
    return this.#wait(0);
  }

  async #say(saying: Saying, kind: "speech" | "cough"): Promise<void> {
    const { audio, label, onsetMs, endMs } = saying;
    this.#parts.microphone.play(audio.samples);
    await this.#wait(onsetMs);
    this.#note(`${kind}-started`, kind === "speech" ? label : undefined);
    await this.#wait(endMs - onsetMs);
    this.#note(`${kind}-ended`);
    await this.#wait(audio.durationMs - endMs);
  }

  async #poll(name: string, condition: () => boolean): Promise<void> {
    const until = this.now + this.#parts.patienceMs;
    while (!condition()) {
      if (!this.isConnected) {
        throw new ConversationError(`The session ended before ${name} came.`, this.events);
      }
      if (this.now >= until) {
        throw new ConversationError(
          `Waited ${this.#parts.patienceMs} ms for ${name} in vain.`,
          this.events,
        );
      }
      await this.#wait(POLL_MS);
    }
  }

  #wait(durationMs: number): Promise<void> {
    const { time } = this.#parts;
    return time.wait(
      new Promise((resolve) => {
        time.clock.setTimeout(resolve, durationMs);
      }),
    );
  }

  #note(what: string, detail?: unknown): void {
    this.#parts.log.add({
      at: this.now,
      who: "caller",
      what,
      ...(detail === undefined ? {} : { detail }),
    });
  }
}
