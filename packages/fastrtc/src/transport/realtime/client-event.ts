import { invalidValue, RealtimeRefusal } from "./realtime-refusal.ts";

/** A client's event, as far as all events are alike. */
export interface ClientEvent {
  readonly type: string;
  /** The client's name for it, which an error about it repeats. */
  readonly eventId: string | null;
  /** All of its fields, unchecked. */
  readonly fields: JsonObject;
}

/** An object of JSON, unchecked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The longest event without audio, in characters. What is stored of a session stays small. */
const MAX_EVENT_LENGTH = 262_144;
const MAX_ID_LENGTH = 512;

/**
 * Reads one event.
 *
 * @throws {@link RealtimeRefusal} when it is none.
 */
export function parseClientEvent(text: string): ClientEvent {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    throw new RealtimeRefusal("invalid_json", "The event is not JSON.");
  }
  if (!isObject(fields)) throw new RealtimeRefusal("invalid_json", "The event is not an object.");
  const { type, event_id: id } = fields;
  if (typeof type !== "string") throw invalidValue("type", "give the event's name.");
  if (text.length > MAX_EVENT_LENGTH && type !== "input_audio_buffer.append") {
    throw new RealtimeRefusal(
      "event_too_long",
      `An event without audio has at most ${MAX_EVENT_LENGTH} characters.`,
    );
  }
  const eventId = typeof id === "string" && id.length <= MAX_ID_LENGTH ? id : null;
  return { type, eventId, fields };
}

/** Tells an object from every other value of JSON. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads a field that must be text. */
export function textField(fields: JsonObject, name: string, path: string = name): string {
  const value = fields[name];
  if (typeof value !== "string") throw invalidValue(path, "give a string.");
  return value;
}

/** Reads the name of an item. */
export function idField(fields: JsonObject, name: string): string {
  const value = textField(fields, name);
  if (value === "" || value.length > MAX_ID_LENGTH) {
    throw invalidValue(name, `give 1 to ${MAX_ID_LENGTH} characters.`);
  }
  return value;
}
