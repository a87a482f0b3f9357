import type { ReplyProgress } from "@fastrtc/protocol";

import type { Clock, Timer } from "../../media/clock.ts";
import type { ConversationItems } from "./conversation-items.ts";
import type { EventWriter } from "./event-writer.ts";
import type { RealtimeMessage } from "./realtime-item.ts";
import { RealtimeRefusal } from "./realtime-refusal.ts";
import { ResponseWriter } from "./response-writer.ts";
import type { ResponseEnd } from "./response-writer.ts";
import type { RealtimeSettings } from "./session-settings.ts";
import { ToolCalls } from "./tool-calls.ts";

/** Silence after which what nobody announced is taken to be over, in milliseconds. */
const UNANNOUNCED_END_MS = 500;
/** Of how many messages it is known how long they sounded. */
const MAX_SPOKEN = 100;

/** What {@link RealtimeResponses} work with. */
export interface RealtimeResponsesOptions {
  readonly writer: EventWriter;
  readonly items: ConversationItems;
  readonly hasAudioEvents: boolean;
  readonly clock: Clock;
  readonly settings: () => RealtimeSettings;
}

/** A tool that a handler wants to be run. */
export interface ToolRequest {
  readonly name: string;
  /** JSON. */
  readonly arguments: string;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** Which reply waits; undefined where none does. */
  readonly replyIndex: number | undefined;
}

/** One session's responses, of which one at most is active, and how the handler's replies become them. */
export class RealtimeResponses {
  readonly #options: RealtimeResponsesOptions;
  readonly #tools = new ToolCalls();
  readonly #spoken = new Map<string, { readonly text: string; readonly ms: number }>();
  // Replies that wait for tools, or go on after one.
  readonly #callers = new Set<number>();
  // How many requests for a response merely follow from a tool's output.
  #owedRequests = 0;
  // The response that began after a tool's output: the client takes it for the answer to its request.
  #continuation: ResponseWriter | undefined;
  #active: ResponseWriter | undefined;
  #sentMs = 0;
  #unannounced: Timer | undefined;
  #isAnnounced = false;
  #interruption: { readonly heardText: string } | undefined;

  constructor(options: RealtimeResponsesOptions) {
    this.#options = options;
  }

  /** The response that has begun and not ended. */
  get active(): ResponseWriter | undefined {
    return this.#active;
  }

  /**
   * Begins one.
   *
   * @param settings - What holds for it.
   */
  begin(settings: RealtimeSettings = this.#options.settings(), metadata?: unknown): ResponseWriter {
    const { writer, items, hasAudioEvents } = this.#options;
    this.#sentMs = 0;
    const response = new ResponseWriter({ writer, items, settings, hasAudioEvents, metadata });
    this.#active = response;
    if (this.#owedRequests > 0) this.#continuation = response;
    return response;
  }

  /** Begins one unless one is active: the user has finished, and will be answered. */
  expect(): void {
    if (!this.#active) this.begin();
  }

  /**
   * Answers a request for a response that only says that a tool has run: the reply that called it
   * goes on by itself.
   *
   * @returns whether it was one.
   */
  continueAfterTool(settings: RealtimeSettings, metadata: unknown): boolean {
    if (this.#owedRequests === 0) return false;
    if (this.#active) {
      if (this.#active !== this.#continuation) return false;
      this.#owedRequests--;
      return true;
    }
    this.#owedRequests--;
    this.begin(settings, metadata);
    if (this.#callers.size === 0) this.end({ status: "completed" });
    return true;
  }

  /** Says that whatever is asked for next is asked for by the user. */
  forgetOwed(): void {
    this.#owedRequests = 0;
  }

  /**
   * Takes 20 ms of sound on its way to the client.
   *
   * @param pcm - The same before it was encoded: tells silence.
   */
  addAudio(data: Uint8Array, durationMs: number, pcm: Uint8Array): void {
    const { writer, hasAudioEvents } = this.#options;
    if (!this.#active) {
      // Silence follows each reply, so that decoders fade.
      if (!pcm.some((byte) => byte !== 0) && hasAudioEvents) return;
      if (!hasAudioEvents && !this.#isAnnounced) return;
      this.begin();
    }
    const response = this.#active;
    if (!response) return;
    const isFirst = this.#sentMs === 0;
    this.#sentMs += durationMs;
    response.addAudio(data);
    if (isFirst && !hasAudioEvents) {
      writer.send("output_audio_buffer.started", { response_id: response.id });
    }
    if (!this.#isAnnounced) this.#watchUnannounced();
  }

  /** Takes what becomes of a reply. */
  follow(progress: ReplyProgress): void {
    switch (progress.phase) {
      case "started":
        this.#isAnnounced = true;
        this.#unannounced?.cancel();
        this.expect();
        break;
      case "text":
        this.expect();
        this.#active?.addText(progress.text);
        break;
      case "finished":
        this.#isAnnounced = false;
        this.#callers.delete(progress.index);
        this.end({ status: "completed" });
        break;
      case "interrupted":
        this.#isAnnounced = false;
        this.#callers.delete(progress.index);
        this.#interruption = { heardText: progress.heardText };
        // Speech that interrupts is told first; it is known within this very step.
        queueMicrotask(() => this.settle());
        break;
    }
  }

  /** Ends the response of a reply that was interrupted, if there is one. */
  settle(reason: "turn_detected" | "client_cancelled" = "turn_detected"): void {
    const interruption = this.#interruption;
    this.#interruption = undefined;
    if (interruption) this.end({ status: "cancelled", reason }, interruption.heardText);
  }

  /** Ends the active response, if there is one. */
  end(end: ResponseEnd, heardText?: string): void {
    const response = this.#active;
    if (!response) return;
    const { writer, hasAudioEvents } = this.#options;
    this.#active = undefined;
    this.#unannounced?.cancel();
    response.end(end, heardText);
    const { message } = response;
    if (message) this.#remember(message);
    if (hasAudioEvents || this.#sentMs === 0) return;
    const isWhole = end.status === "completed";
    const type = isWhole ? "output_audio_buffer.stopped" : "output_audio_buffer.cleared";
    writer.send(type, { response_id: response.id });
    if (isWhole || !message) return;
    writer.send("conversation.item.truncated", {
      item_id: message.id,
      content_index: 0,
      audio_end_ms: Math.round(this.#sentMs),
    });
  }

  /**
   * Cuts a message where the client stopped playing it.
   *
   * @throws {@link RealtimeRefusal} when it is no message of ours.
   */
  truncate(itemId: string, audioEndMs: number): void {
    const { writer, items } = this.#options;
    const item = items.require(itemId);
    if (item.type !== "message" || item.role !== "assistant") {
      throw new RealtimeRefusal("invalid_value", "Only replies can be cut.", "item_id");
    }
    const isActive = this.#active?.message?.id === itemId;
    const spoken = this.#spoken.get(itemId);
    const totalMs = (isActive ? this.#sentMs : spoken?.ms) ?? 0;
    const endMs = Math.max(0, Math.min(Math.floor(audioEndMs), Math.round(totalMs)));
    if (spoken) {
      const transcript = cutText(spoken.text, totalMs > 0 ? endMs / totalMs : 0);
      items.replace({
        ...item,
        status: "incomplete",
        content: [{ type: "output_audio", transcript }],
      });
    }
    writer.send("conversation.item.truncated", {
      item_id: itemId,
      content_index: 0,
      audio_end_ms: endMs,
    });
  }

  /**
   * Has the client run a tool.
   *
   * @returns what the tool gave.
   */
  callTool(request: ToolRequest): Promise<string> {
    const { callId, output } = this.#tools.begin(request.signal);
    if (request.replyIndex !== undefined) this.#callers.add(request.replyIndex);
    const response = this.#active ?? this.begin();
    response.addFunctionCall(callId, request.name, request.arguments);
    // A client runs its tools at once, but asks for more only after the response that wanted them.
    // One that is being spoken goes on; tools that are called together share one.
    queueMicrotask(() => {
      if (this.#active === response && !response.message) this.end({ status: "completed" });
    });
    return output;
  }

  /** Takes what a tool gave. */
  toolFinished(callId: string, output: string): void {
    if (!this.#tools.finish(callId, output)) return;
    this.#owedRequests++;
    this.#continuation = undefined;
  }

  /** Ends all waits and timers. */
  close(): void {
    this.#unannounced?.cancel();
    this.#tools.close();
    this.#active = undefined;
  }

  #watchUnannounced(): void {
    this.#unannounced?.cancel();
    this.#unannounced = this.#options.clock.setTimeout(
      () => this.end({ status: "completed" }),
      UNANNOUNCED_END_MS,
    );
  }

  #remember({ id, content }: RealtimeMessage): void {
    const [part] = content;
    if (part?.type !== "output_audio") return;
    this.#spoken.set(id, { text: part.transcript ?? "", ms: this.#sentMs });
    for (const oldest of this.#spoken.keys()) {
      if (this.#spoken.size <= MAX_SPOKEN) return;
      this.#spoken.delete(oldest);
    }
  }
}

// Without word times, the sound is shared out among the characters; words are not cut in two.
function cutText(text: string, share: number): string {
  if (share >= 1) return text;
  const end = Math.floor(text.length * share);
  if (/^\s|^$/.test(text.slice(end))) return text.slice(0, end).trimEnd();
  const lastSpace = text.slice(0, end).search(/\s\S*$/);
  return /\s/.test(text) ? text.slice(0, Math.max(0, lastSpace)) : text.slice(0, end);
}
