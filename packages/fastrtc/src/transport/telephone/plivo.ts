/**
 * Plivo audio streaming: the answer webhook, and the WebSocket that its XML's `<Stream>` opens.
 *
 * Plivo signs the webhook and not the socket: the address in the XML ends in a token that opens one
 * socket. https://www.plivo.com/docs/voice/concepts/audio-streaming
 */

import {
  AuthenticationError,
  InvalidOptionError,
  NegotiationError,
  TransportError,
} from "../../errors.ts";
import type { AudioFormat } from "../../media/encoded-chunk.ts";
import { callCarrierApi, checkApiUrl, checkPublicUrl } from "./carrier-api.ts";
import type { AnnouncedCall, Carrier, CarrierCall, CarrierEvent, CarrierWire } from "./carrier.ts";
import { base64Of, bytesOf, fieldsOf, parseJsonMessage, textOf, textsOf } from "./json-message.ts";
import type { JsonFields } from "./json-message.ts";
import { OneUseTokens } from "./one-use-tokens.ts";
import { isSignedByPlivo } from "./plivo-signature.ts";
import { escapeXml, xmlElement, xmlResponse } from "./xml.ts";

/** How Plivo can carry audio. */
export type PlivoContentType =
  "audio/x-mulaw;rate=8000" | "audio/x-l16;rate=8000" | "audio/x-l16;rate=16000";

/** Configures {@link plivo}. */
export interface PlivoOptions {
  /**
   * The address under which Plivo reaches this server, such as `https://voice.example.com`.
   *
   * @defaultValue what a trusted proxy says
   */
  readonly publicUrl?: string;
  /** The account's Auth ID. */
  readonly authId: string;
  /** The account's Auth Token: every webhook is checked with it, and media sockets are. */
  readonly authToken: string;
  /**
   * The audio in both directions. 16 kHz costs four times the bandwidth of mu-law, and sounds better
   * only to callers whose own line is better than a plain telephone's.
   *
   * @defaultValue "audio/x-mulaw;rate=8000"
   */
  readonly contentType?: PlivoContentType;
  /**
   * Where Plivo's API is; a test's, for one.
   *
   * @defaultValue "https://api.plivo.com"
   */
  readonly apiUrl?: string;
}

const CONTENT_TYPES: readonly string[] = [
  "audio/x-mulaw;rate=8000",
  "audio/x-l16;rate=8000",
  "audio/x-l16;rate=16000",
] satisfies PlivoContentType[];
/** Bytes of `extraHeaders` that Plivo carries from the answer to the media socket. */
const MAX_HEADER_BYTES = 512;
/** Our one extra header: hexadecimal JSON, for Plivo lets letters and digits through alone. */
const CALL_HEADER = "fastrtc";
const DIGIT = /^[0-9*#A-D]$/;

/**
 * Takes calls from Plivo.
 *
 * @throws {@link InvalidOptionError} that names the option, the value and the remedy.
 * @example
 * ```ts
 * plivo({
 *   publicUrl: "https://voice.example.com",
 *   authId: process.env.PLIVO_AUTH_ID ?? "",
 *   authToken: process.env.PLIVO_AUTH_TOKEN ?? "",
 * });
 * ```
 */
export function plivo(options: PlivoOptions): Carrier {
  const { authId, authToken, contentType = "audio/x-mulaw;rate=8000" } = options;
  const publicUrl = checkPublicUrl(options.publicUrl);
  const apiUrl = checkApiUrl(options.apiUrl ?? "https://api.plivo.com");
  checkSecret("authId", authId);
  checkSecret("authToken", authToken);
  if (!CONTENT_TYPES.includes(contentType)) {
    throw new InvalidOptionError("contentType", contentType, `Give ${CONTENT_TYPES.join(" or ")}.`);
  }
  const tokens = new OneUseTokens({ secret: authToken });
  return {
    name: "plivo",
    publicUrl,
    announce: async ({ method, headers }, body, { webhookUrl }) => {
      const fields = new URLSearchParams(method === "POST" ? body : "");
      const nonce = headers.get("x-plivo-signature-v3-nonce") ?? "";
      const signatures = headers.get("x-plivo-signature-v3") ?? "";
      if (!isSignedByPlivo({ method, url: webhookUrl, nonce, fields }, authToken, signatures)) {
        throw new AuthenticationError("The webhook is not signed by Plivo.");
      }
      const query = new URL(webhookUrl).searchParams;
      return Promise.resolve(announcedCall(method === "POST" ? fields : query));
    },
    answer: async (call, { mediaUrl }, params) => {
      const attributes = {
        bidirectional: "true",
        keepCallAlive: "true",
        audioTrack: "inbound",
        contentType,
        extraHeaders: headerOf(call, params),
      };
      const address = escapeXml(`${mediaUrl}/${tokens.issue()}`);
      const stream = xmlElement("Stream", attributes, [address]);
      return Promise.resolve(xmlResponse(xmlElement("Response", {}, [stream])));
    },
    authorize: async ({ url }) => {
      const token = new URL(url).pathname.split("/").at(-1) ?? "";
      if (!tokens.redeem(token)) {
        throw new AuthenticationError("The media socket's address holds no token that is good.");
      }
      return Promise.resolve();
    },
    wire: () => new PlivoWire(),
    hangUp: ({ callId }, signal) =>
      callCarrierApi({
        purpose: "Plivo, ending the call",
        method: "DELETE",
        url: `${apiUrl}/v1/Account/${encodeURIComponent(authId)}/Call/${encodeURIComponent(callId)}/`,
        headers: {
          authorization: `Basic ${Buffer.from(`${authId}:${authToken}`).toString("base64")}`,
        },
        signal,
        isDone: (status) => status === 404,
      }),
  };
}

class PlivoWire implements CarrierWire {
  readonly messageMs: number = 20;
  readonly leadMs: number = 60;
  #streamId = "";
  #encoding = "";
  #sampleRate = 0;

  read(message: string | Uint8Array): CarrierEvent | undefined {
    const fields = parseJsonMessage(message);
    switch (fields["event"]) {
      case "start":
        return { type: "start", call: this.#start(fields) };
      case "media":
        return this.#audio(fieldsOf(fields["media"]));
      case "dtmf": {
        const digit = textOf(fieldsOf(fields["dtmf"])["digit"]) ?? "";
        if (!DIGIT.test(digit)) throw new TransportError("A DTMF message has no digit.");
        return { type: "dtmf", digit };
      }
      case "playedStream": {
        const name = textOf(fields["name"]);
        return name === undefined ? undefined : { type: "mark", name };
      }
      case "playFailed":
      case "error":
        return { type: "complaint", text: complaintOf(fields) };
      case "stop":
        return { type: "stop" };
      // clearedAudio among them: Plivo echoes no checkpoint that was cleared.
      default:
        return undefined;
    }
  }

  audio(data: Uint8Array): string {
    const contentType = this.#encoding;
    const sampleRate = this.#sampleRate;
    const media = { contentType, sampleRate, payload: base64Of(data) };
    return JSON.stringify({ event: "playAudio", media });
  }

  mark(name: string): string {
    return JSON.stringify({ event: "checkpoint", streamId: this.#streamId, name });
  }

  clear(): string {
    return JSON.stringify({ event: "clearAudio", streamId: this.#streamId });
  }

  hangUp(): undefined {
    return undefined;
  }

  dtmf(digits: string): string {
    return JSON.stringify({ event: "sendDTMF", dtmf: digits });
  }

  #start(fields: JsonFields): CarrierCall {
    const start = fieldsOf(fields["start"]);
    const [callId, streamId] = [textOf(start["callId"]), textOf(start["streamId"])];
    if (callId === undefined || streamId === undefined) {
      throw new TransportError("The start message names no call or no stream.");
    }
    const format = formatOf(fieldsOf(start["mediaFormat"]));
    this.#streamId = streamId;
    this.#encoding = format.codec === "mulaw" ? "audio/x-mulaw" : "audio/x-l16";
    this.#sampleRate = format.sampleRate;
    const { from, to, ...params } = extraHeadersOf(fields["extra_headers"]);
    return {
      callId,
      streamId,
      from: textOf(from),
      to: textOf(to),
      params,
      inputFormat: format,
      outputFormat: format,
    };
  }

  #audio(media: JsonFields): CarrierEvent | undefined {
    // Our own voice, should both tracks have been asked for.
    if (media["track"] === "outbound") return undefined;
    const data = bytesOf(media["payload"]);
    if (this.#encoding === "audio/x-l16" && data.length % 2 !== 0) {
      throw new TransportError("An audio message has half a sample.");
    }
    return { type: "audio", data };
  }
}

function formatOf(mediaFormat: JsonFields): AudioFormat {
  const encoding = textOf(mediaFormat["encoding"]) ?? "";
  const sampleRate = Number(mediaFormat["sampleRate"]);
  // With or without ";rate=": Plivo's own pages show both.
  const name = encoding.split(";", 1)[0] ?? "";
  if (name === "audio/x-mulaw" && sampleRate === 8000) {
    return { codec: "mulaw", sampleRate, channels: 1 };
  }
  if (name === "audio/x-l16" && (sampleRate === 8000 || sampleRate === 16_000)) {
    return { codec: "pcm16", sampleRate, channels: 1 };
  }
  const stated = `${encoding.slice(0, 40)} at ${sampleRate} Hz`;
  throw new TransportError(`The call's audio is ${stated}; set contentType in the XML.`);
}

function complaintOf(fields: JsonFields): string {
  const reason = textOf(fields["reason"]) ?? textOf(fields["message"]) ?? "no reason given";
  return `${textOf(fields["event"]) ?? ""}: ${reason.slice(0, 300)}`;
}

function announcedCall(fields: URLSearchParams): AnnouncedCall | undefined {
  const callId = fields.get("CallUUID");
  if (!callId) {
    throw new NegotiationError("Plivo's webhook names no call: CallUUID is missing.", {
      reason: "invalid_request",
    });
  }
  // The hang-up webhook, should it point here too: it tells what became of a call.
  if (fields.has("HangupCause")) return undefined;
  return { callId, from: fields.get("From") ?? undefined, to: fields.get("To") ?? undefined };
}

function headerOf({ from, to }: AnnouncedCall, params: Readonly<Record<string, string>>): string {
  const reserved = ["from", "to"].find((name) => Object.hasOwn(params, name));
  if (reserved !== undefined) {
    throw new InvalidOptionError("params", reserved, "The call has one; choose another name.");
  }
  const json = JSON.stringify({ ...params, from, to });
  const header = `${CALL_HEADER}=${Buffer.from(json).toString("hex")}`;
  if (header.length <= MAX_HEADER_BYTES) return header;
  throw new InvalidOptionError(
    "params",
    `${json.length} characters of JSON`,
    `Plivo carries ${(MAX_HEADER_BYTES - CALL_HEADER.length - 1) / 2}; pass a key, and keep the rest on the server.`,
  );
}

// Ours, or those of an XML that the application wrote itself: Plivo has sent "k=v;k=v", commas
// between, and JSON.
function extraHeadersOf(value: unknown): Record<string, string> {
  if (typeof value !== "string") return textsOf(value);
  if (value.trimStart().startsWith("{")) return textsOf(jsonOf(value));
  const pairs = value.split(/[;,]/).flatMap((pair) => {
    const at = pair.indexOf("=");
    return at < 1 ? [] : [[pair.slice(0, at).trim(), pair.slice(at + 1).trim()] as const];
  });
  const { [CALL_HEADER]: ours, ...others } = textsOf(Object.fromEntries(pairs));
  const call = ours === undefined ? {} : textsOf(jsonOf(Buffer.from(ours, "hex").toString()));
  return { ...others, ...call };
}

// What cannot be read costs the parameters, not the call.
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function checkSecret(option: "authId" | "authToken", value: unknown): void {
  if (typeof value === "string" && value !== "") return;
  throw new InvalidOptionError(option, "", "Give the one from Plivo's console.");
}
