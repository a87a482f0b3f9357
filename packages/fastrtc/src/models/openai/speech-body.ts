/** The body of a speech server's answer: bytes in, as the socket gives them; frames out. */

import { AudioFrame } from "../../media/audio-frame.ts";
import { decodeWav } from "../../media/wav.ts";

/** What the bytes are, where they do not say it themselves. */
export interface SpeechBodyFormat {
  /** Raw 16-bit samples, or a WAV file. Bytes that begin as a WAV file are always read as one. */
  readonly format: "pcm" | "wav";
  /** Rate of raw samples in Hz; a WAV file has its own. */
  readonly sampleRate: number;
}

/** A header longer than this is none. */
const MAX_HEADER_BYTES = 1 << 16;
/** Smaller pieces wait for more. */
const MIN_FRAME_MS = 20;

interface Layout {
  /** Of a WAV file; empty for raw samples. */
  readonly header: Uint8Array;
  readonly bytesPerSample: number;
  readonly sampleRate: number;
  /** Bytes of sound that are still to come; the rest of the file is something else. */
  left: number;
}

/** Reads one answer. */
export class SpeechBody {
  readonly #format: SpeechBodyFormat;
  #bytes: Uint8Array = new Uint8Array(0);
  #layout: Layout | undefined;

  constructor(format: SpeechBodyFormat) {
    this.#format = format;
  }

  /**
   * Takes the next bytes.
   *
   * @returns A frame; undefined until there is enough for one.
   * @throws `CodecError` for what is no sound that can be read.
   */
  push(bytes: Uint8Array): AudioFrame | undefined {
    this.#bytes = this.#bytes.length === 0 ? bytes : concat(this.#bytes, bytes);
    this.#layout ??= this.#readLayout();
    if (!this.#layout) return undefined;
    const { bytesPerSample, sampleRate } = this.#layout;
    const least = Math.round((sampleRate * MIN_FRAME_MS) / 1000) * bytesPerSample;
    return this.#bytes.length < Math.min(least, this.#layout.left) ? undefined : this.#take();
  }

  /**
   * Says that there are no more bytes.
   *
   * @returns What waited; undefined when that was nothing. A last byte that is no sample is dropped.
   * @throws `CodecError` for what is no sound that can be read.
   */
  end(): AudioFrame | undefined {
    if (!this.#layout && this.#bytes.length > 0) this.#layout = this.#readLayout(true);
    return this.#take();
  }

  #take(): AudioFrame | undefined {
    const layout = this.#layout;
    if (!layout) return undefined;
    const { header, bytesPerSample, sampleRate } = layout;
    const there = Math.min(this.#bytes.length, layout.left);
    const length = there - (there % bytesPerSample);
    if (length === 0) return undefined;
    const sound = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    layout.left -= length;
    if (header.length === 0) return AudioFrame.fromBytes(sound, sampleRate);
    return new AudioFrame(decodeWav(concat(header, sound)));
  }

  #readLayout(isEnded = false): Layout | undefined {
    const bytes = this.#bytes;
    const isWav = startsWith(bytes, "RIFF");
    if (!isWav && this.#format.format === "pcm") {
      if (bytes.length < 4 && !isEnded) return undefined;
      return {
        header: new Uint8Array(0),
        bytesPerSample: 2,
        sampleRate: this.#format.sampleRate,
        left: Infinity,
      };
    }
    const start = soundStart(bytes);
    if (start === undefined) {
      if (!isEnded && bytes.length < MAX_HEADER_BYTES && (isWav || bytes.length < 4)) {
        return undefined;
      }
      // It says what is wrong with it.
      decodeWav(bytes);
      return undefined;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, start);
    const length = view.getUint32(start - 4, true);
    const header = bytes.slice(0, start);
    // Each piece is then read as a file whose length its writer did not know.
    new DataView(header.buffer).setUint32(start - 4, 0xffffffff, true);
    const { sampleRate } = decodeWav(header);
    this.#bytes = bytes.subarray(start);
    return {
      header,
      bytesPerSample: Math.max(1, blockAlign(header)),
      sampleRate,
      // Programs that write to a pipe say 0, or the most that there is.
      left: length === 0 || length >= 0x7fff_0000 ? Infinity : length,
    };
  }
}

// Where the samples begin: after the head of the `data` chunk.
function soundStart(bytes: Uint8Array): number | undefined {
  const at = findChunk(bytes, "data");
  return at === undefined ? undefined : at + 8;
}

function blockAlign(bytes: Uint8Array): number {
  const at = findChunk(bytes, "fmt ");
  if (at === undefined) return 0;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint16(at + 20, true);
}

function findChunk(bytes: Uint8Array, tag: string): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; at + 8 <= bytes.length;) {
    if (startsWith(bytes.subarray(at), tag)) return at;
    const length = view.getUint32(at + 4, true);
    at += 8 + length + (length & 1);
  }
  return undefined;
}

function startsWith(bytes: Uint8Array, tag: string): boolean {
  return tag === String.fromCharCode(...bytes.subarray(0, tag.length));
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
