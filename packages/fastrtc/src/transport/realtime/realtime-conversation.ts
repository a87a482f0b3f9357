/**
 * One session's side of the OpenAI Realtime protocol, whatever carries its events.
 *
 * Client events come in as text, the session's messages as {@link ServerMessage}s; out go server
 * events in the protocol's order, and what a client decides reaches the handler through a
 * {@link RealtimeControl}. The transports beside this file own the wire and the audio.
 */

import type { ServerMessage } from "@fastrtc/protocol";

import type { Clock } from "../../media/clock.ts";
import { decodeAudio } from "./audio-format.ts";
import { idField, isObject, parseClientEvent, textField } from "./client-event.ts";
import type { ClientEvent, JsonObject } from "./client-event.ts";
import { ConversationItems } from "./conversation-items.ts";
import { parseCreatedItem } from "./created-item.ts";
import { EventWriter } from "./event-writer.ts";
import type { RealtimeControl } from "./realtime-control.ts";
import type { RealtimeItem } from "./realtime-item.ts";
import { invalidValue, RealtimeRefusal } from "./realtime-refusal.ts";
import { RealtimeResponses } from "./realtime-responses.ts";
import type { ToolRequest } from "./realtime-responses.ts";
import { initialSettings, updateSettings } from "./session-settings.ts";
import type { RealtimeSettings } from "./session-settings.ts";
import { UserTurnWriter } from "./user-turn-writer.ts";

/** How many texts may wait to be answered; the oldest are not, then. */
const MAX_UNANSWERED = 1000;

/** The client's audio, where it comes in events. */
export interface RealtimeInput {
  /** Takes audio in the session's input format. */
  append(data: Uint8Array): void;
  /** Forgets what has not been given to the session yet. */
  clear(): void;
  /** Calls back when all that came before has been given to the session. */
  afterAudio(callback: () => void): void;
}

/** What a {@link RealtimeConversation} is made of. */
export interface RealtimeConversationOptions {
  /** The session's id. */
  readonly id: string;
  /** What the client asked for; it may say so later. */
  readonly model: string;
  /** A `session` object that holds from the start. */
  readonly session?: unknown;
  /** Puts one event on the wire. */
  readonly sendText: (text: string) => void;
  /** Undefined where audio goes its own way, on a track. */
  readonly input: RealtimeInput | undefined;
  /** How much of the client's audio has come, in milliseconds. */
  readonly heardMs: () => number;
  readonly clock: Clock;
}

/** Speaks with one client. */
export class RealtimeConversation {
  readonly items: ConversationItems = new ConversationItems();
  readonly #options: RealtimeConversationOptions;
  readonly #writer: EventWriter;
  readonly #responses: RealtimeResponses;
  readonly #user: UserTurnWriter;
  readonly #listeners = new Set<(settings: RealtimeSettings) => void>();
  #settings: RealtimeSettings;
  #control: RealtimeControl | undefined;
  // Within a call of the handler: what it logs then, the client has asked for.
  #asking: "create" | "stop" | undefined;
  // Items with texts that came since the last response.
  readonly #unanswered = new Set<string>();
  #committedMs = 0;

  constructor(options: RealtimeConversationOptions) {
    const { sendText, input, clock, heardMs, model, session } = options;
    this.#options = options;
    this.#settings = initialSettings(model);
    // Before anything was said there is nobody to tell what of it cannot be.
    if (session !== undefined) this.#settings = updateSettings(this.#settings, session).settings;
    this.#writer = new EventWriter(sendText);
    this.#responses = new RealtimeResponses({
      writer: this.#writer,
      items: this.items,
      hasAudioEvents: input !== undefined,
      clock,
      settings: () => this.#settings,
    });
    this.#user = new UserTurnWriter(this.#writer, this.items, heardMs);
  }

  /** What holds now: of the active response where there is one, else of the session. */
  get settings(): RealtimeSettings {
    return this.#responses.active?.settings ?? this.#settings;
  }

  /** What holds for the session. */
  get sessionSettings(): RealtimeSettings {
    return this.#settings;
  }

  /** Begins: the client is told of its session. */
  start(control: RealtimeControl): void {
    this.#control = control;
    this.#applyPolicy();
    this.#writer.send("session.created", { session: this.#describe() });
  }

  /** Calls back after each `session.update`, until the returned function is called. */
  onUpdate(listener: (settings: RealtimeSettings) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Has the client run a tool; resolves with what that gave. */
  callTool(request: ToolRequest): Promise<string> {
    return this.#responses.callTool(request);
  }

  /** Takes a client's event. Whatever is wrong with it is told to the client, and nothing ends. */
  receive(text: string): void {
    let eventId: string | null = null;
    try {
      const event = parseClientEvent(text);
      ({ eventId } = event);
      this.#dispatch(event);
    } catch (error) {
      this.#refuse(error, eventId);
    }
  }

  /**
   * Takes 20 ms of audio on its way to the client, in the active response's format.
   *
   * @param pcm - The same before it was encoded, where it was PCM.
   */
  addAudio(data: Uint8Array, durationMs: number, pcm: Uint8Array = data): void {
    this.#responses.addAudio(data, durationMs, pcm);
  }

  /** Takes a message of the session's. */
  tell(message: ServerMessage): void {
    switch (message.type) {
      case "log":
        this.#log(message.data);
        break;
      case "reply":
        if (message.data.phase === "started") this.#user.close();
        // It makes way for the reply that has just been asked for, whose response has begun.
        if (this.#asking === "create" && message.data.phase === "interrupted") break;
        this.#responses.follow(message.data);
        break;
      case "transcript":
        this.#user.transcribed(message.data.text);
        break;
      case "turn":
        break;
      case "error":
        this.#responses.settle();
        this.#writer.error({
          type: "server_error",
          code: "handler_error",
          message: message.message,
        });
        break;
      default:
        // The protocol has no word for it: clients hand unknown events to those who listen to all.
        this.#responses.settle();
        this.#writer.send(`fastrtc.${message.type}`, {
          ...("message" in message ? { message: message.message } : { data: message.data }),
        });
    }
  }

  /** Ends: nothing more is said. */
  close(): void {
    this.#responses.close();
    this.#listeners.clear();
  }

  #log(moment: string): void {
    const detection = this.#settings.audio.input.turn_detection;
    if (this.#asking) return;
    if (moment === "started_talking") {
      if (detection) this.#user.speechStarted();
      this.#responses.settle();
    } else if (moment === "pause_detected") {
      this.#responses.settle();
      if (detection) this.#user.speechStopped();
      if (detection?.create_response === true) this.#responses.expect();
    }
  }

  #dispatch({ type, eventId, fields }: ClientEvent): void {
    switch (type) {
      case "session.update":
        this.#update(fields["session"], eventId);
        break;
      case "input_audio_buffer.append":
        this.#append(fields);
        break;
      case "input_audio_buffer.clear":
        this.#options.input?.clear();
        this.#control?.reset();
        this.#committedMs = this.#options.heardMs();
        this.#user.close();
        this.#writer.send("input_audio_buffer.cleared");
        break;
      case "input_audio_buffer.commit":
        this.#afterAudio(eventId, () => this.#commit());
        break;
      case "conversation.item.create":
        this.#createItem(fields);
        break;
      case "conversation.item.retrieve":
        this.#writer.send("conversation.item.retrieved", {
          item: this.items.require(idField(fields, "item_id")),
        });
        break;
      case "conversation.item.delete": {
        const itemId = idField(fields, "item_id");
        this.items.delete(itemId);
        this.#writer.send("conversation.item.deleted", { item_id: itemId });
        break;
      }
      case "conversation.item.truncate":
        this.#truncate(fields);
        break;
      case "response.create":
        this.#afterAudio(eventId, () => this.#createResponse(fields["response"]));
        break;
      case "response.cancel":
        this.#cancel(fields);
        break;
      case "output_audio_buffer.clear":
        this.#clearOutput();
        break;
      default:
        throw new RealtimeRefusal(
          "unsupported_event",
          `There is no event '${type.slice(0, 100)}'.`,
          "type",
        );
    }
  }

  #update(session: unknown, eventId: string | null): void {
    const { settings, refusals } = updateSettings(this.#settings, session);
    this.#settings = settings;
    this.#applyPolicy();
    for (const refusal of refusals) this.#refuse(refusal, eventId);
    this.#writer.send("session.updated", { session: this.#describe() });
    for (const listener of this.#listeners) listener(settings);
  }

  #append(fields: JsonObject): void {
    const { input } = this.#options;
    if (!input) {
      throw new RealtimeRefusal(
        "unsupported_event",
        "Audio comes on the WebRTC track here.",
        "type",
      );
    }
    input.append(decodeAudio(textField(fields, "audio"), this.#settings.audio.input.format));
  }

  #commit(): void {
    const heardMs = this.#options.heardMs();
    if (heardMs <= this.#committedMs) {
      throw new RealtimeRefusal("input_audio_buffer_commit_empty", "There is no audio to commit.");
    }
    this.#committedMs = heardMs;
    this.#user.commit();
  }

  #createItem(fields: JsonObject): void {
    const item = parseCreatedItem(fields["item"]);
    const after = fields["previous_item_id"] ?? undefined;
    if (after !== undefined && typeof after !== "string") {
      throw invalidValue("previous_item_id", "give an item's id.");
    }
    if (item.type === "function_call_output" && !this.#hasCall(item.call_id)) {
      throw new RealtimeRefusal(
        "item_not_found",
        "The conversation has no function_call of this call_id.",
        "item.call_id",
      );
    }
    const before = this.items.add(item, after);
    this.#writer.send("conversation.item.added", { previous_item_id: before, item });
    this.#writer.send("conversation.item.done", { previous_item_id: before, item });
    this.#take(item);
  }

  #take(item: RealtimeItem): void {
    if (item.type === "function_call_output") {
      this.#responses.toolFinished(item.call_id, item.output);
    } else if (item.type === "message" && item.role === "user") {
      if (textOf(item) === "") return;
      this.#unanswered.add(item.id);
      for (const oldest of this.#unanswered) {
        if (this.#unanswered.size <= MAX_UNANSWERED) break;
        this.#unanswered.delete(oldest);
      }
      this.#responses.forgetOwed();
    }
  }

  // Of what the conversation still holds: the client may have deleted some of it.
  #takeTexts(): readonly string[] {
    const items = this.items.all.filter(({ id }) => this.#unanswered.has(id));
    this.#unanswered.clear();
    return items.map(textOf);
  }

  #hasCall(callId: string): boolean {
    return this.items.all.some((item) => item.type === "function_call" && item.call_id === callId);
  }

  #truncate(fields: JsonObject): void {
    const { audio_end_ms: endMs } = fields;
    if (typeof endMs !== "number" || !Number.isFinite(endMs)) {
      throw invalidValue("audio_end_ms", "give milliseconds.");
    }
    this.#responses.truncate(idField(fields, "item_id"), endMs);
  }

  #createResponse(request: unknown): void {
    const wish = isObject(request) ? request : {};
    if (wish["conversation"] === "none" || wish["input"] !== undefined) {
      throw new RealtimeRefusal(
        "unsupported_value",
        "Responses outside the conversation are not supported.",
        wish["input"] === undefined ? "response.conversation" : "response.input",
      );
    }
    const { settings, refusals } = updateSettings(this.#settings, { ...wish, type: "realtime" });
    const [refusal] = refusals;
    if (refusal) throw refusal;
    if (this.#responses.continueAfterTool(settings, wish["metadata"])) return;
    if (this.#responses.active) {
      throw new RealtimeRefusal(
        "conversation_already_has_active_response",
        "The conversation already has an active response: cancel it, or wait for its end.",
      );
    }
    this.#user.speechStopped();
    this.#responses.begin(settings, wish["metadata"]);
    const texts = this.#takeTexts();
    const isAnswered = this.#ask("create", (control) =>
      texts.length > 0 ? control.onText(texts.join("\n")) : control.endTurnNow(),
    );
    if (isAnswered) return;
    this.#responses.end({
      status: "failed",
      code: "unsupported_operation",
      message: "This application speaks when it wants to.",
    });
  }

  #cancel(fields: JsonObject): void {
    const { active } = this.#responses;
    const { response_id: id } = fields;
    if (!active || (typeof id === "string" && id !== active.id)) {
      throw new RealtimeRefusal("response_cancel_not_active", "No such response is active.");
    }
    this.#stopReply();
  }

  #clearOutput(): void {
    if (this.#options.input) {
      throw new RealtimeRefusal("unsupported_event", "Only WebRTC has an output buffer.", "type");
    }
    if (this.#responses.active) this.#stopReply();
    else this.#writer.send("output_audio_buffer.cleared", { response_id: null });
  }

  #stopReply(): void {
    this.#ask("stop", (control) => control.interruptNow());
    this.#responses.settle("client_cancelled");
    // Where no reply runs that could have been interrupted.
    this.#responses.end({ status: "cancelled", reason: "client_cancelled" });
  }

  #applyPolicy(): void {
    const detection = this.#settings.audio.input.turn_detection;
    this.#control?.setTurnPolicy({
      detectsTurns: detection !== null,
      repliesAutomatically: detection?.create_response ?? false,
      isInterruptible: detection?.interrupt_response ?? true,
    });
  }

  #ask(what: "create" | "stop", action: (control: RealtimeControl) => boolean): boolean {
    if (!this.#control) return false;
    this.#asking = what;
    try {
      return action(this.#control);
    } finally {
      this.#asking = undefined;
    }
  }

  #afterAudio(eventId: string | null, action: () => void): void {
    const { input } = this.#options;
    if (!input) {
      action();
      return;
    }
    input.afterAudio(() => {
      try {
        action();
      } catch (error) {
        this.#refuse(error, eventId);
      }
    });
  }

  #refuse(error: unknown, eventId: string | null): void {
    if (!(error instanceof RealtimeRefusal)) throw error;
    const { code, message, param } = error;
    this.#writer.error({ code, message, param }, eventId);
  }

  #describe(): Readonly<Record<string, unknown>> {
    return { id: this.#options.id, object: "realtime.session", ...this.#settings };
  }
}

function textOf(item: RealtimeItem): string {
  if (item.type !== "message") return "";
  return item.content.flatMap((part) => ("text" in part ? [part.text] : [])).join("\n");
}
