/** A caller's microphone and loudspeaker in Node: sound goes out and comes back in real time. */

import { AudioFrame } from "fastrtc";
import type { PlayedPiece } from "./caller.ts";

const FRAME_MS = 20;

/** How a {@link Line} works. */
export interface LineOptions {
  /** Hz of what is sent. */
  readonly sendRate: number;
  /** Takes 20 ms of the caller's voice; left out where the caller has a microphone of its own. */
  readonly send?: (frame: Int16Array) => void;
  /** Hz of what is played. */
  readonly playRate: number;
  /** Returns everything that has been played so far. */
  readonly heard: () => Int16Array;
}

/** Speaks, or is silent, every 20 ms; and notes when what was played. */
export class Line {
  readonly #options: LineOptions;
  readonly #frameSamples: number;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #pieces: (PlayedPiece & { readonly samples: Int16Array })[] = [];
  #saying: Int16Array[] = [];
  #onSaid: (() => void) | undefined;
  #sent = 0;
  #playedSamples = 0;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#frameSamples = (options.sendRate * FRAME_MS) / 1000;
    this.#timer = setInterval(() => {
      this.#send();
      this.#listen();
    }, FRAME_MS / 2);
  }

  /** Speaks as soon as the next frame is due; resolves with that moment when all has been said. */
  async say(sound: AudioFrame): Promise<number> {
    const { samples } = sound.resample(this.#options.sendRate);
    const startMs = this.#startedAt + this.#sent * FRAME_MS;
    for (let at = 0; at < samples.length; at += this.#frameSamples) {
      const frame = new Int16Array(this.#frameSamples);
      frame.set(samples.subarray(at, at + this.#frameSamples));
      this.#saying.push(frame);
    }
    await new Promise<void>((resolve) => (this.#onSaid = resolve));
    return startMs;
  }

  played(sinceMs: number): Promise<readonly PlayedPiece[]> {
    return Promise.resolve(this.#pieces.filter(({ atMs }) => atMs >= sinceMs));
  }

  heard(sinceMs: number): Promise<AudioFrame> {
    const sampleRate = this.#options.playRate;
    const parts = this.#pieces
      .filter(({ atMs }) => atMs >= sinceMs)
      .map(({ samples }) => new AudioFrame({ samples, sampleRate }));
    return Promise.resolve(
      parts.length > 0 ? AudioFrame.concat(parts) : AudioFrame.silence(0, sampleRate),
    );
  }

  close(): void {
    clearInterval(this.#timer);
  }

  // By absolute deadlines: an interval alone drifts.
  #send(): void {
    const { send } = this.#options;
    const due = Math.floor((performance.now() - this.#startedAt) / FRAME_MS);
    for (; this.#sent <= due; this.#sent++) {
      const frame = this.#saying.shift();
      send?.(frame ?? new Int16Array(this.#frameSamples));
      if (frame && this.#saying.length === 0) this.#onSaid?.();
    }
  }

  #listen(): void {
    const { playRate, heard } = this.#options;
    const samples = heard().slice(this.#playedSamples);
    if (samples.length === 0) return;
    this.#playedSamples += samples.length;
    const energy = samples.reduce((sum, value) => sum + value ** 2, 0);
    this.#pieces.push({
      atMs: performance.now(),
      durationMs: (1000 * samples.length) / playRate,
      level: Math.sqrt(energy / samples.length) / 32_768,
      samples,
    });
  }
}
