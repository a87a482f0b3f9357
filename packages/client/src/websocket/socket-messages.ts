import { isRecord } from "../record.ts";
import { tokenField, type SessionClaim } from "../session-claim.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { decodeMulaw, encodeMulaw } from "./mulaw.ts";

/** How audio goes over the socket. */
export interface SocketAudio {
  /** 16-bit samples, little endian, in binary messages; or, as FastRTC has it, base64 in JSON. */
  readonly codec: "pcm16" | "mulaw";
  /** Rate in Hz of what we send. */
  readonly inputRate: number;
  /** Rate in Hz of what we are sent. */
  readonly outputRate: number;
}

/** What came, as far as the transport itself is meant. */
export type SocketMessage =
  | { readonly event: "started"; readonly audio: Partial<SocketAudio>; readonly answer: Answer }
  | { readonly event: "media"; readonly samples: Int16Array<ArrayBuffer> }
  | { readonly event: "clear" | "pong" }
  | { readonly event: "refused"; readonly body: unknown };

interface Answer {
  readonly session_token?: unknown;
  readonly resumed?: unknown;
}

/** Writes the first message. */
export function encodeStart(claim: SessionClaim, sampleRate: number): string {
  return JSON.stringify({
    event: "start",
    websocket_id: claim.webrtcId,
    audio: { codec: "pcm16", sampleRate, binary: true },
    ...(claim.params === undefined ? {} : { params: claim.params }),
    ...tokenField(claim),
  });
}

/**
 * Writes a text for the handler: an object as it is, anything else wrapped, because the socket is the
 * transport's own too, whose messages are objects with an `event`.
 */
export function encodeText(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Plain words.
  }
  const isFree = isRecord(value) && !("event" in value);
  return isFree ? text : JSON.stringify({ event: "text", text });
}

/** Writes audio. */
export function encodeAudio(
  samples: Int16Array,
  codec: SocketAudio["codec"],
): string | ArrayBuffer {
  if (codec === "mulaw") {
    const payload = encodeBase64(encodeMulaw(samples));
    return JSON.stringify({ event: "media", media: { payload } });
  }
  // All machines that browsers run on are little endian.
  return samples.slice().buffer;
}

/** Reads a binary message; an odd byte at its end is dropped. */
export function decodeAudio(data: ArrayBuffer): Int16Array<ArrayBuffer> {
  return new Int16Array(data, 0, data.byteLength >> 1);
}

/** Reads a text; undefined when it is meant for the session. */
export function parseSocketMessage(text: string): SocketMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  if (value["status"] === "failed") return { event: "refused", body: value };
  switch (value["event"]) {
    case "started":
      return { event: "started", audio: readAudio(value["audio"]), answer: value };
    case "media": {
      const payload = isRecord(value["media"]) ? value["media"]["payload"] : undefined;
      const bytes = typeof payload === "string" ? decodeBase64(payload) : undefined;
      return { event: "media", samples: decodeMulaw(bytes ?? new Uint8Array(0)) };
    }
    case "clear":
      return { event: "clear" };
    case "pong":
      return { event: "pong" };
    default:
      return undefined;
  }
}

/** Reads what the server took of our wishes; what it does not say stays open. */
function readAudio(value: unknown): Partial<SocketAudio> {
  const audio = isRecord(value) ? value : {};
  const { inputSampleRate, outputSampleRate } = audio;
  return {
    codec: audio["codec"] === "mulaw" ? "mulaw" : "pcm16",
    ...(typeof inputSampleRate === "number" ? { inputRate: inputSampleRate } : {}),
    ...(typeof outputSampleRate === "number" ? { outputRate: outputSampleRate } : {}),
  };
}
