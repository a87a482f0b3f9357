/**
 * The caller's ear: hears the server's audio as it arrives, and tells replies and their pauses apart.
 */

import type { ServerMessage } from "@fastrtc/protocol";

import { AudioFrame } from "../media/audio-frame.ts";
import type { Clock } from "../media/clock.ts";
import type { EncodedChunk } from "../media/encoded-chunk.ts";
import type { ConversationLog } from "./conversation-log.ts";

/** -50 dB: what is softer is silence. */
const AUDIBLE_LEVEL = 104;
/** Shorter silences are part of speech. */
const MIN_SILENCE_MS = 200;
/** A handler that does not say when its reply is over has finished after this much silence. */
const MAX_PAUSE_MS = 2000;
/** How long after its last sound the server may still tell of the end of a reply. */
const TRACE_LEAD_MS = 60;

/** One reply as it was heard. */
export interface HeardReply {
  /** When its first sound was heard, in virtual milliseconds. */
  readonly startMs: number;
  /** When its last sound was over, as far as it has been heard. */
  readonly endMs: number;
  /** Whether the server stopped it before its end. */
  readonly isInterrupted: boolean;
  /** Whether it is over. */
  readonly isOver: boolean;
}

interface RunningReply {
  startMs: number;
  endMs: number;
  isInterrupted: boolean;
  isOver: boolean;
}

/** Listens to one call. */
export class Ear {
  readonly #log: ConversationLog;
  readonly #sampleRate: number;
  readonly #clock: Clock;
  readonly #onAudible: () => void;
  readonly #replies: RunningReply[] = [];
  readonly #pieces: { readonly at: number; readonly samples: Int16Array }[] = [];
  #isSilent = true;
  /** A reply's first frame is on its way: what is heard next is a new reply. */
  #isNew = true;
  #tracedAt = -Infinity;
  #wasInterrupted = false;

  /**
   * @param sampleRate - Of the audio that is heard, in Hz.
   * @param onAudible - Called at each reply's first sound.
   */
  constructor(log: ConversationLog, sampleRate: number, clock: Clock, onAudible: () => void) {
    this.#log = log;
    this.#sampleRate = sampleRate;
    this.#clock = clock;
    this.#onAudible = onAudible;
  }

  /** All replies so far. */
  get replies(): readonly HeardReply[] {
    return this.#replies;
  }

  /** Whether there is sound now, or was less than 200 ms ago. */
  get isAudible(): boolean {
    return !this.#isSilent;
  }

  /** Everything that was heard, with the silence between, from the start of the call. */
  get heard(): AudioFrame {
    const end = this.#pieces.reduce(
      (most, { at, samples }) => Math.max(most, at + samples.length),
      0,
    );
    const heard = new Int16Array(end);
    for (const { at, samples } of this.#pieces) heard.set(samples, at);
    return new AudioFrame({ samples: heard, sampleRate: this.#sampleRate });
  }

  /** Takes a chunk, which is heard from now on. */
  hear({ data }: EncodedChunk): void {
    if (!data) return;
    const samples = AudioFrame.fromBytes(data, this.#sampleRate).samples;
    const at = Math.round((this.#clock.now() * this.#sampleRate) / 1000);
    this.#pieces.push({ at, samples });
    const isLoud = (sample: number): boolean => Math.abs(sample) > AUDIBLE_LEVEL;
    const first = samples.findIndex(isLoud);
    if (first < 0) return;
    const toMs = (index: number): number => this.#clock.now() + (1000 * index) / this.#sampleRate;
    this.#onSound(toMs(first), toMs(samples.findLastIndex(isLoud) + 1));
  }

  /** Takes note of what the server says about its replies. */
  read(message: ServerMessage): void {
    if (message.type === "log" && message.data === "response_starting") {
      this.#end();
      this.#isNew = true;
    } else if (message.type === "turn") {
      this.#tracedAt = this.#clock.now();
      this.#wasInterrupted = message.data.interruptedAt !== undefined;
    }
  }

  /** Looks whether it has become silent; called every 20 ms. */
  check(): void {
    const reply = this.#replies.at(-1);
    if (!reply || reply.isOver) return;
    const silentMs = this.#clock.now() - reply.endMs;
    if (!this.#isSilent && silentMs >= MIN_SILENCE_MS) {
      this.#isSilent = true;
      this.#note("reply-silent", reply.endMs);
    }
    if (!this.#isSilent) return;
    if (this.#tracedAt >= reply.endMs - TRACE_LEAD_MS || silentMs >= MAX_PAUSE_MS) this.#end();
  }

  /** Hears nothing more. */
  close(): void {
    this.#end();
  }

  #onSound(startMs: number, endMs: number): void {
    let reply = this.#replies.at(-1);
    if (!reply || reply.isOver || this.#isNew) {
      this.#end();
      reply = { startMs, endMs, isInterrupted: false, isOver: false };
      this.#replies.push(reply);
      this.#isNew = false;
      this.#note("reply-started", startMs);
      this.#onAudible();
    } else if (this.#isSilent) {
      this.#note("reply-resumed", startMs);
    }
    this.#isSilent = false;
    reply.endMs = endMs;
  }

  #end(): void {
    const reply = this.#replies.at(-1);
    if (!reply || reply.isOver) return;
    reply.isOver = true;
    if (!this.#isSilent) this.#note("reply-silent", reply.endMs);
    this.#isSilent = true;
    reply.isInterrupted = this.#wasInterrupted && this.#tracedAt >= reply.startMs;
    this.#note(reply.isInterrupted ? "reply-interrupted" : "reply-ended", reply.endMs);
  }

  #note(what: string, at: number): void {
    this.#log.add({ at, who: "reply", what });
  }
}
