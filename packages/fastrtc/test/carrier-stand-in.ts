/**
 * Plays a carrier on a media socket: what it says of a call, how it buffers and plays what it is
 * sent, and what it complains about. `carrier-calls.ts` opens such a socket over the network.
 */

import { createDecoder, createEncoder } from "../src/codec/create-codec.ts";
import type { Clock } from "../src/media/clock.ts";
import type { AudioFormat } from "../src/media/encoded-chunk.ts";
import { StandInPlayout } from "./stand-in-playout.ts";

/** Where a stand-in's messages go. */
export interface StandInLink {
  send(message: string): void;
  close(): void;
}

/** A message that the carrier would have complained about. */
export interface StandInFault {
  /** Twilio's or Telnyx's number of the error. */
  readonly code: number;
  readonly text: string;
}

/** Who plays, and in which call. */
export interface StandInOptions {
  readonly carrier: "twilio" | "telnyx";
  readonly clock: Clock;
  readonly link: StandInLink;
  readonly streamId: string;
  readonly callId: string;
  readonly accountSid?: string;
  readonly from?: string;
  readonly to?: string;
  readonly params?: Readonly<Record<string, string>>;
  /** @defaultValue mu-law of 8 kHz */
  readonly inputFormat?: AudioFormat;
  /** @defaultValue mu-law of 8 kHz */
  readonly outputFormat?: AudioFormat;
}

const MULAW: AudioFormat = { codec: "mulaw", sampleRate: 8000, channels: 1 };
const ENCODINGS = { mulaw: "PCMU", alaw: "PCMA", pcm16: "L16", opus: "OPUS" } as const;

/** One call of a carrier's. */
export class CarrierStandIn {
  readonly faults: StandInFault[] = [];
  /** Names of the marks, in the order in which they were echoed. */
  readonly echoes: string[] = [];
  /** How often it was told to drop what waits. */
  flushes = 0;
  readonly #options: StandInOptions;
  readonly #inputFormat: AudioFormat;
  readonly #outputFormat: AudioFormat;
  readonly #playout: StandInPlayout;
  #sequence = 0;
  #chunk = 0;
  #timestampMs = 0;

  constructor(options: StandInOptions) {
    this.#options = options;
    this.#inputFormat = options.inputFormat ?? MULAW;
    this.#outputFormat = options.outputFormat ?? MULAW;
    this.#playout = new StandInPlayout({
      clock: options.clock,
      bytesPerSecond: bytesPerSecond(this.#outputFormat),
      // Twilio's ten minutes; Telnyx documents no bound.
      maxBufferedMs: 600_000,
      onMark: (name) => {
        this.echoes.push(name);
        this.#say("mark", { mark: { name } });
      },
    });
  }

  /** Audio that waits to be played, in milliseconds. */
  get bufferedMs(): number {
    return this.#playout.bufferedMs;
  }

  /** Everything that the caller has heard, without the pauses. */
  heard(): Int16Array {
    const { sampleRate } = this.#outputFormat;
    const decoder = createDecoder(this.#outputFormat, sampleRate, 1);
    const samples = this.#playout.played.flatMap((part) => [...decoder.decode(part)]);
    decoder.free();
    return Int16Array.from(samples);
  }

  /** Says that the media socket is open and whose call it is. */
  start(): void {
    const { carrier, streamId, callId, from, to, params = {}, accountSid, link } = this.#options;
    if (carrier === "twilio") {
      link.send(JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" }));
      const encoding = "audio/x-mulaw";
      this.#say("start", {
        start: {
          streamSid: streamId,
          accountSid,
          callSid: callId,
          tracks: ["inbound"],
          customParameters: params,
          mediaFormat: { encoding, sampleRate: 8000, channels: 1 },
        },
      });
      return;
    }
    const { codec, sampleRate } = this.#inputFormat;
    link.send(JSON.stringify({ event: "connected", version: "1.0.0" }));
    this.#say("start", {
      start: {
        user_id: "3e6f995f-85f7-4705-9741-53b116d28237",
        call_control_id: callId,
        call_session_id: "2dc1b3c8-f9e0-11ee-8bf8-02420a0f7d69",
        from,
        to,
        client_state: null,
        custom_parameters: params,
        media_format: { encoding: ENCODINGS[codec], sample_rate: sampleRate, channels: 1 },
      },
    });
  }

  /** Sends 20 ms of the caller's voice. */
  sendFrame(samples: Int16Array): void {
    const encoder = createEncoder(this.#inputFormat, this.#inputFormat.sampleRate, 1);
    this.sendPayload(encoder.encode(samples));
    encoder.free();
  }

  /** Sends a piece of encoded audio, whatever it is. */
  sendPayload(data: Uint8Array, chunk: number = ++this.#chunk): void {
    const payload = Buffer.from(data).toString("base64");
    const timestamp = String(this.#timestampMs + 5);
    this.#timestampMs += 20;
    this.#say("media", { media: { track: "inbound", chunk: String(chunk), timestamp, payload } });
  }

  /** Presses a key. */
  press(digit: string): void {
    const track = this.#options.carrier === "twilio" ? { track: "inbound_track" } : {};
    this.#say("dtmf", { dtmf: { ...track, digit } });
  }

  /** Ends the call as the carrier does when the caller hangs up. */
  stop(): void {
    const { carrier, accountSid, callId, link } = this.#options;
    const twilio = { stop: { accountSid, callSid: callId } };
    this.#say("stop", carrier === "twilio" ? twilio : {});
    link.close();
  }

  /** Takes a message of the application's. */
  receive(message: string | Uint8Array): void {
    if (typeof message !== "string") {
      this.#fault(31_950, "A binary message.");
      return;
    }
    const fields = JSON.parse(message) as Record<string, unknown>;
    if (this.#options.carrier === "twilio" && !this.#isTwilios(fields)) return;
    const { event, media, mark } = fields as {
      readonly event?: string;
      readonly media?: { readonly payload?: unknown };
      readonly mark?: { readonly name?: unknown };
    };
    if (event === "media" && isBase64(media?.payload)) this.#play(media.payload);
    else if (event === "mark" && typeof mark?.name === "string") this.#playout.mark(mark.name);
    else if (event === "clear") {
      this.flushes++;
      this.#playout.clear();
    } else this.#fault(31_951, `A message that is none of the protocol: ${message.slice(0, 200)}`);
  }

  #play(payload: string): void {
    const audio = Buffer.from(payload, "base64");
    const ms = (audio.length * 1000) / bytesPerSecond(this.#outputFormat);
    if (this.#options.carrier === "telnyx" && (ms < 20 || ms > 30_000)) {
      this.#fault(100_002, `A chunk of ${ms} ms.`);
    } else this.#playout.push(audio);
    if (this.#playout.overflowMs > 0) this.#fault(31_931, "More than ten minutes are buffered.");
  }

  // Twilio names each field that it takes, and drops messages with others or without one of them.
  #isTwilios(fields: Readonly<Record<string, unknown>>): boolean {
    const wanted = {
      media: { event: "", streamSid: "", media: { payload: "" } },
      mark: { event: "", streamSid: "", mark: { name: "" } },
      clear: { event: "", streamSid: "" },
    }[fields["event"] as "media"];
    const isExact = hasFieldsOf(fields, wanted) && fields["streamSid"] === this.#options.streamId;
    if (!isExact) this.#fault(31_951, `Fields or stream are wrong: ${JSON.stringify(fields)}`);
    return isExact;
  }

  #fault(code: number, text: string): void {
    this.faults.push({ code, text });
  }

  #say(event: string, fields: object): void {
    const { carrier, streamId, link } = this.#options;
    const sequence = String(++this.#sequence);
    const names =
      carrier === "twilio"
        ? { sequenceNumber: sequence, streamSid: streamId }
        : { sequence_number: sequence, stream_id: streamId };
    link.send(JSON.stringify({ event, ...names, ...fields }));
  }
}

function bytesPerSecond({ codec, sampleRate }: AudioFormat): number {
  return sampleRate * (codec === "pcm16" ? 2 : 1);
}

function isBase64(value: unknown): value is string {
  return (
    typeof value === "string" &&
    /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2,3}={1,2})?$|^[A-Za-z0-9+/]{2,3}={1,2}$/.test(value)
  );
}

function hasFieldsOf(value: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return typeof value === typeof wanted;
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Record<string, unknown>;
  return (
    Object.keys(fields).length === Object.keys(wanted).length &&
    Object.entries(wanted).every(([name, inner]) => hasFieldsOf(fields[name], inner))
  );
}
