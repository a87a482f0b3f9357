import type { ConversationItems } from "./conversation-items.ts";
import type { EventWriter } from "./event-writer.ts";
import { realtimeId } from "./realtime-id.ts";
import type {
  RealtimeContent,
  RealtimeFunctionCall,
  RealtimeItem,
  RealtimeMessage,
} from "./realtime-item.ts";
import type { RealtimeSettings } from "./session-settings.ts";

/** Why a response ended. */
export type ResponseEnd =
  | { readonly status: "completed" }
  | { readonly status: "cancelled"; readonly reason: "turn_detected" | "client_cancelled" }
  | { readonly status: "failed"; readonly code: string; readonly message: string };

/** What a {@link ResponseWriter} works with. */
export interface ResponseWriterOptions {
  readonly writer: EventWriter;
  readonly items: ConversationItems;
  /** What holds for it, from its begin to its end. */
  readonly settings: RealtimeSettings;
  /** Whether audio goes into events; else it goes some other way. */
  readonly hasAudioEvents: boolean;
  /** The client's own data, which is repeated. */
  readonly metadata: unknown;
}

/** Writes the events of one response in the order that the protocol gives them. */
export class ResponseWriter {
  readonly id: string = realtimeId("resp");
  /** What the client asked for, or its session's settings. */
  readonly settings: RealtimeSettings;
  readonly #options: ResponseWriterOptions;
  readonly #output: RealtimeItem[] = [];
  readonly #isText: boolean;
  #messageIndex = -1;
  #transcript = "";
  #isDone = false;

  /** Says that it begins. */
  constructor(options: ResponseWriterOptions) {
    this.#options = options;
    this.settings = options.settings;
    this.#isText = options.settings.output_modalities[0] === "text";
    options.writer.send("response.created", { response: this.#describe("in_progress") });
  }

  /** Whether its end has been said. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The message that it speaks; undefined before its first sound or word. */
  get message(): RealtimeMessage | undefined {
    const item = this.#output[this.#messageIndex];
    return item?.type === "message" ? item : undefined;
  }

  /** Adds words. */
  addText(text: string): void {
    if (this.#isDone) return;
    this.#openMessage();
    // Sentences come one by one, without what stands between them.
    const isJoint = /[.!?:;,]$/.test(this.#transcript) && !/^\s/.test(text);
    const delta = isJoint ? ` ${text}` : text;
    this.#transcript += delta;
    const type = this.#isText
      ? "response.output_text.delta"
      : "response.output_audio_transcript.delta";
    this.#options.writer.send(type, { ...this.#part, delta });
  }

  /** Adds sound, encoded as the session says. */
  addAudio(data: Uint8Array): void {
    if (this.#isDone || this.#isText) return;
    this.#openMessage();
    if (!this.#options.hasAudioEvents) return;
    const { buffer, byteOffset, byteLength } = data;
    const delta = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
    this.#options.writer.send("response.output_audio.delta", { ...this.#part, delta });
  }

  /** Asks for a tool. */
  addFunctionCall(callId: string, name: string, args: string): void {
    if (this.#isDone) return;
    const { writer, items } = this.#options;
    const item: RealtimeFunctionCall = {
      id: realtimeId("item"),
      object: "realtime.item",
      type: "function_call",
      status: "in_progress",
      call_id: callId,
      name,
      arguments: "",
    };
    const index = this.#add(item);
    const place = { response_id: this.id, item_id: item.id, output_index: index, call_id: callId };
    writer.send("response.function_call_arguments.delta", { ...place, delta: args });
    writer.send("response.function_call_arguments.done", { ...place, name, arguments: args });
    const done: RealtimeFunctionCall = { ...item, status: "completed", arguments: args };
    items.replace(done);
    this.#output[index] = done;
    this.#sayItemDone(done, index);
  }

  /**
   * Says that it has ended; nothing happens when that has been said.
   *
   * @param heardText - What was heard of it, where it was cut short.
   */
  end(end: ResponseEnd, heardText?: string): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#closeMessage(end.status === "completed", heardText);
    const response = this.#describe(end.status, detailsOf(end));
    this.#options.writer.send("response.done", { response });
  }

  get #part(): Readonly<Record<string, unknown>> {
    return {
      response_id: this.id,
      item_id: this.message?.id,
      output_index: this.#messageIndex,
      content_index: 0,
    };
  }

  #openMessage(): void {
    if (this.message) return;
    this.#messageIndex = this.#add({
      id: realtimeId("item"),
      object: "realtime.item",
      type: "message",
      role: "assistant",
      status: "in_progress",
      content: [],
    });
    const part = this.#isText ? { type: "text", text: "" } : { type: "audio", transcript: "" };
    this.#options.writer.send("response.content_part.added", { ...this.#part, part });
  }

  #closeMessage(isComplete: boolean, heardText = this.#transcript): void {
    const { message } = this;
    if (!message) return;
    const { writer, items } = this.#options;
    const part = this.#part;
    if (this.#isText) {
      writer.send("response.output_text.done", { ...part, text: this.#transcript });
    } else {
      writer.send("response.output_audio.done", part);
      writer.send("response.output_audio_transcript.done", {
        ...part,
        transcript: this.#transcript,
      });
    }
    writer.send("response.content_part.done", {
      ...part,
      part: this.#isText
        ? { type: "text", text: this.#transcript }
        : { type: "audio", transcript: this.#transcript },
    });
    const content: RealtimeContent = this.#isText
      ? { type: "output_text", text: heardText }
      : { type: "output_audio", transcript: heardText };
    const status = isComplete ? "completed" : "incomplete";
    const done: RealtimeMessage = { ...message, status, content: [content] };
    items.replace(done);
    this.#output[this.#messageIndex] = done;
    this.#sayItemDone(done, this.#messageIndex);
  }

  #add(item: RealtimeItem): number {
    const { writer, items } = this.#options;
    const index = this.#output.push(item) - 1;
    const place = { response_id: this.id, output_index: index, item };
    writer.send("response.output_item.added", place);
    writer.send("conversation.item.added", { previous_item_id: items.add(item), item });
    return index;
  }

  #sayItemDone(item: RealtimeItem, index: number): void {
    const { writer, items } = this.#options;
    const before = items.before(item.id);
    writer.send("conversation.item.done", { previous_item_id: before, item });
    writer.send("response.output_item.done", {
      response_id: this.id,
      output_index: index,
      item,
    });
  }

  #describe(status: string, details: unknown = null): Readonly<Record<string, unknown>> {
    const { settings, metadata } = this.#options;
    const { format, voice } = settings.audio.output;
    return {
      id: this.id,
      object: "realtime.response",
      status,
      status_details: details,
      output: this.#output,
      output_modalities: settings.output_modalities,
      audio: { output: { format, voice } },
      metadata: metadata ?? null,
    };
  }
}

function detailsOf(end: ResponseEnd): unknown {
  switch (end.status) {
    case "completed":
      return null;
    case "cancelled":
      return { type: "cancelled", reason: end.reason };
    case "failed":
      return { type: "failed", error: { type: "server_error", code: end.code } };
  }
}
