import { setTimeout as sleep } from "node:timers/promises";

const FRAME_MS = 20;

/** How a {@link RealTimePlayout} behaves. */
export interface RealTimePlayoutOptions {
  readonly sampleRate: number;
  /** Called when all audio before a mark has been played. */
  readonly onMark?: (name: string) => void;
  /** Frames of 20 ms that may wait; what comes above it is lost. @defaultValue no limit */
  readonly maxFrames?: number;
}

/** Plays what a carrier was sent at its own pace, as carriers do: 20 ms every 20 ms. */
export class RealTimePlayout {
  /** Frames that were lost because too many waited. */
  lostFrames = 0;
  /** When the first sound was played, by performance.now(); undefined before. */
  firstPlayedAt: number | undefined;
  readonly #options: RealTimePlayoutOptions;
  readonly #frameSamples: number;
  readonly #queue: (Int16Array | string)[] = [];
  readonly #played: Int16Array[] = [];
  #queuedSamples = 0;
  #startedAt = performance.now();
  #frames = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(options: RealTimePlayoutOptions) {
    this.#options = options;
    this.#frameSamples = (options.sampleRate * FRAME_MS) / 1000;
    this.#timer = setInterval(() => this.#tick(), FRAME_MS / 2);
  }

  /** Frames that wait, the last one counted whole. */
  get queuedFrames(): number {
    return Math.ceil(this.#queuedSamples / this.#frameSamples);
  }

  /** All that was played. */
  heard(): Int16Array {
    const heard = new Int16Array(this.#played.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of this.#played) {
      heard.set(part, at);
      at += part.length;
    }
    return heard;
  }

  push(samples: Int16Array): void {
    if (this.queuedFrames >= (this.#options.maxFrames ?? Infinity)) {
      this.lostFrames++;
      return;
    }
    this.#queue.push(samples);
    this.#queuedSamples += samples.length;
  }

  mark(name: string): void {
    this.#queue.push(name);
    this.#passMarks();
  }

  /** Drops what waits. */
  clear(): void {
    this.#queue.length = 0;
    this.#queuedSamples = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  // By absolute deadlines: an interval alone drifts.
  #tick(): void {
    const due = Math.floor((performance.now() - this.#startedAt) / FRAME_MS);
    for (; this.#frames < due; this.#frames++) this.#play(this.#frameSamples);
  }

  #play(sampleCount: number): void {
    for (let left = sampleCount; left > 0;) {
      const next = this.#queue[0];
      if (!(next instanceof Int16Array)) break;
      const part = next.subarray(0, left);
      this.firstPlayedAt ??= performance.now();
      this.#played.push(part);
      left -= part.length;
      this.#queuedSamples -= part.length;
      if (part.length === next.length) this.#queue.shift();
      else this.#queue[0] = next.subarray(part.length);
      this.#passMarks();
    }
  }

  #passMarks(): void {
    for (let name = this.#queue[0]; typeof name === "string"; name = this.#queue[0]) {
      this.#queue.shift();
      this.#options.onMark?.(name);
    }
  }
}

/** Sends samples in frames of 20 ms, each at its time. */
export async function inRealTime(
  samples: Int16Array,
  sampleRate: number,
  send: (frame: Int16Array) => void,
): Promise<void> {
  const size = (sampleRate * FRAME_MS) / 1000;
  const startedAt = performance.now();
  for (let at = 0; at < samples.length; at += size) {
    const aheadMs = startedAt + (at / size) * FRAME_MS - performance.now();
    if (aheadMs > 0) await sleep(aheadMs);
    const frame = new Int16Array(size);
    frame.set(samples.subarray(at, at + size));
    send(frame);
  }
}

/** The bytes of 16-bit little-endian PCM, copied. */
export function bytesOf(samples: Int16Array): Buffer {
  const bytes = Buffer.alloc(samples.length * 2);
  for (const [index, sample] of samples.entries()) bytes.writeInt16LE(sample, index * 2);
  return bytes;
}

/** The samples of 16-bit little-endian PCM, copied. */
export function samplesOf(bytes: Buffer): Int16Array {
  const samples = new Int16Array(bytes.length >> 1);
  for (let index = 0; index < samples.length; index++)
    samples[index] = bytes.readInt16LE(2 * index);
  return samples;
}

/** One caller at a carrier's stand-in. */
export interface StandInCaller {
  /** The name that its session has. */
  readonly sessionId: string;
  readonly sampleRate: number;
  readonly playout: RealTimePlayout;
  /** How often the carrier was told to drop audio. */
  readonly flushes: number;
  /** What the carrier would have complained about. */
  readonly complaints: readonly string[];
  /** Whether the call is over. */
  readonly isClosed: boolean;
  /** The close code that the server gave; 1006 where there was none. */
  readonly closeCode: number | undefined;
  /** Says something in real time. */
  say(samples: Int16Array): Promise<void>;
  press(digit: string): void;
  hangUp(): void;
  /** Goes without a word. */
  vanish(): void;
}
