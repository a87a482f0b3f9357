/**
 * What a client says to a server on the data channel besides free text: where its playback stands, so
 * that a server can tell what was really heard.
 */

/** A report about playback. */
export type ClientMessage =
  /** How long audio takes from its arrival to the ear, in milliseconds: jitter buffer and loudspeaker. */
  | { readonly type: "playback"; readonly delayMs: number }
  /** The first sound of a reply has just been heard. */
  | { readonly type: "audible" };

/** Writes a report as it goes on the wire. */
export function encodeClientMessage(message: ClientMessage): string {
  return JSON.stringify(message);
}

/**
 * Reads a report from the wire.
 *
 * @returns undefined for anything else: free text, which belongs to the handler.
 */
export function parseClientMessage(text: string): ClientMessage | undefined {
  if (!text.startsWith('{"type":')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("type" in value)) return undefined;
  if (value.type === "audible") return { type: "audible" };
  if (value.type !== "playback" || !("delayMs" in value)) return undefined;
  const { delayMs } = value;
  const isDelay = typeof delayMs === "number" && delayMs >= 0 && delayMs <= 10_000;
  return isDelay ? { type: "playback", delayMs } : undefined;
}
