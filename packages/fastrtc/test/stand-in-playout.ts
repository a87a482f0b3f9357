import type { Clock } from "../src/media/clock.ts";

const STEP_MS = 20;

type Waiting = { readonly audio: Uint8Array } | { readonly mark: string };

/** What a {@link StandInPlayout} works with. */
export interface StandInPlayoutOptions {
  readonly clock: Clock;
  /** Bytes of encoded audio in a second. */
  readonly bytesPerSecond: number;
  /** Milliseconds of audio that are kept; what is more is lost. */
  readonly maxBufferedMs: number;
  readonly onMark: (name: string) => void;
}

/** The buffer of a carrier: plays encoded audio at its pace, on any clock, and echoes marks. */
export class StandInPlayout {
  /** What the caller has heard. */
  readonly played: Uint8Array[] = [];
  /** Audio that was lost because the buffer was full, in milliseconds. */
  overflowMs = 0;
  readonly #options: StandInPlayoutOptions;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #nextStepAt: number | undefined;

  constructor(options: StandInPlayoutOptions) {
    this.#options = options;
  }

  /** Audio that waits, in milliseconds. */
  get bufferedMs(): number {
    return (this.#waitingBytes * 1000) / this.#options.bytesPerSecond;
  }

  push(audio: Uint8Array): void {
    const ms = (audio.length * 1000) / this.#options.bytesPerSecond;
    if (this.bufferedMs + ms > this.#options.maxBufferedMs) {
      this.overflowMs += ms;
      return;
    }
    this.#waiting.push({ audio });
    this.#waitingBytes += audio.length;
    if (this.#nextStepAt === undefined) this.#begin();
  }

  /** Echoes a mark when what was pushed before it has been played; at once where nothing waits. */
  mark(name: string): void {
    if (this.#nextStepAt === undefined) this.#options.onMark(name);
    else this.#waiting.push({ mark: name });
  }

  /** Drops the audio and echoes the marks that wait. */
  clear(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const item of waiting) if ("mark" in item) this.#options.onMark(item.mark);
  }

  #begin(): void {
    const { clock } = this.#options;
    this.#nextStepAt = clock.now() + STEP_MS;
    this.#take();
    clock.setTimeout(() => this.#step(), STEP_MS);
  }

  // The audio of a step is heard as the step begins; its marks are echoed when it is over.
  #step(): void {
    const { clock } = this.#options;
    while ((this.#nextStepAt ?? Infinity) <= clock.now()) {
      this.#echo();
      if (this.#waiting.length === 0) {
        this.#nextStepAt = undefined;
        return;
      }
      this.#nextStepAt = (this.#nextStepAt ?? 0) + STEP_MS;
      this.#take();
    }
    clock.setTimeout(() => this.#step(), (this.#nextStepAt ?? 0) - clock.now());
  }

  #echo(): void {
    for (let [first] = this.#waiting; first && "mark" in first; [first] = this.#waiting) {
      this.#waiting.shift();
      this.#options.onMark(first.mark);
    }
  }

  #take(): void {
    let wanted = (this.#options.bytesPerSecond * STEP_MS) / 1000;
    for (let [first] = this.#waiting; first && wanted > 0; [first] = this.#waiting) {
      if ("mark" in first) return;
      const part = first.audio.subarray(0, wanted);
      const rest = first.audio.subarray(wanted);
      if (rest.length > 0) this.#waiting[0] = { audio: rest };
      else this.#waiting.shift();
      this.played.push(part);
      this.#waitingBytes -= part.length;
      wanted -= part.length;
    }
  }
}
