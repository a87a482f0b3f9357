import type { Clock, Timer } from "../../media/clock.ts";
import type { EncodedChunk } from "../../media/encoded-chunk.ts";
import { bytesPerSample } from "./audio-format.ts";
import type { AudioConverter, RealtimeAudioFormat } from "./audio-format.ts";
import { RealtimeRefusal } from "./realtime-refusal.ts";

const CHUNK_MS = 20;
/** How much is given on at once, in chunks: a client may send a whole file in one message. */
const CHUNKS_PER_TICK = 25;
/** What may wait, in bytes as they came. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** What a piece that waits weighs beside its audio: many small ones are a burden too. */
const PIECE_BYTES = 512;

interface Waiting {
  readonly data: Uint8Array;
  readonly format: RealtimeAudioFormat;
  readonly converter: AudioConverter | undefined;
  offset: number;
}

/**
 * Gives a client's audio on in chunks of 20 ms of 24 kHz PCM: what comes in time at once, what comes
 * all at once 25 times as fast as it was spoken, so that it does not hold up the other sessions.
 */
export class InputFeed {
  readonly #clock: Clock;
  readonly #onChunk: (chunk: EncodedChunk) => void;
  #waiting: (Waiting | (() => void))[] = [];
  #waitingBytes = 0;
  #samples = 0;
  #timer: Timer | undefined;
  #tickAt = -Infinity;
  #given = 0;

  constructor(clock: Clock, onChunk: (chunk: EncodedChunk) => void) {
    this.#clock = clock;
    this.#onChunk = onChunk;
  }

  /** How much has been given on, in milliseconds. */
  get givenMs(): number {
    return this.#samples / 24;
  }

  /**
   * Takes audio.
   *
   * @throws {@link RealtimeRefusal} when too much waits already; it is dropped then.
   */
  append(
    data: Uint8Array,
    format: RealtimeAudioFormat,
    converter: AudioConverter | undefined,
  ): void {
    if (data.length === 0) return;
    this.#assertRoom(data.length);
    this.#waitingBytes += data.length;
    this.#waiting.push({ data, format, converter, offset: 0 });
    this.#give();
  }

  /**
   * Calls back when all that waits now has been given on; at once where nothing does.
   *
   * @throws {@link RealtimeRefusal} when too much waits already; it is not called then.
   */
  afterAudio(callback: () => void): void {
    if (this.#waiting.length === 0) {
      callback();
      return;
    }
    this.#assertRoom(0);
    this.#waiting.push(callback);
  }

  /** Forgets the audio that waits. What waits for its end is called. */
  clear(): void {
    const callbacks = this.#waiting.filter((entry) => typeof entry === "function");
    this.close();
    for (const callback of callbacks) callback();
  }

  /** Forgets everything that waits. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #assertRoom(bytes: number): void {
    const pieces = this.#waiting.length + 1;
    if (this.#waitingBytes + bytes + pieces * PIECE_BYTES <= MAX_WAITING_BYTES) return;
    throw new RealtimeRefusal(
      "input_audio_buffer_full",
      "Audio comes faster than it can be heard: it was dropped.",
    );
  }

  #give(): void {
    const now = this.#clock.now();
    if (now - this.#tickAt >= CHUNK_MS) {
      this.#tickAt = now;
      this.#given = 0;
    }
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (typeof next === "function") {
        this.#waiting.shift();
        next();
        continue;
      }
      if (this.#given >= CHUNKS_PER_TICK) break;
      this.#given++;
      this.#giveChunk(next);
    }
    if (this.#waiting.length === 0) return;
    this.#timer ??= this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#give();
    }, CHUNK_MS);
  }

  #giveChunk(entry: Waiting): void {
    const { data, format, converter, offset } = entry;
    const rate = format.type === "audio/pcm" ? 24 : 8;
    const end = Math.min(data.length, offset + CHUNK_MS * rate * bytesPerSample(format));
    const part = data.subarray(offset, end);
    entry.offset = end;
    this.#waitingBytes -= part.length;
    if (end >= data.length) this.#waiting.shift();
    const pcm = converter ? converter.decode(part) : part;
    if (pcm.length === 0) return;
    const durationSamples = pcm.length / 2;
    const timestamp = this.#samples;
    this.#samples += durationSamples;
    this.#onChunk({ data: pcm, timestamp, durationSamples });
  }
}
