/** What a client says on a WebSocket, read from text messages. */
export type ClientEvent =
  /** It begins; {@link parseStartMessage} reads the rest. */
  | { readonly event: "start"; readonly message: Readonly<Record<string, unknown>> }
  /** Audio. */
  | { readonly event: "media"; readonly data: Uint8Array }
  /** Is anybody there? */
  | { readonly event: "ping" }
  /** It leaves. */
  | { readonly event: "stop" }
  /** A message for the session, as on WebRTC's data channel. */
  | { readonly event: "text"; readonly text: string }
  /** It cannot be read; the complaint is a sentence for the client's developer. */
  | { readonly event: "malformed"; readonly complaint: string };

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Reads a text message; never throws. */
export function readClientEvent(text: string): ClientEvent {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return malformed("The message is not JSON.");
  }
  if (typeof message !== "object" || message === null || Array.isArray(message)) {
    return malformed("The message is not a JSON object.");
  }
  const fields = message as Readonly<Record<string, unknown>>;
  const { event } = fields;
  switch (event) {
    case "media":
      return readMedia(fields["media"]);
    case "ping":
    case "stop":
      return { event };
    case "start":
      return { event, message: fields };
    case "text":
      return typeof fields["text"] === "string"
        ? { event, text: fields["text"] }
        : malformed('"text" is not a string.');
    case undefined:
      return { event: "text", text };
    default:
      return malformed('The event is none of "start", "media", "text", "ping" and "stop".');
  }
}

function readMedia(media: unknown): ClientEvent {
  const payload = (media as { readonly payload?: unknown } | null | undefined)?.payload;
  // Buffer.from() skips what is not base64, and would make noise of it.
  if (typeof payload !== "string" || payload.length % 4 === 1 || !BASE64.test(payload)) {
    return malformed('"media.payload" is not base64.');
  }
  return { event: "media", data: Buffer.from(payload, "base64") };
}

function malformed(complaint: string): ClientEvent {
  return { event: "malformed", complaint };
}
