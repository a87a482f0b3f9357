import type { ConversationItems } from "./conversation-items.ts";
import type { EventWriter } from "./event-writer.ts";
import { realtimeId } from "./realtime-id.ts";
import type { RealtimeMessage } from "./realtime-item.ts";

/** Writes the events of what the user says: one item a turn. */
export class UserTurnWriter {
  readonly #writer: EventWriter;
  readonly #items: ConversationItems;
  readonly #heardMs: () => number;
  #itemId: string | undefined;
  #phase: "idle" | "speaking" | "committed" = "idle";
  #transcript = "";
  #startMs = 0;
  #endMs = 0;

  /** @param heardMs - How much of the user's audio has come, in milliseconds. */
  constructor(writer: EventWriter, items: ConversationItems, heardMs: () => number) {
    this.#writer = writer;
    this.#items = items;
    this.#heardMs = heardMs;
  }

  /** The user has begun to speak. */
  speechStarted(): void {
    if (this.#phase === "speaking") return;
    this.#phase = "speaking";
    this.#transcript = "";
    this.#itemId = realtimeId("item");
    this.#startMs = Math.round(this.#heardMs());
    this.#writer.send("input_audio_buffer.speech_started", {
      audio_start_ms: this.#startMs,
      item_id: this.#itemId,
    });
  }

  /** The user has finished; again where a turn that seemed over went on. */
  speechStopped(): void {
    if (this.#phase !== "speaking" || this.#itemId === undefined) return;
    this.#writer.send("input_audio_buffer.speech_stopped", {
      audio_end_ms: Math.round(this.#heardMs()),
      item_id: this.#itemId,
    });
    this.commit();
  }

  /** What was said becomes an item. */
  commit(): void {
    if (this.#phase === "committed") return;
    const id = this.#phase === "speaking" ? this.#itemId : undefined;
    this.#itemId = id ?? realtimeId("item");
    if (this.#phase === "idle") {
      this.#transcript = "";
      // What was heard since the last item.
      this.#startMs = this.#endMs;
    }
    this.#endMs = Math.round(this.#heardMs());
    this.#phase = "committed";
    const item = this.#describe(this.#itemId);
    const before = this.#items.add(item);
    this.#writer.send("input_audio_buffer.committed", {
      previous_item_id: before,
      item_id: item.id,
    });
    this.#writer.send("conversation.item.added", { previous_item_id: before, item });
    this.#writer.send("conversation.item.done", { previous_item_id: before, item });
    if (this.#transcript !== "") this.#sayTranscript();
  }

  /** What was said has been recognised; better than before where it comes again. */
  transcribed(text: string): void {
    if (this.#phase === "idle" || text === this.#transcript) return;
    this.#transcript = text;
    if (this.#phase === "committed") this.#sayTranscript();
  }

  /** What was said has been answered, or is forgotten: what comes next is another item. */
  close(): void {
    this.#phase = "idle";
    this.#itemId = undefined;
  }

  #sayTranscript(): void {
    const id = this.#itemId;
    if (id === undefined) return;
    // The client asks for the item next.
    this.#items.replace(this.#describe(id));
    this.#writer.send("conversation.item.input_audio_transcription.completed", {
      item_id: id,
      content_index: 0,
      transcript: this.#transcript,
      usage: { type: "duration", seconds: (this.#endMs - this.#startMs) / 1000 },
    });
  }

  #describe(id: string): RealtimeMessage {
    const transcript = this.#transcript === "" ? null : this.#transcript;
    return {
      id,
      object: "realtime.item",
      type: "message",
      role: "user",
      status: "completed",
      content: [{ type: "input_audio", transcript }],
    };
  }
}
