/** What a conversation of the OpenAI Realtime protocol is made of, as it goes on the wire. */

/** A part of a message. */
export type RealtimeContent =
  | { readonly type: "input_text" | "output_text"; readonly text: string }
  | { readonly type: "input_audio" | "output_audio"; readonly transcript: string | null };

/** How far an item is. */
export type RealtimeItemStatus = "in_progress" | "completed" | "incomplete";

/** Something that somebody said. */
export interface RealtimeMessage {
  readonly id: string;
  readonly object: "realtime.item";
  readonly type: "message";
  readonly role: "user" | "assistant" | "system";
  readonly status: RealtimeItemStatus;
  readonly content: readonly RealtimeContent[];
}

/** A wish that the client runs one of its tools. */
export interface RealtimeFunctionCall {
  readonly id: string;
  readonly object: "realtime.item";
  readonly type: "function_call";
  readonly status: RealtimeItemStatus;
  readonly call_id: string;
  readonly name: string;
  /** JSON. */
  readonly arguments: string;
}

/** What the tool gave. */
export interface RealtimeFunctionOutput {
  readonly id: string;
  readonly object: "realtime.item";
  readonly type: "function_call_output";
  readonly status: RealtimeItemStatus;
  readonly call_id: string;
  readonly output: string;
}

/** One item of a conversation. */
export type RealtimeItem = RealtimeMessage | RealtimeFunctionCall | RealtimeFunctionOutput;
