/** What processes say to each other over the bus, as JSON texts: their shape, and how they are read. */

import { InvalidOptionError } from "../../errors.ts";
import type { RemoteError } from "./remote-error.ts";

/** The longest text that is sent or read, in UTF-16 units: far above an offer, below a bus's limit. */
export const MAX_MESSAGE_CHARS = 1_000_000;

/** Of one who asks. `id` is unique among what this process has ever asked. */
export type RemoteRequest =
  /** Answer this, or open a stream. */
  | { readonly kind: "call" | "open"; readonly id: number; readonly body?: unknown }
  /** Nobody waits for it any more. */
  | { readonly kind: "cancel"; readonly id: number }
  /** Somebody still reads this stream: is it there? */
  | { readonly kind: "probe"; readonly id: number };

/** Of one who was asked. */
export type RemoteResponse =
  /** The answer to a call, or the next item of a stream. */
  | { readonly kind: "answer" | "item"; readonly id: number; readonly body?: unknown }
  /** The stream begins, is still there, has ended, is unknown here. */
  | { readonly kind: "opened" | "alive" | "end" | "lost"; readonly id: number }
  /** It failed. */
  | { readonly kind: "error"; readonly id: number; readonly error: RemoteError };

const KINDS: ReadonlySet<unknown> = new Set<(RemoteRequest | RemoteResponse)["kind"]>([
  ...(["call", "open", "cancel", "probe"] as const),
  ...(["answer", "item", "opened", "alive", "end", "lost", "error"] as const),
]);

/**
 * Writes a message.
 *
 * @throws {@link InvalidOptionError} when its body is not JSON, or too long.
 */
export function writeMessage(message: RemoteRequest | RemoteResponse): string {
  let text: string;
  try {
    text = JSON.stringify(message);
  } catch (cause) {
    const body = "body" in message ? message.body : undefined;
    throw new InvalidOptionError("value", body, "Give what JSON can carry.", { cause });
  }
  if (text.length <= MAX_MESSAGE_CHARS) return text;
  throw new InvalidOptionError(
    "value",
    `${text.slice(0, 40)}…`,
    `It has ${text.length} characters as JSON. Give at most ${MAX_MESSAGE_CHARS}.`,
  );
}

/** Reads a message; undefined for what is none. */
export function readMessage(text: string): RemoteRequest | RemoteResponse | undefined {
  if (text.length > MAX_MESSAGE_CHARS) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { kind, id } = value as { readonly kind?: unknown; readonly id?: unknown };
  if (!KINDS.has(kind) || !Number.isSafeInteger(id)) return undefined;
  return value as RemoteRequest | RemoteResponse;
}

/** Tells whose turn it is: that of the one who was asked, or of the one who asks. */
export function isRequest(message: RemoteRequest | RemoteResponse): message is RemoteRequest {
  switch (message.kind) {
    case "call":
    case "open":
    case "cancel":
    case "probe":
      return true;
    default:
      return false;
  }
}
