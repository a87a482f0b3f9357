/**
 * Reads the JSON that carriers send over a media socket: strangers' text, until it has been looked
 * at. What does not fit throws a {@link TransportError}, which costs that one message.
 */

import { TransportError } from "../../errors.ts";

/** Characters of a message that are looked at; carriers' media messages have some 400. */
const MAX_MESSAGE_LENGTH = 65_536;

/** A JSON object of which nothing is known yet. */
export type JsonFields = Readonly<Record<string, unknown>>;

const NO_FIELDS: JsonFields = {};

/**
 * Parses a text message that must hold a JSON object.
 *
 * @throws {@link TransportError} when it does not, is binary, or is longer than any carrier's.
 */
export function parseJsonMessage(message: string | Uint8Array): JsonFields {
  if (typeof message !== "string")
    throw new TransportError("A binary message, where text belongs.");
  if (message.length > MAX_MESSAGE_LENGTH) {
    throw new TransportError(`A message of ${message.length} characters is too long.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    throw new TransportError("A message is not JSON.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TransportError("A message is not a JSON object.");
  }
  return value as JsonFields;
}

/** Returns the object in a field; one without fields where there is none. */
export function fieldsOf(value: unknown): JsonFields {
  return typeof value === "object" && value !== null ? (value as JsonFields) : NO_FIELDS;
}

/** Returns the text in a field, or its number as text; undefined where there is neither. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Returns the whole number in a field, which carriers write as text too. */
export function wholeNumberOf(value: unknown): number | undefined {
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : undefined;
}

/** Returns the texts in a field that holds names and values. */
export function textsOf(value: unknown): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, field] of Object.entries(fieldsOf(value))) {
    const text = typeof field === "string" ? field : textOf(field);
    // Not by assignment: a parameter may be called __proto__.
    if (text !== undefined) {
      Object.defineProperty(texts, name, { value: text, enumerable: true, configurable: true });
    }
  }
  return texts;
}

/**
 * Decodes a field of base64.
 *
 * @throws {@link TransportError} when it is none, or holds nothing.
 */
export function bytesOf(value: unknown): Uint8Array {
  if (typeof value !== "string" || value === "") throw new TransportError("A payload is missing.");
  const bytes = Buffer.from(value, "base64");
  // Node skips what is not base64: then less comes out than went in.
  const padding = value.endsWith("==") ? 2 : value.endsWith("=") ? 1 : 0;
  const length = value.length - padding;
  if (bytes.length === 0 || length % 4 === 1 || bytes.length !== (length * 3) >> 2) {
    throw new TransportError("A payload is not base64.");
  }
  return bytes;
}

/** Encodes bytes as base64. */
export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
