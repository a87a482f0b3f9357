/** Reads figures from a tone that a codec or a network has been at: in blocks, so that gaps do not matter. */

const BLOCK_MS = 20;
/** Below this root mean square a block is a pause; a sine at half scale has 11,585. */
const LOUD = 2_000;

/** Returns how much of a sound is loud, in milliseconds. */
export function loudMsOf(samples: Int16Array, sampleRate: number): number {
  return loudBlocks(samples, sampleRate).length * BLOCK_MS;
}

/** Returns the frequency of a tone in Hz: the median over its loud blocks; NaN where there is none. */
export function frequencyOf(samples: Int16Array, sampleRate: number): number {
  const pitches = loudBlocks(samples, sampleRate)
    .map((block) => crossingRate(block) * sampleRate)
    .sort((a, b) => a - b);
  return pitches[pitches.length >> 1] ?? NaN;
}

function loudBlocks(samples: Int16Array, sampleRate: number): Int16Array[] {
  const size = (sampleRate * BLOCK_MS) / 1000;
  const blocks: Int16Array[] = [];
  for (let at = 0; at + size <= samples.length; at += size) {
    const block = samples.subarray(at, at + size);
    const power = block.reduce((sum, sample) => sum + sample * sample, 0) / size;
    if (Math.sqrt(power) > LOUD) blocks.push(block);
  }
  return blocks;
}

// Cycles per sample between the first and the last rise through zero, each placed between samples.
function crossingRate(block: Int16Array): number {
  let first: number | undefined;
  let last = 0;
  let cycles = -1;
  for (let i = 1; i < block.length; i++) {
    const [before, after] = [block[i - 1] ?? 0, block[i] ?? 0];
    if (before >= 0 || after < 0) continue;
    last = i - after / (after - before);
    first ??= last;
    cycles++;
  }
  return cycles > 0 && first !== undefined ? cycles / (last - first) : NaN;
}
