/** What a {@link PlayoutQueue} says of itself. */
export interface PlayoutStatus {
  /** Audio that waits, in milliseconds. */
  readonly queuedMs: number;
  /** How much is gathered before a reply begins, in milliseconds. */
  readonly prebufferMs: number;
  /** The loudest sample since the last status, 0 to 1. */
  readonly level: number;
}

/** Audio between the network, which delivers unevenly, and a loudspeaker, which never waits. */
export interface PlayoutQueue {
  push(samples: Int16Array): void;
  /** Drops all that waits; the next block fades out. */
  clear(): void;
  /** Fills one block; with silence where there is nothing to play. */
  pull(block: Float32Array): void;
  status(): PlayoutStatus;
}

/**
 * Makes a queue that gathers a little before it plays, and more after it has run dry.
 *
 * It runs inside an audio worklet, as text: it must not refer to anything outside itself.
 *
 * @param sampleRate - In Hz.
 * @param isPaced - Whether audio comes as fast as it is played. Then what waits longer than it must,
 * after the network stood still, is made up for in the pauses of speech.
 */
export function createPlayoutQueue(sampleRate: number, isPaced: boolean): PlayoutQueue {
  const toSamples = (ms: number): number => Math.round((ms * sampleRate) / 1000);
  const toMs = (samples: number): number => (samples * 1000) / sampleRate;
  const leastPrebuffer = toSamples(40);
  const mostPrebuffer = toSamples(400);
  const step = toSamples(10);
  // Audio that comes later than this after the queue ran dry is another reply, not a late piece.
  const lateness = toSamples(300);
  const surplus = toSamples(80);
  const relaxEvery = toSamples(5000);
  // FastRTC's servers send a whole reply at once. Beyond two minutes the newest audio is dropped.
  const most = toSamples(120_000);
  const silence = 64;
  // A jump to zero is heard as a click.
  const fade = 0.9;

  const pieces: Int16Array[] = [];
  let offset = 0;
  let queued = 0;
  let prebuffer = toSamples(60);
  let isPlaying = false;
  let clock = 0;
  let waitingSince = 0;
  let dryAt = -lateness;
  let playedWell = 0;
  let last = 0;
  let level = 0;

  const take = (count: number): void => {
    queued -= count;
    offset += count;
    for (let piece = pieces[0]; piece !== undefined && offset >= piece.length; piece = pieces[0]) {
      offset -= piece.length;
      pieces.shift();
    }
  };

  const skipSilence = (count: number): void => {
    const piece = pieces[0];
    if (!isPaced || piece === undefined || queued <= prebuffer + surplus) return;
    const end = Math.min(piece.length, offset + count);
    for (let index = offset; index < end; index += 1) {
      if (Math.abs(piece[index] ?? 0) >= silence) return;
    }
    take(end - offset);
  };

  /** Plays from the oldest piece; returns how much of the block is filled then. */
  const play = (block: Float32Array, filled: number): number => {
    const piece = pieces[0];
    if (piece === undefined) return block.length;
    const count = Math.min(block.length - filled, piece.length - offset);
    for (let index = 0; index < count; index += 1) {
      last = (piece[offset + index] ?? 0) / 32_768;
      block[filled + index] = last;
      if (Math.abs(last) > level) level = Math.abs(last);
    }
    take(count);
    return filled + count;
  };

  return {
    push(samples) {
      if (samples.length === 0 || queued + samples.length > most) return;
      if (!isPlaying && queued === 0) {
        waitingSince = clock;
        const late = clock - dryAt;
        // A queue that ran dry in silence hurt nobody.
        if (late < lateness) {
          prebuffer = Math.min(mostPrebuffer, prebuffer + late + step);
          playedWell = 0;
        }
      }
      pieces.push(samples);
      queued += samples.length;
    },
    clear() {
      pieces.length = 0;
      offset = 0;
      queued = 0;
      isPlaying = false;
      dryAt = -lateness;
    },
    pull(block) {
      // A short last piece must not wait for a prebuffer that never fills.
      const hasWaited = clock - waitingSince >= prebuffer;
      if (!isPlaying && queued > 0 && (queued >= prebuffer || hasWaited)) isPlaying = true;
      clock += block.length;
      let filled = 0;
      if (isPlaying) {
        skipSilence(block.length);
        while (filled < block.length && queued > 0) filled = play(block, filled);
        playedWell += filled;
        if (playedWell >= relaxEvery) {
          playedWell = 0;
          prebuffer = Math.max(leastPrebuffer, prebuffer - step);
        }
        if (filled < block.length) {
          isPlaying = false;
          dryAt = Math.abs(last) * 32_768 < silence ? -lateness : clock;
        }
      }
      for (; filled < block.length; filled += 1) {
        last *= fade;
        block[filled] = last;
      }
    },
    status() {
      const status = { queuedMs: toMs(queued), prebufferMs: toMs(prebuffer), level };
      level = 0;
      return status;
    },
  };
}
