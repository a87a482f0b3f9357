/**
 * What callers of the echo bench say, as Opus packets of 20 ms, and how a sound is found again in
 * what comes back.
 */

import { createOpusDecoder } from "../../packages/fastrtc/src/codec/opus-decoder.ts";
import { createOpusEncoder } from "../../packages/fastrtc/src/codec/opus-encoder.ts";
import type { AudioDecoder } from "../../packages/fastrtc/src/codec/codec.ts";
import { speechLike, tone } from "../../packages/fastrtc/src/testing/synthetic-audio.ts";

/** Speech, the hiss of a silent microphone, or that hiss with a short tone every second. */
export type Sound = "speech" | "hiss" | "tones";

const SAMPLE_RATE = 48_000;
const FRAME_SAMPLES = SAMPLE_RATE / 50;
const DURATION_MS = 8000;
// No microphone is silent: a server may rightly send nothing of digital silence.
const HISS_AMPLITUDE = 24;

const TONE_HZ = 2000;
const TONE_MS = 60;
const TONE_EVERY_MS = 1000;

/** Returns packets to be sent over and over. */
export function packetsOf(sound: Sound): readonly Uint8Array[] {
  const samples = samplesOf(sound);
  const encoder = createOpusEncoder({ sampleRate: SAMPLE_RATE });
  const packets: Uint8Array[] = [];
  for (let at = 0; at < samples.length; at += FRAME_SAMPLES) {
    packets.push(encoder.encode(samples.subarray(at, at + FRAME_SAMPLES)));
  }
  encoder.free();
  return packets;
}

function samplesOf(sound: Sound): Int16Array {
  const samples = Int16Array.from(
    { length: (SAMPLE_RATE * DURATION_MS) / 1000 },
    () => (2 * Math.random() - 1) * HISS_AMPLITUDE,
  );
  if (sound === "speech") {
    speechLike(SAMPLE_RATE, DURATION_MS).forEach((value, i) => {
      samples[i] = (samples[i] ?? 0) + value;
    });
  }
  if (sound === "tones") {
    const burst = tone(TONE_HZ, SAMPLE_RATE, (SAMPLE_RATE * TONE_MS) / 1000);
    for (let at = 0; at < samples.length; at += (SAMPLE_RATE * TONE_EVERY_MS) / 1000) {
      burst.forEach((value, i) => {
        // Off the frames' grid, and never the first.
        samples[at + SAMPLE_RATE / 2 + 137 + i] = value * 32_767;
      });
    }
  }
  return samples;
}

// A period of the tone.
const BLOCK_MS = 0.5;
const BLOCK_SAMPLES = (SAMPLE_RATE * BLOCK_MS) / 1000;
/** A quarter of the tone, some 40 dB above the hiss. */
const ONSET_AMPLITUDE = 32_767 / 8;
/** More quiet than a codec's echo of the tone before. */
const QUIET_BLOCKS = 200 / BLOCK_MS;

/**
 * Finds where tones begin in a stream of packets, to half a millisecond.
 *
 * It reads what was sent just as what comes back, so what it gets wrong it gets wrong in both, and
 * the delay of our own encoder is in both.
 */
export class ToneFinder {
  readonly #decoder: AudioDecoder = createOpusDecoder({ sampleRate: SAMPLE_RATE });
  #quietBlocks = 0;

  /** Returns where in this packet a tone begins, in milliseconds; undefined where none does. */
  next(packet: Uint8Array): number | undefined {
    const samples = this.#decoder.decode(packet);
    let onsetMs: number | undefined;
    for (let block = 0; (block + 1) * BLOCK_SAMPLES <= samples.length; block++) {
      const part = samples.subarray(block * BLOCK_SAMPLES, (block + 1) * BLOCK_SAMPLES);
      const isLoud = part.some((value) => Math.abs(value) > ONSET_AMPLITUDE);
      if (isLoud && this.#quietBlocks >= QUIET_BLOCKS) onsetMs ??= block * BLOCK_MS;
      this.#quietBlocks = isLoud ? 0 : this.#quietBlocks + 1;
    }
    return onsetMs;
  }
}

/** Returns for each packet where a tone begins in it, as {@link ToneFinder} hears it. */
export function onsetsOf(packets: readonly Uint8Array[]): readonly (number | undefined)[] {
  const finder = new ToneFinder();
  // Twice: the second round is heard as every later one.
  for (const packet of packets) finder.next(packet);
  return packets.map((packet) => finder.next(packet));
}
