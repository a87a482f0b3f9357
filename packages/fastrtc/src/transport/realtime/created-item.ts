import { idField, isObject, textField } from "./client-event.ts";
import type { JsonObject } from "./client-event.ts";
import { realtimeId } from "./realtime-id.ts";
import type { RealtimeContent, RealtimeItem } from "./realtime-item.ts";
import { invalidValue, RealtimeRefusal } from "./realtime-refusal.ts";

const ROLES = ["user", "assistant", "system"] as const;

/**
 * Reads the item of a `conversation.item.create`.
 *
 * @throws {@link RealtimeRefusal} for one that cannot be understood here.
 */
export function parseCreatedItem(value: unknown): RealtimeItem {
  if (!isObject(value)) throw invalidValue("item", "give an object.");
  const id = value["id"] === undefined ? realtimeId("item") : idField(value, "id");
  const common = { id, object: "realtime.item", status: "completed" } as const;
  switch (value["type"]) {
    case "message":
      return {
        ...common,
        type: "message",
        role: roleOf(value["role"]),
        content: contentOf(value["content"]),
      };
    case "function_call":
      return {
        ...common,
        type: "function_call",
        call_id: textField(value, "call_id", "item.call_id"),
        name: textField(value, "name", "item.name"),
        arguments: textField(value, "arguments", "item.arguments"),
      };
    case "function_call_output":
      return {
        ...common,
        type: "function_call_output",
        call_id: textField(value, "call_id", "item.call_id"),
        output: textField(value, "output", "item.output"),
      };
    default:
      throw new RealtimeRefusal(
        "unsupported_value",
        "Only message, function_call and function_call_output items are supported.",
        "item.type",
      );
  }
}

function roleOf(value: unknown): (typeof ROLES)[number] {
  const role = ROLES.find((name) => name === value);
  if (role) return role;
  throw invalidValue("item.role", "give user, assistant or system.");
}

function contentOf(value: unknown): readonly RealtimeContent[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalidValue("item.content", "give an array of parts.");
  }
  return value.map((part: unknown, at) => partOf(isObject(part) ? part : {}, at));
}

function partOf(part: JsonObject, at: number): RealtimeContent {
  const path = `item.content[${at}]`;
  switch (part["type"]) {
    case "input_text":
      return { type: "input_text", text: textField(part, "text", `${path}.text`) };
    case "output_text":
    case "text":
      return { type: "output_text", text: textField(part, "text", `${path}.text`) };
    case "input_audio":
    case "output_audio": {
      // Audio of an earlier conversation is not played again: its words are what is kept of it.
      const { transcript } = part;
      return { type: part["type"], transcript: typeof transcript === "string" ? transcript : null };
    }
    default:
      throw new RealtimeRefusal(
        "unsupported_value",
        "Only parts of text and of audio are supported.",
        `${path}.type`,
      );
  }
}
