/**
 * Vonage Voice API: the answer webhook, and the WebSocket that an NCCO's `connect` opens.
 *
 * Audio is raw: one binary message is exactly 20 ms of 16-bit PCM, in either direction.
 * https://developer.vonage.com/en/voice/voice-api/concepts/websockets
 */

import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import type { KeyObject } from "node:crypto";

import {
  AuthenticationError,
  InvalidOptionError,
  NegotiationError,
  TransportError,
} from "../../errors.ts";
import type { AudioFormat } from "../../media/encoded-chunk.ts";
import { callCarrierApi, checkApiUrl, checkPublicUrl } from "./carrier-api.ts";
import type { AnnouncedCall, Carrier, CarrierCall, CarrierEvent, CarrierWire } from "./carrier.ts";
import { fieldsOf, parseJsonMessage, textOf, textsOf } from "./json-message.ts";
import type { JsonFields } from "./json-message.ts";
import { readPrivateKey, signJwt, verifyJwt } from "./json-web-token.ts";

/** The rates, in Hz, that Vonage carries. */
export type VonageSampleRate = 8000 | 16_000 | 24_000;

/** Configures {@link vonage}. */
export interface VonageOptions {
  /**
   * The address under which Vonage reaches this server, such as `https://voice.example.com`.
   *
   * @defaultValue what a trusted proxy says
   */
  readonly publicUrl?: string;
  /** The account's signature secret, from the dashboard: every webhook and every media socket is
   * checked with it. */
  readonly signatureSecret: string;
  /**
   * The application's id. Calls of other applications are refused then; needed to hang up.
   *
   * @defaultValue calls of every application of the account are taken
   */
  readonly applicationId?: string;
  /**
   * The application's RSA key in PEM, to hang up through the API.
   *
   * @defaultValue none: a call ends when its media socket closes
   */
  readonly privateKey?: string;
  /**
   * Hz of the audio in both directions. A higher rate costs bandwidth, and sounds better only to
   * callers whose own line is better than a plain telephone's.
   *
   * @defaultValue 16000
   */
  readonly sampleRate?: VonageSampleRate;
  /**
   * Where the Voice API is; another region's, or a test's.
   *
   * @defaultValue "https://api.nexmo.com"
   */
  readonly apiUrl?: string;
}

const RATES: readonly number[] = [8000, 16_000, 24_000];
const FRAME_MS = 20;
/** Bytes of JSON that Vonage carries from the answer to the media socket. */
const MAX_HEADER_BYTES = 512;
/** What the first message holds besides the parameters. */
const OWN_FIELDS = ["event", "content-type", "call_uuid", "from", "to"];
const DIGIT = /^[0-9*#A-D]$/;

/**
 * Takes calls from Vonage.
 *
 * @throws {@link InvalidOptionError} that names the option, the value and the remedy.
 * @example
 * ```ts
 * vonage({
 *   publicUrl: "https://voice.example.com",
 *   signatureSecret: process.env.VONAGE_SIGNATURE_SECRET ?? "",
 * });
 * ```
 */
export function vonage(options: VonageOptions): Carrier {
  const { signatureSecret, applicationId, sampleRate = 16_000 } = options;
  const publicUrl = checkPublicUrl(options.publicUrl);
  const apiUrl = checkApiUrl(options.apiUrl ?? "https://api.nexmo.com");
  if (typeof signatureSecret !== "string" || signatureSecret === "") {
    throw new InvalidOptionError(
      "signatureSecret",
      "",
      "Give the account's signature secret: without it anybody could pose as Vonage.",
    );
  }
  if (!RATES.includes(sampleRate)) {
    throw new InvalidOptionError("sampleRate", sampleRate, "Give 8000, 16000 or 24000.");
  }
  const key = keyOf(options);
  const check = (request: Request): JsonFields => {
    const [scheme = "", token = ""] = (request.headers.get("authorization") ?? "").split(" ");
    if (scheme.toLowerCase() !== "bearer") throw new AuthenticationError("A token is missing.");
    const claims = verifyJwt(token, signatureSecret);
    const from = claims["application_id"];
    if (applicationId !== undefined && from !== undefined && from !== applicationId) {
      throw new AuthenticationError("The token is of another application.");
    }
    return claims;
  };
  return {
    name: "vonage",
    publicUrl,
    announce: async (request, body) => {
      const isPost = request.method === "POST";
      const query = isPost ? {} : Object.fromEntries(new URL(request.url).searchParams);
      checkPayload(check(request), isPost ? body : JSON.stringify(query), isPost);
      return Promise.resolve(announcedCall(isPost ? jsonOf(body) : query));
    },
    answer: async ({ callId, from, to }, { mediaUrl }, params) => {
      const endpoint = {
        type: "websocket",
        uri: mediaUrl,
        "content-type": `audio/l16;rate=${sampleRate}`,
        headers: headersOf(params, { call_uuid: callId, from, to }),
        authorization: { type: "vonage" },
      };
      const ncco = [{ action: "connect", from: to, endpoint: [endpoint] }];
      return Promise.resolve(Response.json(ncco));
    },
    authorize: async (request) => {
      await Promise.resolve(check(request));
    },
    wire: () => new VonageWire(),
    hangUp:
      applicationId !== undefined && key
        ? ({ callId }, signal) =>
            callCarrierApi({
              purpose: "Vonage, ending the call",
              method: "PUT",
              url: `${apiUrl}/v1/calls/${encodeURIComponent(callId)}`,
              headers: {
                authorization: `Bearer ${signJwt({ application_id: applicationId, jti: randomUUID() }, key)}`,
                "content-type": "application/json",
              },
              body: JSON.stringify({ action: "hangup" }),
              signal,
              isDone: (status) => status === 404,
            })
        : undefined,
  };
}

class VonageWire implements CarrierWire {
  readonly messageMs: number = FRAME_MS;
  readonly leadMs: number = 60;
  read(message: string | Uint8Array): CarrierEvent | undefined {
    if (typeof message !== "string") {
      if (message.length % 2 !== 0) throw new TransportError("An audio message has half a sample.");
      return { type: "audio", data: message };
    }
    const fields = parseJsonMessage(message);
    switch (fields["event"]) {
      case "websocket:connected":
        return { type: "start", call: startedCall(fields) };
      case "websocket:dtmf": {
        const digit = textOf(fields["digit"]) ?? "";
        if (!DIGIT.test(digit)) throw new TransportError("A DTMF message has no digit.");
        return { type: "dtmf", digit };
      }
      case "websocket:notify": {
        const name = textOf(fieldsOf(fields["payload"])["name"]);
        return name === undefined ? undefined : { type: "mark", name };
      }
      default:
        return undefined;
    }
  }

  // Exactly 20 ms: a message of any other size makes Vonage cut the socket with 1006 and end the
  // call. A copy, for the socket may keep it while it waits.
  audio(data: Uint8Array): Uint8Array {
    return data.slice();
  }

  mark(name: string): string {
    return JSON.stringify({ action: "notify", payload: { name } });
  }

  clear(): string {
    return '{"action":"clear"}';
  }

  hangUp(): undefined {
    return undefined;
  }

  dtmf(): undefined {
    return undefined;
  }
}

function keyOf({ privateKey, applicationId }: VonageOptions): KeyObject | undefined {
  if (privateKey === undefined) return undefined;
  if (applicationId === undefined) {
    throw new InvalidOptionError(
      "applicationId",
      undefined,
      "Give the id that the key belongs to.",
    );
  }
  const key = readPrivateKey(privateKey);
  if (key) return key;
  // Not the value: it may be nearly a key.
  throw new InvalidOptionError("privateKey", privateKey.slice(0, 11), "Give an RSA key in PEM.");
}

// A POST is hashed as it came. For a GET it is the query, in its order, as JSON:
// https://api.support.vonage.com/hc/en-us/articles/19033783342876
function checkPayload(claims: JsonFields, payload: string, isRequired: boolean): void {
  const given = claims["payload_hash"];
  if (given === undefined && !isRequired) return;
  const expected = createHash("sha256").update(payload).digest();
  const hash = Buffer.from(typeof given === "string" ? given : "", "hex");
  if (hash.length !== expected.length || !timingSafeEqual(hash, expected)) {
    throw new AuthenticationError("The token is not of this webhook.");
  }
}

function startedCall(fields: JsonFields): CarrierCall {
  const type = textOf(fields["content-type"]) ?? "";
  const sampleRate = Number(/^audio\/l16; ?rate=(\d+)$/.exec(type)?.[1]);
  if (!RATES.includes(sampleRate)) {
    throw new TransportError(`The call's audio is ${type.slice(0, 40) || "of no stated type"}.`);
  }
  const format: AudioFormat = { codec: "pcm16", sampleRate, channels: 1 };
  const params = textsOf(fields);
  for (const name of OWN_FIELDS) Reflect.deleteProperty(params, name);
  return {
    // Vonage itself does not say on the socket: an NCCO that is not ours may have named nothing.
    callId: textOf(fields["call_uuid"]) ?? randomUUID(),
    streamId: undefined,
    from: textOf(fields["from"]),
    to: textOf(fields["to"]),
    params,
    inputFormat: format,
    outputFormat: format,
  };
}

function announcedCall(fields: JsonFields): AnnouncedCall | undefined {
  const callId = textOf(fields["uuid"]);
  if (callId === undefined) {
    throw new NegotiationError("Vonage's webhook names no call: uuid is missing.", {
      reason: "invalid_request",
    });
  }
  // The event webhook, should it point here too: it tells what became of a call.
  if (fields["status"] !== undefined) return undefined;
  return { callId, from: textOf(fields["from"]), to: textOf(fields["to"]) };
}

function jsonOf(body: string): JsonFields {
  try {
    return fieldsOf(JSON.parse(body));
  } catch (cause) {
    throw new NegotiationError("Vonage's webhook is not JSON.", {
      reason: "invalid_request",
      cause,
    });
  }
}

function headersOf(
  params: Readonly<Record<string, string>>,
  call: Readonly<Record<string, string | undefined>>,
): JsonFields {
  const reserved = OWN_FIELDS.find((name) => Object.hasOwn(params, name));
  if (reserved !== undefined) {
    throw new InvalidOptionError("params", reserved, "Vonage uses this name; choose another one.");
  }
  const headers = { ...params, ...call };
  const size = Buffer.byteLength(JSON.stringify(headers));
  if (size <= MAX_HEADER_BYTES) return headers;
  throw new InvalidOptionError(
    "params",
    `${size} bytes of JSON`,
    `Vonage carries ${MAX_HEADER_BYTES}; pass a key, and keep the rest on the server.`,
  );
}
