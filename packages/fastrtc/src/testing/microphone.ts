/**
 * The caller's microphone: sends 20 ms every 20 ms, sound or silence, as a browser does. Sounds begin
 * at the very sample at which they are said, also in the middle of a frame.
 */

import { InvalidOptionError } from "../errors.ts";
import type { Clock, Timer } from "../media/clock.ts";
import type { MemoryTransport } from "./memory-transport.ts";
import { randomNumbers } from "./synthetic-audio.ts";

const FRAME_MS = 20;

interface Sound {
  /** In samples since the microphone was opened. */
  readonly start: number;
  readonly samples: Int16Array;
}

/** What a {@link Microphone} works with. */
export interface MicrophoneOptions {
  readonly clock: Clock;
  readonly transport: MemoryTransport;
  /** Hz. */
  readonly sampleRate: number;
  /** Level of the noise at the caller's, in dB relative to full scale; undefined for none. */
  readonly noiseDb: number | undefined;
}

/** Sends what a caller says. */
export class Microphone {
  readonly #options: MicrophoneOptions;
  readonly #frameSamples: number;
  readonly #startMs: number;
  #sounds: Sound[] = [];
  readonly #noise: (() => number) | undefined;
  #position = 0;
  #timer: Timer | undefined;

  constructor(options: MicrophoneOptions) {
    this.#options = options;
    this.#frameSamples = (options.sampleRate * FRAME_MS) / 1000;
    this.#startMs = options.clock.now();
    this.#noise = options.noiseDb === undefined ? undefined : makeNoise(options.noiseDb);
    this.#arm();
  }

  /** Says something from now on; sounds that overlap are heard together. */
  play(samples: Int16Array): void {
    const { clock, sampleRate } = this.#options;
    const start = Math.round(((clock.now() - this.#startMs) * sampleRate) / 1000);
    this.#sounds.push({ start, samples });
  }

  /** Sends nothing more. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#arm();
      this.#send();
    }, FRAME_MS);
  }

  // A frame is sent when its last sample has been said.
  #send(): void {
    const start = this.#position;
    this.#position += this.#frameSamples;
    const frame = new Int16Array(this.#frameSamples);
    if (this.#noise) for (let i = 0; i < frame.length; i++) frame[i] = this.#noise();
    for (const sound of this.#sounds) {
      const from = Math.max(start, sound.start);
      const to = Math.min(this.#position, sound.start + sound.samples.length);
      for (let at = from; at < to; at++) {
        const sum = (frame[at - start] ?? 0) + (sound.samples[at - sound.start] ?? 0);
        frame[at - start] = Math.max(-32_768, Math.min(32_767, sum));
      }
    }
    this.#sounds = this.#sounds.filter(
      (sound) => sound.start + sound.samples.length > this.#position,
    );
    this.#options.transport.speak(frame);
  }
}

function makeNoise(levelDb: number): () => number {
  if (!(levelDb <= 0)) {
    throw new InvalidOptionError(
      "noiseDb",
      levelDb,
      "Give decibels relative to full scale, up to 0.",
    );
  }
  // Uniform noise of that effective level.
  const peak = 32_767 * Math.sqrt(3) * 10 ** (levelDb / 20);
  const random = randomNumbers(1);
  return () => Math.max(-32_768, Math.min(32_767, Math.round((2 * random() - 1) * peak)));
}
