/** Tones, by which tests tell callers apart: a jitter buffer that stretches time keeps their pitch. */

import { AudioFrame } from "fastrtc";

const SAMPLE_RATE = 48_000;
/** Tones that are 50 Hz apart do not disturb one another in it. */
const BLOCK_MS = 100;
/** A block with less than this share of the loudest block's energy is a pause. */
const QUIET = 0.1;

/** Makes a tone at half scale. */
export function tone(frequencyHz: number, durationMs: number): AudioFrame {
  const step = (2 * Math.PI * frequencyHz) / SAMPLE_RATE;
  const samples = new Int16Array((durationMs * SAMPLE_RATE) / 1000);
  for (let i = 0; i < samples.length; i++) samples[i] = 16_384 * Math.sin(step * i);
  return new AudioFrame({ samples, sampleRate: SAMPLE_RATE });
}

/**
 * Measures tones in a sound, its pauses left out.
 *
 * @returns for each frequency the share of the sound's energy that is there, 0 to 1.
 */
export function toneShares(sound: AudioFrame, frequenciesHz: readonly number[]): number[] {
  const blocks = loudBlocks(sound);
  const total = blocks.reduce((sum, block) => sum + energyOf(block), 0);
  return frequenciesHz.map((frequencyHz) => {
    const step = (2 * Math.PI * frequencyHz) / sound.sampleRate;
    const there = blocks.reduce((sum, block) => sum + toneEnergy(block, step), 0);
    return total === 0 ? 0 : there / total;
  });
}

/** The loud blocks, faded in and out, so that their ends are heard at no frequency. */
function loudBlocks({ samples, sampleRate }: AudioFrame): Float64Array[] {
  const length = (sampleRate * BLOCK_MS) / 1000;
  const blocks: Float64Array[] = [];
  for (let at = 0; at + length <= samples.length; at += length) {
    blocks.push(
      Float64Array.from(
        samples.subarray(at, at + length),
        (value, i) => value * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length)),
      ),
    );
  }
  const loudest = blocks.reduce((most, block) => Math.max(most, energyOf(block)), 0);
  return blocks.filter((block) => energyOf(block) > QUIET * loudest);
}

function toneEnergy(block: Float64Array, step: number): number {
  let re = 0;
  let im = 0;
  block.forEach((value, i) => {
    re += value * Math.cos(step * i);
    im += value * Math.sin(step * i);
  });
  // Of a tone through a Hann window: its energy is 3/16 of length times amplitude squared, and the
  // sum a quarter of length times amplitude.
  return ((re ** 2 + im ** 2) * 3) / block.length;
}

function energyOf(block: Float64Array): number {
  return block.reduce((sum, value) => sum + value ** 2, 0);
}
