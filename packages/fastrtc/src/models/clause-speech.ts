import type { AudioFrame } from "../media/audio-frame.ts";
import { abandon } from "./abortable.ts";

/** Audio of one clause that may wait: beyond it the model's answer is left unread for a while. */
const MAX_BUFFERED_MS = 10_000;

/** The audio of one clause, from the moment that its synthesis begins. */
export class ClauseSpeech {
  readonly #iterator: AsyncIterator<AudioFrame>;
  readonly #onChange: () => void;
  readonly #frames: AudioFrame[] = [];
  #bufferedMs = 0;
  #onRoom: (() => void) | undefined;
  #text: string;
  #isClosed = false;
  #isDone = false;
  #hasBegun = false;
  #failure: { readonly error: unknown } | undefined;

  /**
   * @param text - What the first frame is marked with.
   * @param onChange - Called when there is more to take, and at the end.
   */
  constructor(text: string, audio: AsyncIterable<AudioFrame>, onChange: () => void) {
    this.#text = text;
    this.#iterator = audio[Symbol.asyncIterator]();
    this.#onChange = onChange;
    void this.#read();
  }

  /** Whether its first audio is there, or will never be: then the next clause takes nothing from it. */
  get hasBegun(): boolean {
    return this.#hasBegun || this.#isDone;
  }

  /** Whether all of it was taken. */
  get isTaken(): boolean {
    return this.#isDone && this.#frames.length === 0 && !this.#failure;
  }

  /** The words that no frame was marked with, because none came. */
  get unspoken(): string {
    return this.#text;
  }

  /**
   * Takes the next frame; undefined when none is there yet.
   *
   * @throws what the model threw, after the frames before it.
   */
  take(): AudioFrame | undefined {
    const frame = this.#frames.shift();
    if (!frame) {
      if (this.#failure) throw this.#failure.error;
      return undefined;
    }
    this.#bufferedMs -= frame.durationMs;
    this.#onRoom?.();
    if (this.#text === "") return frame.text === undefined ? frame : frame.withText("");
    const marked = frame.withText(this.#text);
    this.#text = "";
    return marked;
  }

  /** Stops reading. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#frames.length = 0;
    this.#onRoom?.();
    if (!this.#isDone) abandon(this.#iterator);
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const result = await this.#iterator.next();
        if (result.done || this.#isClosed) break;
        if (result.value.sampleCount === 0) continue;
        this.#frames.push(result.value);
        this.#bufferedMs += result.value.durationMs;
        this.#hasBegun = true;
        this.#onChange();
        if (this.#bufferedMs > MAX_BUFFERED_MS) await this.#room();
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#isDone = true;
    this.#onChange();
  }

  async #room(): Promise<void> {
    while (this.#bufferedMs > MAX_BUFFERED_MS && !this.#isClosed) {
      await new Promise<void>((resolve) => (this.#onRoom = resolve));
    }
  }
}
