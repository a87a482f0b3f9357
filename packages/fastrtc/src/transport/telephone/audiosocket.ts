/**
 * Asterisk's AudioSocket: what goes over the TCP connection that the dial plan opens for one call.
 *
 * A message is a kind, a length of two bytes (big-endian) and that many bytes; audio is 16-bit PCM,
 * little-endian. https://docs.asterisk.org/Configuration/Channel-Drivers/AudioSocket
 */

import { TransportError } from "../../errors.ts";
import type { AudioFormat } from "../../media/encoded-chunk.ts";
import type { CarrierCall, CarrierEvent, CarrierWire } from "./carrier.ts";

/** Bytes before a message's content. */
const AUDIOSOCKET_HEADER_BYTES = 3;

const HANG_UP = 0x00;
const UUID = 0x01;
const DTMF = 0x03;
const ERROR = 0xff;
const FIRST_AUDIO = 0x10;
/** Hz of the kinds of audio, from {@link FIRST_AUDIO} on. */
const AUDIO_RATES = [8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];
const UUID_BYTES = 16;

/** Finds the messages in a stream of bytes, however TCP has cut it. */
export class AudioSocketParser {
  /**
   * The longest content that is taken: so little memory does a stranger get. What has 20 ms of the
   * highest rate is far below what a length can say.
   */
  maxContentBytes: number = UUID_BYTES;
  readonly #deliver: (message: Uint8Array) => void;
  // Holds a message that came in pieces, until its end is there.
  #buffer = new Uint8Array(AUDIOSOCKET_HEADER_BYTES + UUID_BYTES);
  #filled = 0;

  /** @param deliver - Gets each message, header and all, valid during the call only. */
  constructor(deliver: (message: Uint8Array) => void) {
    this.#deliver = deliver;
  }

  /**
   * Takes what has come.
   *
   * @throws {@link TransportError} at a message that is too long: nothing after it can be found.
   */
  push(data: Uint8Array): void {
    let rest = data;
    while (this.#filled > 0 && rest.length > 0) {
      const missing = this.#wanted() - this.#filled;
      const part = rest.subarray(0, missing);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      this.#deliverFilled();
    }
    while (rest.length >= AUDIOSOCKET_HEADER_BYTES) {
      const size = this.#sizeOf(rest);
      if (size > rest.length) break;
      this.#deliver(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
    if (rest.length === 0) return;
    this.#reserve(rest.length);
    this.#buffer.set(rest);
    this.#filled = rest.length;
  }

  // Bytes that the buffer must hold before something can be done with them.
  #wanted(): number {
    if (this.#filled < AUDIOSOCKET_HEADER_BYTES) return AUDIOSOCKET_HEADER_BYTES;
    const size = this.#sizeOf(this.#buffer);
    this.#reserve(size);
    return size;
  }

  #sizeOf(data: Uint8Array): number {
    const contentBytes = ((data[1] ?? 0) << 8) | (data[2] ?? 0);
    if (contentBytes <= this.maxContentBytes) return AUDIOSOCKET_HEADER_BYTES + contentBytes;
    throw new TransportError(`A message of ${contentBytes} bytes is too long.`);
  }

  #deliverFilled(): void {
    if (this.#filled < AUDIOSOCKET_HEADER_BYTES || this.#filled < this.#wanted()) return;
    const message = this.#buffer.subarray(0, this.#filled);
    this.#filled = 0;
    this.#deliver(message);
  }

  #reserve(size: number): void {
    if (size <= this.#buffer.length) return;
    const larger = new Uint8Array(size);
    larger.set(this.#buffer.subarray(0, this.#filled));
    this.#buffer = larger;
  }
}

/** Reads and writes the messages of one call. */
export class AudioSocketWire implements CarrierWire {
  readonly messageMs: number = 20;
  readonly #kind: number;
  #hasComplained = false;

  /** @param sampleRate - Hz in both directions: {@link audioRateOf} the caller's first audio. */
  constructor(sampleRate: number) {
    this.#kind = FIRST_AUDIO + Math.max(0, AUDIO_RATES.indexOf(sampleRate));
  }

  read(message: string | Uint8Array): CarrierEvent | undefined {
    if (typeof message === "string") throw new TransportError("A text, where bytes belong.");
    const [kind = ERROR] = message;
    const content = message.subarray(AUDIOSOCKET_HEADER_BYTES);
    if (kind === this.#kind) return audioOf(content);
    switch (kind) {
      case HANG_UP:
        return { type: "stop" };
      case DTMF:
        return digitOf(content);
      case ERROR:
        return { type: "complaint", text: `Error ${Buffer.from(content).toString("hex", 0, 8)}.` };
      default:
        return audioRateOf(message) === undefined ? undefined : this.#complain();
    }
  }

  // Header and content in one piece: a header alone stalls the channel until the rest is there
  // (asterisk/asterisk#2089).
  audio(data: Uint8Array): Uint8Array | undefined {
    // Asterisk ends a call at audio without samples.
    return data.length < 2 ? undefined : messageOf(this.#kind, data);
  }

  mark(): undefined {
    return undefined;
  }

  clear(): undefined {
    return undefined;
  }

  hangUp(): Uint8Array {
    return hangUpMessage();
  }

  // Asterisk ends a call at a key that is pressed for it.
  dtmf(): undefined {
    return undefined;
  }

  // Dial without c(slin…) may let the format change, and labels what it then sends as it likes.
  #complain(): CarrierEvent | undefined {
    if (this.#hasComplained) return undefined;
    this.#hasComplained = true;
    return { type: "complaint", text: "Audio of another rate is dropped: dial with c(slin16)." };
  }
}

/** Tells the rate, in Hz, of a message of audio; undefined when it is none. */
export function audioRateOf(message: Uint8Array): number | undefined {
  return AUDIO_RATES[(message[0] ?? 0) - FIRST_AUDIO];
}

/**
 * Reads the message that a connection begins with.
 *
 * @returns the call's UUID, in lower case.
 * @throws {@link TransportError} when it is another message.
 */
export function uuidOf(message: Uint8Array): string {
  const content = message.subarray(AUDIOSOCKET_HEADER_BYTES);
  if (message[0] !== UUID || content.length !== UUID_BYTES) {
    throw new TransportError("The connection does not begin with a UUID.");
  }
  const hex = Buffer.from(content).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Makes the message that ends a call. */
export function hangUpMessage(): Uint8Array {
  return messageOf(HANG_UP, new Uint8Array(0));
}

/** Makes the message of 20 ms of silence. */
export function silenceOf(sampleRate: number): Uint8Array {
  const kind = FIRST_AUDIO + Math.max(0, AUDIO_RATES.indexOf(sampleRate));
  return messageOf(kind, new Uint8Array((2 * sampleRate) / 50));
}

/** Tells of a call as a {@link CarrierCall}. */
export function audioSocketCall(
  uuid: string,
  sampleRate: number,
  details: Pick<CarrierCall, "from" | "to" | "params">,
): CarrierCall {
  const format: AudioFormat = { codec: "pcm16", sampleRate, channels: 1 };
  return {
    callId: uuid,
    streamId: undefined,
    from: details.from,
    to: details.to,
    params: details.params,
    inputFormat: format,
    outputFormat: format,
  };
}

function messageOf(kind: number, content: Uint8Array): Uint8Array {
  const message = new Uint8Array(AUDIOSOCKET_HEADER_BYTES + content.length);
  message[0] = kind;
  message[1] = content.length >> 8;
  message[2] = content.length;
  message.set(content, AUDIOSOCKET_HEADER_BYTES);
  return message;
}

function audioOf(content: Uint8Array): CarrierEvent | undefined {
  if (content.length % 2 !== 0) throw new TransportError("An audio message has half a sample.");
  return content.length === 0 ? undefined : { type: "audio", data: content };
}

function digitOf(content: Uint8Array): CarrierEvent {
  const digit = String.fromCharCode(...content.subarray(0, 2));
  if (!/^[0-9*#A-D]$/.test(digit)) throw new TransportError("A DTMF message has no digit.");
  return { type: "dtmf", digit };
}
