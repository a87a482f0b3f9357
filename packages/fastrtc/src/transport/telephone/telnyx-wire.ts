import { TransportError } from "../../errors.ts";
import type { AudioFormat } from "../../media/encoded-chunk.ts";
import type { CarrierCall, CarrierEvent, CarrierWire } from "./carrier.ts";
import {
  base64Of,
  bytesOf,
  fieldsOf,
  parseJsonMessage,
  textOf,
  textsOf,
  wholeNumberOf,
} from "./json-message.ts";
import type { JsonFields } from "./json-message.ts";

/** The codecs of Telnyx that are carried. */
export type TelnyxCodec = "PCMU" | "PCMA" | "L16";

/** What a {@link TelnyxWire} was told when Telnyx was asked to stream. */
export interface TelnyxWireOptions {
  readonly outputFormat: AudioFormat;
  /** Whether the bytes of L16 come and go the way of RTP, the high one first. */
  readonly isBigEndian: boolean;
}

/** Returns the format that a codec of Telnyx's is for us. */
export function telnyxFormat(codec: TelnyxCodec, sampleRate: number): AudioFormat {
  const ours = { PCMU: "mulaw", PCMA: "alaw", L16: "pcm16" } as const;
  return { codec: ours[codec], sampleRate, channels: 1 };
}

/**
 * Reads and writes a media socket of Telnyx's.
 * https://developers.telnyx.com/api-reference/websockets/stream-call-media-over-websocket
 */
export class TelnyxWire implements CarrierWire {
  // The least that Telnyx takes.
  readonly messageMs = 20;
  readonly leadMs = 60;
  readonly #options: TelnyxWireOptions;
  #streamId: string | undefined;
  #swapsInput = false;

  constructor(options: TelnyxWireOptions) {
    this.#options = options;
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
      case "error":
        return { type: "complaint", text: complaintOf(fieldsOf(fields["payload"])) };
      case "stop":
        this.#checkStream(fields);
        return { type: "stop" };
      default:
        return undefined;
    }
  }

  audio(data: Uint8Array): string {
    const { outputFormat, isBigEndian } = this.#options;
    const bytes = isBigEndian && outputFormat.codec === "pcm16" ? swapped(data) : data;
    return `{"event":"media","media":{"payload":"${base64Of(bytes)}"}}`;
  }

  mark(name: string): string {
    return JSON.stringify({ event: "mark", mark: { name } });
  }

  clear(): string {
    return '{"event":"clear"}';
  }

  hangUp(): undefined {
    return undefined;
  }

  dtmf(): undefined {
    return undefined;
  }

  #start(fields: JsonFields): CarrierCall {
    const start = fieldsOf(fields["start"]);
    const streamId = textOf(fields["stream_id"]);
    const callId = textOf(start["call_control_id"]);
    if (streamId === undefined || callId === undefined) {
      throw new TransportError("Telnyx's start names no stream or no call.");
    }
    const inputFormat = formatOf(fieldsOf(start["media_format"]));
    this.#streamId ??= streamId;
    this.#swapsInput = inputFormat.codec === "pcm16" && this.#options.isBigEndian;
    return {
      callId,
      streamId,
      from: textOf(start["from"]),
      to: textOf(start["to"]),
      params: paramsOf(start["custom_parameters"]),
      inputFormat,
      outputFormat: this.#options.outputFormat,
    };
  }

  #media(fields: JsonFields): CarrierEvent | undefined {
    this.#checkStream(fields);
    const media = fieldsOf(fields["media"]);
    if (media["track"] === "outbound") return undefined;
    const bytes = bytesOf(media["payload"]);
    const data = this.#swapsInput ? swapped(bytes) : bytes;
    const order = wholeNumberOf(media["chunk"]);
    return order === undefined ? { type: "audio", data } : { type: "audio", data, order };
  }

  #checkStream(fields: JsonFields): void {
    // Before the start there is none to compare with; whoever reads refuses what comes then.
    const { stream_id: streamId = this.#streamId } = fields;
    if (this.#streamId !== undefined && streamId !== this.#streamId) {
      throw new TransportError("A message for another stream.");
    }
  }
}

// What comes follows the caller's own line: mostly PCMA in Europe, whatever was asked for.
function formatOf(mediaFormat: JsonFields): AudioFormat {
  const encoding = textOf(mediaFormat["encoding"])?.toUpperCase() ?? "PCMU";
  const sampleRate = wholeNumberOf(mediaFormat["sample_rate"]) ?? 8000;
  const channels = wholeNumberOf(mediaFormat["channels"]) ?? 1;
  const isCarried = encoding === "PCMU" || encoding === "PCMA" || encoding === "L16";
  if (!isCarried || channels !== 1 || sampleRate < 8000 || sampleRate % 50 !== 0) {
    throw new TransportError(`Telnyx's ${encoding} at ${sampleRate} Hz cannot be read.`);
  }
  return telnyxFormat(encoding, sampleRate);
}

// An object in the documentation of the socket, a list of pairs in that of the command.
function paramsOf(value: unknown): Record<string, string> {
  if (!Array.isArray(value)) return textsOf(value);
  const pairs = value.map((pair: unknown): [unknown, unknown] => {
    const { name, value: given } = fieldsOf(pair) as { name?: unknown; value?: unknown };
    return [name, given];
  });
  return textsOf(Object.fromEntries(pairs.filter(([name]) => typeof name === "string")));
}

function complaintOf(payload: JsonFields): string {
  const parts = [payload["code"], payload["title"], payload["detail"]];
  return parts.map(textOf).filter(Boolean).join(" ").slice(0, 300) || "An error without a text.";
}

function swapped(bytes: Uint8Array): Uint8Array {
  const swappedBytes = new Uint8Array(bytes.length & ~1);
  for (let i = 0; i < swappedBytes.length; i += 2) {
    swappedBytes[i] = bytes[i + 1] ?? 0;
    swappedBytes[i + 1] = bytes[i] ?? 0;
  }
  return swappedBytes;
}
