import { randomBytes } from "node:crypto";

/** What an id names. */
type RealtimeIdKind = "sess" | "rtc" | "item" | "resp" | "call" | "ek";

/**
 * Makes an id that nobody can guess, in the protocol's form.
 *
 * @param kind - What stands before the underscore, as in `item_…`.
 */
export function realtimeId(kind: RealtimeIdKind): string {
  return `${kind}_${randomBytes(16).toString("base64url")}`;
}

/** Tells whether an id has the form of those that {@link realtimeId} makes. */
export function isRealtimeId(kind: RealtimeIdKind, id: string): boolean {
  return id.startsWith(`${kind}_`) && /^_[\w-]{22}$/.test(id.slice(kind.length));
}
