/**
 * Telnyx: the webhook of a Call Control or TeXML application, and the WebSocket of its media
 * streaming. `telnyx-wire.ts` has the messages, `telnyx-signature.ts` the webhook's signature.
 *
 * https://developers.telnyx.com/docs/voice/programmable-voice/media-streaming
 */

import { createHash } from "node:crypto";

import { AuthenticationError, InvalidOptionError, NegotiationError } from "../../errors.ts";
import { API_TIMEOUT_MS, callCarrierApi, checkApiUrl, checkPublicUrl } from "./carrier-api.ts";
import type { AnnouncedCall, Carrier } from "./carrier.ts";
import { fieldsOf, textOf } from "./json-message.ts";
import type { JsonFields } from "./json-message.ts";
import { OneUseTokens } from "./one-use-tokens.ts";
import { isSignedByTelnyx, readTelnyxKey } from "./telnyx-signature.ts";
import { telnyxFormat, TelnyxWire } from "./telnyx-wire.ts";
import type { TelnyxCodec } from "./telnyx-wire.ts";
import { xmlElement, xmlResponse } from "./xml.ts";

/** Configures {@link telnyx}. */
export interface TelnyxOptions {
  /**
   * The address under which Telnyx reaches this server, such as `https://voice.example.com`.
   *
   * @defaultValue what a trusted proxy says
   */
  readonly publicUrl?: string;
  /**
   * The account's public key, with which every webhook is checked.
   *
   * @defaultValue none, and nothing is checked: anybody who knows the address may call
   */
  readonly publicKey?: string | undefined;
  /** The key of Telnyx's API, `KEY…`: answers calls and ends them. Not needed with `"texml"`. */
  readonly apiKey?: string | undefined;
  /**
   * How a call is answered: by a command to the API, for numbers of a Call Control application
   * (Voice API), or by the webhook's own answer, for those of a TeXML application.
   *
   * @defaultValue "api"
   */
  readonly answer?: "api" | "texml";
  /**
   * How audio is sent, and asked for. What Telnyx then says that it sends is obeyed. G722, OPUS and
   * AMR-WB are not offered.
   *
   * @defaultValue "PCMU"
   */
  readonly codec?: TelnyxCodec;
  /** Rate of L16 in Hz; PCMU and PCMA have 8000. @defaultValue 16000 */
  readonly sampleRate?: 8000 | 16_000 | 24_000 | 48_000;
  /**
   * Which byte of L16 comes first. RTP says the high one; deployed services disagree about what
   * Telnyx does, and the wrong one is loud noise. Must be given with L16: listen before you rely on
   * it.
   */
  readonly byteOrder?: "little" | "big";
  /**
   * Whether the end of a session ends the call through the API. Without it the call goes on, and
   * the caller hears nothing.
   *
   * @defaultValue true with an `apiKey`
   */
  readonly hangUp?: boolean;
  /** Where Telnyx's API is; a test's, for example. @defaultValue "https://api.telnyx.com/v2" */
  readonly apiUrl?: string;
}

const TOKEN_HEADER = "x-telnyx-streaming-auth-token";

/**
 * Takes calls from Telnyx.
 *
 * @throws {@link InvalidOptionError} that names the option, the value and the remedy.
 * @example
 * ```ts
 * const stream = new Stream({
 *   handler: new ReplyOnPause(answer),
 *   modality: "audio",
 *   telephone: telnyx({
 *     publicUrl: "https://voice.example.com",
 *     publicKey: process.env.TELNYX_PUBLIC_KEY,
 *     apiKey: process.env.TELNYX_API_KEY,
 *   }),
 * });
 * ```
 */
export function telnyx(options: TelnyxOptions): Carrier {
  const { apiKey, answer: answerBy = "api", codec = "PCMU", byteOrder } = options;
  const key = keyOf(options);
  const sampleRate = codec === "L16" ? (options.sampleRate ?? 16_000) : 8000;
  const outputFormat = telnyxFormat(codec, sampleRate);
  const apiUrl = checkApiUrl(options.apiUrl ?? "https://api.telnyx.com/v2");
  if (apiKey === undefined && (answerBy === "api" || options.hangUp === true)) {
    throw new InvalidOptionError(
      "apiKey",
      apiKey,
      'Give a key of Telnyx\'s API, with which calls are answered and ended, or answer: "texml".',
    );
  }
  if (codec === "L16" && byteOrder === undefined) {
    throw new InvalidOptionError(
      "byteOrder",
      byteOrder,
      'Give "little" or "big" with L16; without a way to try it, use the codec "PCMU".',
    );
  }
  const tokens = new OneUseTokens(apiKey === undefined ? {} : { secret: apiKey });

  // A command of the same id is carried out once: webhooks come twice now and then.
  const command = (callId: string, action: string, fields: object, signal: AbortSignal) =>
    callCarrierApi({
      purpose: `Telnyx, ${action}`,
      method: "POST",
      url: `${apiUrl}/calls/${encodeURIComponent(callId)}/actions/${action}`,
      headers: { authorization: `Bearer ${apiKey ?? ""}`, "content-type": "application/json" },
      body: JSON.stringify({ ...fields, command_id: commandId(callId, action) }),
      signal,
      isDone: (status, body) => status === 422 && /"code":\s*"?90018\b/.test(body),
    });

  return {
    name: "telnyx",
    publicUrl: checkPublicUrl(options.publicUrl),
    announce: async ({ headers }, body) => {
      if (key && !isSignedByTelnyx(key, headers, body)) {
        throw new AuthenticationError("Telnyx has not signed this webhook, or not lately.");
      }
      return Promise.resolve(answerBy === "api" ? callOfEvent(body) : callOfForm(body));
    },
    answer: async (call, { mediaUrl }, params) => {
      const entries = Object.entries(params).map(([name, value]) => ({ name, value }));
      if (answerBy === "texml") {
        const url = `${mediaUrl}/${tokens.issue()}`;
        const stream = { url, bidirectionalMode: "rtp", bidirectionalCodec: codec, codec };
        const rate = { bidirectionalSamplingRate: String(sampleRate) };
        const children = entries.map((entry) => xmlElement("Parameter", entry));
        const connect = xmlElement("Connect", {}, [
          xmlElement("Stream", { ...stream, ...rate }, children),
        ]);
        return xmlResponse(xmlElement("Response", {}, [connect]));
      }
      const streaming = {
        stream_url: mediaUrl,
        stream_track: "inbound_track",
        stream_codec: codec,
        stream_bidirectional_mode: "rtp",
        stream_bidirectional_codec: codec,
        stream_bidirectional_sampling_rate: sampleRate,
        stream_auth_token: tokens.issue(),
        ...(entries.length > 0 ? { custom_parameters: entries } : {}),
      };
      await command(call.callId, "answer", streaming, AbortSignal.timeout(API_TIMEOUT_MS));
      return new Response(null);
    },
    authorize: async ({ headers, url }) => {
      const inPath = new URL(url).pathname.split("/").at(-1) ?? "";
      const token = answerBy === "api" ? headers.get(TOKEN_HEADER) : inPath;
      if (!tokens.redeem(token ?? "")) {
        throw new AuthenticationError("The media socket brings no token that is good.");
      }
      return Promise.resolve();
    },
    wire: () => new TelnyxWire({ outputFormat, isBigEndian: byteOrder === "big" }),
    hangUp:
      (options.hangUp ?? apiKey !== undefined)
        ? ({ callId }, signal) => command(callId, "hangup", {}, signal)
        : undefined,
  };
}

function keyOf(options: TelnyxOptions): ReturnType<typeof readTelnyxKey> | undefined {
  // A variable that is not set must not open the door to everybody.
  return "publicKey" in options ? readTelnyxKey(options.publicKey ?? "") : undefined;
}

function commandId(callId: string, action: string): string {
  return createHash("sha256").update(`fastrtc ${action} ${callId}`).digest("hex").slice(0, 32);
}

// A Voice API application posts every event of its calls to the one address.
function callOfEvent(body: string): AnnouncedCall | undefined {
  const { event_type: type, payload } = eventOf(body) as {
    event_type?: unknown;
    payload?: unknown;
  };
  const call = fieldsOf(payload);
  if (typeof type !== "string") throw unreadable();
  if (type !== "call.initiated" || call["direction"] === "outgoing") return undefined;
  const callId = textOf(call["call_control_id"]);
  if (callId === undefined) throw unreadable();
  return { callId, from: textOf(call["from"]), to: textOf(call["to"]) };
}

function eventOf(body: string): JsonFields {
  try {
    return fieldsOf(fieldsOf(JSON.parse(body) as unknown)["data"]);
  } catch {
    throw unreadable();
  }
}

function callOfForm(body: string): AnnouncedCall {
  const form = new URLSearchParams(body);
  const callId = form.get("CallSid") ?? "";
  if (callId === "") throw unreadable();
  return { callId, from: form.get("From") ?? undefined, to: form.get("To") ?? undefined };
}

function unreadable(): NegotiationError {
  return new NegotiationError("The webhook tells of no call.", { reason: "invalid_request" });
}
