import { UtteranceBuffer } from "../turn/utterance-buffer.ts";

/** What the user has said and waits to be answered on request: turns of which none was answered. */
export class UnansweredSpeech {
  readonly #audio: UtteranceBuffer;
  #text = "";

  /** @param maxSamples - How much it may hold, interleaved; further samples are dropped. */
  constructor(maxSamples: number) {
    this.#audio = new UtteranceBuffer(0, maxSamples);
  }

  /** Whether there is no sound. */
  get isSilent(): boolean {
    return this.#audio.length === 0;
  }

  /** The words so far. */
  get text(): string {
    return this.#text;
  }

  /** Adds what was said. */
  add(samples: Int16Array, text = ""): void {
    this.#audio.begin();
    this.#audio.push(samples);
    this.#text = `${this.#text} ${text}`.trim();
  }

  /** Copies the sound so far. */
  copy(): Int16Array {
    return this.#audio.copy();
  }

  /** Returns all of it; nothing is left. */
  take(): { readonly samples: Int16Array; readonly text: string } {
    const taken = { samples: this.#audio.take(), text: this.#text };
    this.#text = "";
    return taken;
  }

  /** Forgets all of it. */
  forget(): void {
    this.#text = "";
    if (!this.isSilent) this.#audio.take();
  }
}
