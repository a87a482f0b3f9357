import { InvalidOptionError } from "../../errors.ts";
import type { AudioFormat } from "../../media/encoded-chunk.ts";

// What each codec writes for a sample of zero.
const SILENT_BYTE = { mulaw: 0xff, alaw: 0xd5, pcm16: 0 } as const;

/**
 * Tells how many bytes a sample of all channels has.
 *
 * @throws {@link InvalidOptionError} for a codec that does not code each sample by itself.
 */
export function bytesPerFrame({ codec, channels }: AudioFormat): number {
  if (codec === "opus") {
    throw new InvalidOptionError("codec", codec, 'Telephones carry "mulaw", "alaw" or "pcm16".');
  }
  return (codec === "pcm16" ? 2 : 1) * channels;
}

/** Gathers audio into messages of one length. */
export class MessageAudio {
  readonly #message: Uint8Array;
  readonly #silentByte: number;
  readonly #send: (data: Uint8Array) => void;
  #filled = 0;

  /**
   * @param format - How the audio is coded.
   * @param messageMs - Milliseconds of audio in a message.
   * @param send - Gets each message, valid during the call only.
   */
  constructor(format: AudioFormat, messageMs: number, send: (data: Uint8Array) => void) {
    const frames = Math.round((format.sampleRate * messageMs) / 1000);
    this.#message = new Uint8Array(frames * bytesPerFrame(format));
    this.#silentByte = format.codec === "opus" ? 0 : SILENT_BYTE[format.codec];
    this.#send = send;
  }

  /** Takes audio, and sends what is complete. */
  push(data: Uint8Array): void {
    const { length } = this.#message;
    let rest = data;
    if (this.#filled > 0) {
      const part = rest.subarray(0, length - this.#filled);
      this.#message.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled < length) return;
      this.#filled = 0;
      this.#send(this.#message);
    }
    for (; rest.length >= length; rest = rest.subarray(length)) {
      this.#send(rest.length === length ? rest : rest.subarray(0, length));
    }
    this.#message.set(rest);
    this.#filled = rest.length;
  }

  /** Sends what has been gathered, filled with silence. */
  flush(): void {
    if (this.#filled === 0) return;
    this.#message.fill(this.#silentByte, this.#filled);
    this.#filled = 0;
    this.#send(this.#message);
  }

  /** Drops what has been gathered. */
  clear(): void {
    this.#filled = 0;
  }
}
