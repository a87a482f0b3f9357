/**
 * Asterisk's chan_websocket: `Dial(WebSocket/…)` in the dial plan opens a WebSocket to us, with the
 * channel's audio in binary messages and orders in text ones. Asterisk keeps the time of playing.
 *
 * https://docs.asterisk.org/Configuration/Channel-Drivers/WebSocket
 */

import { createHash, timingSafeEqual } from "node:crypto";

import {
  AuthenticationError,
  InvalidOptionError,
  NegotiationError,
  TransportError,
} from "../../errors.ts";
import type { AudioFormat } from "../../media/encoded-chunk.ts";
import type { Carrier, CarrierCall, CarrierEvent, CarrierWire } from "./carrier.ts";
import { parseJsonMessage, textOf, textsOf } from "./json-message.ts";
import type { JsonFields } from "./json-message.ts";
import { bytesPerFrame } from "./message-audio.ts";

/** Configures {@link asteriskWebSocket}. */
export interface AsteriskWebSocketOptions {
  /** `username` of the section in Asterisk's websocket_client.conf. */
  readonly username?: string;
  /** `password` of that section. It is sent as it is: use TLS beyond one machine. */
  readonly password?: string;
  /**
   * Takes whoever reaches the route. Only for a server that nothing but Asterisk can reach, such as
   * one on 127.0.0.1 of a machine without other users.
   *
   * @defaultValue false
   */
  readonly allowAnyone?: boolean;
}

/** Asterisk ignores longer text messages, and says nothing. */
const MAX_COMMAND_BYTES = 128;
/** Asterisk's names of linear audio: one for each rate in Hz. */
const LINEAR_RATES: Readonly<Record<string, number>> = {
  slin: 8000,
  slin12: 12_000,
  slin16: 16_000,
  slin24: 24_000,
  slin32: 32_000,
  slin44: 44_100,
  slin48: 48_000,
  slin96: 96_000,
  slin192: 192_000,
};
const DIGIT = /^[0-9*#A-D]$/;

/**
 * Takes calls from Asterisk's chan_websocket (20.18, 22.8, 23.2 or later).
 *
 * The caller's numbers and the session's parameters come in the address: the dial plan adds them
 * with `v(from=…,to=…,name=value)`.
 *
 * @throws {@link InvalidOptionError} that names the option and the remedy.
 * @example
 * ```ts
 * asteriskWebSocket({ username: "asterisk", password: process.env.ASTERISK_PASSWORD ?? "" });
 * ```
 */
export function asteriskWebSocket(options: AsteriskWebSocketOptions): Carrier {
  const { username, password, allowAnyone = false } = options;
  if (!allowAnyone && !(username && password)) {
    throw new InvalidOptionError(
      "password",
      "",
      "Give the username and password of websocket_client.conf; or allowAnyone, where nothing but Asterisk reaches this server.",
    );
  }
  const expected = digest(`${username ?? ""}:${password ?? ""}`);
  const noWebhook = new NegotiationError(
    "Asterisk announces no calls: it opens the media socket itself.",
    { reason: "invalid_request", status: 404 },
  );
  return {
    name: "asterisk",
    publicUrl: undefined,
    announce: async () => Promise.reject(noWebhook),
    answer: async () => Promise.reject(noWebhook),
    authorize: async ({ headers }) => {
      const [scheme = "", given = ""] = (headers.get("authorization") ?? "").split(" ");
      const isBasic = scheme.toLowerCase() === "basic";
      const credentials = isBasic ? Buffer.from(given, "base64").toString() : "";
      if (!allowAnyone && !timingSafeEqual(digest(credentials), expected)) {
        throw new AuthenticationError("The user name or the password is wrong.");
      }
      return Promise.resolve();
    },
    wire: ({ url }) => new AsteriskWebSocketWire(new URL(url).searchParams),
    hangUp: undefined,
  };
}

class AsteriskWebSocketWire implements CarrierWire {
  readonly #query: URLSearchParams;
  #isJson = false;
  #hasStarted = false;
  #isFull = false;
  #messageMs = 20;

  constructor(query: URLSearchParams) {
    this.#query = query;
  }

  get messageMs(): number {
    return this.#messageMs;
  }

  read(message: string | Uint8Array): CarrierEvent | undefined {
    if (typeof message !== "string") {
      // Audio may overtake the message that says what it is (asterisk/asterisk#1712).
      return this.#hasStarted ? { type: "audio", data: message } : undefined;
    }
    const isJson = message.startsWith("{");
    const fields = isJson ? parseJsonMessage(message) : plainFields(message);
    switch (fields["event"]) {
      case "MEDIA_START":
        this.#isJson = isJson;
        return { type: "start", call: this.#start(fields) };
      case "DTMF_END": {
        const digit = textOf(fields["digit"]) ?? "";
        if (!DIGIT.test(digit)) throw new TransportError("A DTMF_END has no digit.");
        return { type: "dtmf", digit };
      }
      case "MEDIA_MARK_PROCESSED": {
        const name = textOf(fields["correlation_id"]);
        return name === undefined ? undefined : { type: "mark", name };
      }
      case "MEDIA_XOFF":
        this.#isFull = true;
        return { type: "complaint", text: "Asterisk's queue is full: audio is dropped." };
      case "MEDIA_XON":
        this.#isFull = false;
        return undefined;
      case "ERROR":
        return { type: "complaint", text: (textOf(fields["error_text"]) ?? "").slice(0, 300) };
      default:
        return undefined;
    }
  }

  // Whole frames: Asterisk drops what is left over. A copy, for the socket may keep it.
  audio(data: Uint8Array): Uint8Array | undefined {
    return this.#isFull ? undefined : data.slice();
  }

  mark(name: string): string | undefined {
    const command = this.#command("MARK_MEDIA", name);
    return Buffer.byteLength(command) <= MAX_COMMAND_BYTES ? command : undefined;
  }

  // The queue is empty then, so there is room again; XON comes with the next frame that is played.
  clear(): string {
    this.#isFull = false;
    return this.#command("FLUSH_MEDIA");
  }

  hangUp(): string {
    return this.#command("HANGUP");
  }

  dtmf(): undefined {
    return undefined;
  }

  #command(command: string, id?: string): string {
    if (this.#isJson) return JSON.stringify({ command, correlation_id: id });
    return id === undefined ? command : `${command} ${id}`;
  }

  #start(fields: JsonFields): CarrierCall {
    const callId = textOf(fields["channel_id"]) ?? textOf(fields["channel"]);
    if (callId === undefined) throw new TransportError("MEDIA_START names no channel.");
    const format = formatOf(textOf(fields["format"]) ?? "");
    const frameBytes = Number(fields["optimal_frame_size"]);
    const bytesPerMs = (bytesPerFrame(format) * format.sampleRate) / 1000;
    const messageMs = Math.round(frameBytes / bytesPerMs);
    if (!Number.isInteger(frameBytes) || messageMs < 1 || frameBytes > 65_500) {
      throw new TransportError("MEDIA_START has no optimal_frame_size that can be.");
    }
    this.#messageMs = messageMs;
    this.#hasStarted = true;
    const { from, to, ...params } = textsOf(Object.fromEntries(this.#query));
    return {
      callId,
      // Not connection_id: where Asterisk dials us it is the section's name, and every call's.
      streamId: undefined,
      from: textOf(from),
      to: textOf(to),
      params,
      inputFormat: format,
      outputFormat: format,
    };
  }
}

function formatOf(name: string): AudioFormat {
  if (name === "ulaw") return { codec: "mulaw", sampleRate: 8000, channels: 1 };
  if (name === "alaw") return { codec: "alaw", sampleRate: 8000, channels: 1 };
  const sampleRate = LINEAR_RATES[name];
  if (sampleRate !== undefined) return { codec: "pcm16", sampleRate, channels: 1 };
  throw new TransportError(
    `The channel's audio is ${name.slice(0, 20) || "of no stated format"}; dial with c(slin16).`,
  );
}

// "EVENT name:value name:value"; a mark's event holds its id alone, an error's text has spaces.
function plainFields(message: string): JsonFields {
  const [event = "", ...words] = message.slice(0, 2000).trim().split(" ");
  if (event === "MEDIA_MARK_PROCESSED") return { event, correlation_id: words.join(" ") };
  const errorAt = message.indexOf("error_text:");
  if (event === "ERROR") {
    return { event, error_text: errorAt < 0 ? "" : message.slice(errorAt + 11) };
  }
  const pairs = words.map((word): [string, string] => {
    const at = word.indexOf(":");
    return at < 0 ? [word, ""] : [word.slice(0, at), word.slice(at + 1)];
  });
  return { event, ...textsOf(Object.fromEntries(pairs)) };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
