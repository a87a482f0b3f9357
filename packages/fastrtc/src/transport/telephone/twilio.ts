/**
 * Twilio Media Streams: the webhook of a call, and the WebSocket that `<Connect><Stream>` opens.
 *
 * https://www.twilio.com/docs/voice/media-streams/websocket-messages
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
import { isSignedByTwilio } from "./twilio-signature.ts";
import { xmlElement, xmlResponse } from "./xml.ts";

/** Configures {@link twilio}. */
export interface TwilioOptions {
  /**
   * The address under which Twilio reaches this server, such as `https://voice.example.com`.
   *
   * @defaultValue what a trusted proxy says
   */
  readonly publicUrl?: string;
  /**
   * The account's auth token: every webhook and every media socket is checked with it.
   *
   * @defaultValue none, and nothing is checked: anybody who knows the address may call
   */
  readonly authToken?: string | undefined;
  /**
   * The secret of the shared key that signs instead, for accounts with a Webhooks Rule.
   *
   * @defaultValue none: requests that a shared key has signed are refused
   */
  readonly sharedKeySecret?: string;
  /**
   * Whether signatures are checked.
   *
   * @defaultValue true with an `authToken`, else false
   */
  readonly validateSignature?: boolean;
  /** The account's SID, `AC…`. Calls of other accounts are refused then; needed to hang up. */
  readonly accountSid?: string;
  /** SID of an API key to hang up with, `SK…`. @defaultValue the account and its auth token */
  readonly apiKey?: string;
  /** Secret of `apiKey`. */
  readonly apiSecret?: string;
  /**
   * Whether the end of a session ends the call through the API. Without it, the closing of the
   * media socket does: nothing follows `<Connect>` in our answer to the webhook. Needed where you
   * answer with TwiML of your own that goes on after it.
   *
   * @defaultValue false
   */
  readonly hangUp?: boolean;
  /** Where Twilio posts that a stream has started, stopped or failed. @defaultValue nowhere */
  readonly statusCallback?: string;
  /** Where Twilio's API is; a test's, or another region's. @defaultValue "https://api.twilio.com" */
  readonly apiUrl?: string;
}

/** Twilio plays what it is sent without gaps from 20 ms on; longer messages answer later. */
const MESSAGE_MS = 20;
/** Characters that a parameter's name and value may have together. */
const MAX_PARAMETER_LENGTH = 499;

/**
 * Takes calls from Twilio.
 *
 * @throws {@link InvalidOptionError} that names the option, the value and the remedy.
 * @example
 * ```ts
 * const stream = new Stream({
 *   handler: new ReplyOnPause(answer),
 *   modality: "audio",
 *   telephone: twilio({
 *     publicUrl: "https://voice.example.com",
 *     authToken: process.env.TWILIO_AUTH_TOKEN,
 *   }),
 * });
 * ```
 */
export function twilio(options: TwilioOptions = {}): Carrier {
  const { authToken, sharedKeySecret, accountSid, statusCallback } = options;
  // A variable that is not set must not open the door to everybody.
  const validates = options.validateSignature ?? "authToken" in options;
  if (validates && (authToken === undefined || authToken === "")) {
    throw new InvalidOptionError(
      "authToken",
      authToken,
      "Give the account's auth token, with which signatures are checked, or validateSignature: false.",
    );
  }

  function check(request: Request, url: string, params: URLSearchParams): void {
    if (!validates || authToken === undefined) return;
    if (!isSignedByTwilio({ authToken, sharedKeySecret }, request.headers, url, params)) {
      throw new AuthenticationError(`Twilio has not signed this request to ${url}.`);
    }
  }

  return {
    name: "twilio",
    publicUrl: checkPublicUrl(options.publicUrl),
    announce: async (request, body, { webhookUrl }) => {
      const form = new URLSearchParams(body);
      check(request, webhookUrl, form);
      const callId = form.get("CallSid") ?? "";
      if (callId === "" || (accountSid !== undefined && form.get("AccountSid") !== accountSid)) {
        throw new NegotiationError("The webhook tells of no call of this account's.", {
          reason: "invalid_request",
        });
      }
      const from = form.get("From") ?? undefined;
      return Promise.resolve({ callId, from, to: form.get("To") ?? undefined });
    },
    answer: async (call, { mediaUrl }, params) => {
      const parameters = parametersOf(call, params).map(([name, value]) =>
        xmlElement("Parameter", { name, value }),
      );
      const stream = xmlElement("Stream", { url: mediaUrl, statusCallback }, parameters);
      return Promise.resolve(
        xmlResponse(xmlElement("Response", {}, [xmlElement("Connect", {}, [stream])])),
      );
    },
    authorize: async (request, { mediaUrl }) => {
      check(request, mediaUrl, new URLSearchParams());
      return Promise.resolve();
    },
    wire: () => new TwilioWire(accountSid),
    hangUp: options.hangUp === true ? hangUpOf(options) : undefined,
  };
}

// The media socket tells of neither number; the answer to the webhook passes them along.
function parametersOf(
  { from, to }: AnnouncedCall,
  params: Readonly<Record<string, string>>,
): readonly (readonly [name: string, value: string])[] {
  const own = Object.entries({ from, to }).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  );
  const others = Object.entries(params).filter(([name]) => name !== "from" && name !== "to");
  for (const [name, value] of others) {
    if (name !== "" && name.length + value.length <= MAX_PARAMETER_LENGTH) continue;
    throw new InvalidOptionError(
      "telephone.params",
      name,
      `Twilio carries names and values of up to ${MAX_PARAMETER_LENGTH} characters together.`,
    );
  }
  return [...own, ...others];
}

function hangUpOf(options: TwilioOptions): NonNullable<Carrier["hangUp"]> {
  const { accountSid = "", authToken, apiKey, apiSecret } = options;
  const apiUrl = checkApiUrl(options.apiUrl ?? "https://api.twilio.com");
  const user = apiKey ?? accountSid;
  const password = apiKey === undefined ? authToken : apiSecret;
  if (accountSid === "" || password === undefined || password === "") {
    throw new InvalidOptionError(
      "hangUp",
      true,
      "Give accountSid, and authToken or apiKey with apiSecret: Twilio's API asks for them.",
    );
  }
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  return ({ callId }, signal) =>
    callCarrierApi({
      purpose: "Twilio, ending the call",
      method: "POST",
      url: `${apiUrl}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/Calls/${encodeURIComponent(callId)}.json`,
      headers: { authorization, "content-type": "application/x-www-form-urlencoded" },
      body: "Status=completed",
      signal,
      isDone: (status, body) => status === 404 && /"code":\s*20404\b/.test(body),
    });
}

class TwilioWire implements CarrierWire {
  readonly messageMs = MESSAGE_MS;
  readonly leadMs = 60;
  readonly #accountSid: string | undefined;
  #streamSid: string | undefined;
  #quotedSid = '""';

  constructor(accountSid: string | undefined) {
    this.#accountSid = accountSid;
  }

  read(message: string | Uint8Array): CarrierEvent | undefined {
    const fields = parseJsonMessage(message);
    switch (fields["event"]) {
      case "start":
        return { type: "start", call: this.#start(fields) };
      case "media":
        return this.#media(fields);
      case "mark":
        this.#checkStream(fields);
        return { type: "mark", name: textOf(fieldsOf(fields["mark"])["name"]) ?? "" };
      case "dtmf":
        this.#checkStream(fields);
        return { type: "dtmf", digit: textOf(fieldsOf(fields["dtmf"])["digit"]) ?? "" };
      case "stop":
        this.#checkStream(fields);
        return { type: "stop" };
      default:
        return undefined;
    }
  }

  // Exactly these fields: Twilio complains of any other (31951) and drops the message.
  audio(data: Uint8Array): string {
    return `{"event":"media","streamSid":${this.#quotedSid},"media":{"payload":"${base64Of(data)}"}}`;
  }

  mark(name: string): string {
    return `{"event":"mark","streamSid":${this.#quotedSid},"mark":{"name":${JSON.stringify(name)}}}`;
  }

  clear(): string {
    return `{"event":"clear","streamSid":${this.#quotedSid}}`;
  }

  hangUp(): undefined {
    return undefined;
  }

  dtmf(): undefined {
    return undefined;
  }

  #start(fields: JsonFields): CarrierCall {
    const start = fieldsOf(fields["start"]);
    const streamId = textOf(fields["streamSid"]) ?? textOf(start["streamSid"]);
    const callId = textOf(start["callSid"]);
    if (streamId === undefined || callId === undefined) {
      throw new TransportError("Twilio's start names no stream or no call.");
    }
    if (this.#accountSid !== undefined && start["accountSid"] !== this.#accountSid) {
      throw new TransportError("Twilio's start names another account.");
    }
    const format = formatOf(fieldsOf(start["mediaFormat"]));
    const { from, to, ...params } = textsOf(start["customParameters"]);
    this.#streamSid ??= streamId;
    this.#quotedSid = JSON.stringify(this.#streamSid);
    return { callId, streamId, from, to, params, inputFormat: format, outputFormat: format };
  }

  #media(fields: JsonFields): CarrierEvent | undefined {
    this.#checkStream(fields);
    const media = fieldsOf(fields["media"]);
    // A stream that was begun elsewhere may carry our own voice too.
    if (media["track"] === "outbound") return undefined;
    return { type: "audio", data: bytesOf(media["payload"]) };
  }

  #checkStream(fields: JsonFields): void {
    // Before the start there is none to compare with; whoever reads refuses what comes then.
    if (this.#streamSid !== undefined && fields["streamSid"] !== this.#streamSid) {
      throw new TransportError("A message for another stream.");
    }
  }
}

// Twilio documents mu-law of 8 kHz alone, and says in each start what it sends.
function formatOf(mediaFormat: JsonFields): AudioFormat {
  const encoding = textOf(mediaFormat["encoding"]) ?? "audio/x-mulaw";
  const sampleRate = Number(mediaFormat["sampleRate"] ?? 8000);
  const channels = Number(mediaFormat["channels"] ?? 1);
  const codec = encoding === "audio/x-mulaw" ? "mulaw" : undefined;
  if (!codec || channels !== 1 || !Number.isInteger(sampleRate / 50) || sampleRate < 8000) {
    throw new TransportError(`Twilio's ${encoding} at ${sampleRate} Hz cannot be read.`);
  }
  return { codec, sampleRate, channels };
}
