/**
 * The way to the caller: audio of the handler's becomes encoded chunks, one every 20 ms.
 *
 * Audio waits as PCM and is encoded when its time comes, so that what an interruption drops was
 * never encoded. The queue is bounded: beyond ten seconds the writer is told to wait.
 */

import type { AudioEncoder } from "../codec/codec.ts";
import { createEncoder } from "../codec/create-codec.ts";
import type { AudioEncoderOptions } from "../codec/create-codec.ts";
import type { AudioFrame } from "../media/audio-frame.ts";
import type { Clock, Timer } from "../media/clock.ts";
import type { AudioFormat } from "../media/encoded-chunk.ts";
import { PcmQueue } from "../media/pcm-queue.ts";
import { PlayoutPacer } from "../media/playout-pacer.ts";
import { StreamingResampler } from "../media/resampler.ts";
import type { Transport } from "../transport/transport.ts";

const FRAME_MS = 20;
/** Audio that may wait before writers are told to. */
const MAX_QUEUED_MS = 10_000;
/** How long after a write more is waited for before silence is sent in its place. */
const MORE_WAIT_MS = 40;
/** Silent frames that follow speech, so that the listener's decoder fades instead of guessing. */
const TRAILING_FRAMES = 5;
/** Frames between two looks at the path's loss. */
const LOSS_LOOK_FRAMES = 250;

/** What an {@link Outbound} works with. */
export interface OutboundOptions {
  readonly transport: Transport;
  readonly format: AudioFormat;
  /** The handler's output rate in Hz: the least that is encoded at. */
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  readonly encoder: AudioEncoderOptions;
  readonly clock: Clock;
}

/** Paces, encodes and sends one session's audio. */
export class Outbound {
  readonly #options: OutboundOptions;
  readonly #queue: PcmQueue;
  readonly #pacer: PlayoutPacer<Int16Array>;
  readonly #writers = new Set<() => void>();
  readonly #drainers = new Set<() => void>();
  /** What waits and what is encoded has this rate. */
  #sampleRate: number;
  #silence: Int16Array;
  #encoder: AudioEncoder | undefined;
  #resampler: StreamingResampler | undefined;
  #resamplerRate = 0;
  #lastWriteAt = 0;
  #moreTimer: Timer | undefined;
  #isFlushed = true;
  #silentFrames = TRAILING_FRAMES;
  #isHeld = false;
  #silentSent = 0;
  #sent = 0;
  #isClosed = false;

  constructor(options: OutboundOptions) {
    this.#options = options;
    const { format, sampleRate, channels, clock } = options;
    this.#queue = new PcmQueue(channels);
    this.#sampleRate = sampleRate;
    this.#silence = this.#silentFrame();
    this.#pacer = new PlayoutPacer({
      clock,
      sampleRate: format.sampleRate,
      frameMs: FRAME_MS,
      leadMs: options.transport.leadMs ?? 0,
      nextFrame: () => this.#nextFrame(),
      hasFrame: () => this.#hasFrame(),
      send: (frame, { timestampSamples }) => this.#send(frame, timestampSamples),
    });
    this.#pacer.start();
  }

  /** Whether audio waits to be sent. */
  get isPlaying(): boolean {
    return this.#queue.sampleCount > 0;
  }

  /**
   * Queues audio.
   *
   * @param onSent - Called as its parts are handed to the transport, with their length in ms.
   * @returns undefined while there is room, else a promise that resolves when there is again.
   */
  write(frame: AudioFrame, onSent?: (durationMs: number) => void): Promise<void> | undefined {
    if (this.#isClosed) return undefined;
    this.#raiseRate(frame.sampleRate);
    const msPerSample = 1000 / this.#sampleRate;
    this.#queue.push(
      this.#convert(frame),
      onSent && ((sampleCount) => onSent(sampleCount * msPerSample)),
    );
    this.#lastWriteAt = this.#options.clock.now();
    this.#isFlushed = false;
    this.#pacer.wake();
    if (this.#queuedMs < MAX_QUEUED_MS) return undefined;
    return new Promise((resolve) => this.#writers.add(resolve));
  }

  /** Says that no more audio follows for now. */
  flush(): void {
    if (this.#isFlushed || this.#isClosed) return;
    this.#isFlushed = true;
    if (this.#resampler) this.#queue.push(this.#resampler.flush().slice());
    this.#pacer.wake();
  }

  /** Keeps what waits, and sends silence instead: for {@link Outbound.release} to go on with. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Goes on where {@link Outbound.hold} stopped. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#pacer.wake();
  }

  /** Drops what waits. */
  clear(): void {
    this.#isHeld = false;
    this.#queue.clear();
    this.#resampler?.reset();
    this.#isFlushed = true;
    this.#settle();
  }

  /** Resolves when nothing waits any more. */
  drained(): Promise<void> {
    if (!this.isPlaying) return Promise.resolve();
    return new Promise((resolve) => this.#drainers.add(resolve));
  }

  /** Stops; what waits is dropped. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pacer.stop();
    this.#moreTimer?.cancel();
    this.clear();
    this.#encoder?.free();
    this.#encoder = undefined;
  }

  get #queuedMs(): number {
    return (this.#queue.sampleCount * 1000) / this.#sampleRate;
  }

  #nextFrame(): Int16Array | undefined {
    if (!this.#hasFrame()) return undefined;
    if (this.#waiting === 0) {
      this.#silentFrames++;
      return this.#silence;
    }
    const frame = this.#queue.take(this.#sampleRate / 50);
    this.#silentFrames = 0;
    this.#settle();
    return frame;
  }

  // Samples per channel that may be sent now.
  get #waiting(): number {
    return this.#isHeld ? 0 : this.#queue.sampleCount;
  }

  // Whether a frame can be made: of what waits, or of the silence that follows it.
  #hasFrame(): boolean {
    if (this.#waiting >= this.#sampleRate / 50) return true;
    if (this.#waiting === 0 && this.#silentFrames >= TRAILING_FRAMES) return false;
    // Who is held is silent at once: whoever listens would draw out the last sound instead.
    return this.#isHeld || this.#mayPad();
  }

  // The rest of a frame may come yet, and a live source may be late: silence in the place of its
  // frame would put it, and all that follow, behind for good. But neither is waited for for long.
  #mayPad(): boolean {
    if (this.#isFlushed) return true;
    const { clock } = this.#options;
    const leftMs = this.#lastWriteAt + MORE_WAIT_MS - clock.now();
    if (leftMs <= 0) return true;
    this.#moreTimer ??= clock.setTimeout(() => {
      this.#moreTimer = undefined;
      if (this.#hasFrame()) this.#pacer.wake();
    }, leftMs);
    return false;
  }

  // A handler's own long silence is not sent: the listener hears the same without it.
  #send(samples: Int16Array, timestamp: number): void {
    this.#silentSent = samples.some((sample) => sample !== 0) ? 0 : this.#silentSent + 1;
    if (this.#silentSent > TRAILING_FRAMES) return;
    const { transport, format, channels, encoder } = this.#options;
    this.#encoder ??= createEncoder(format, this.#sampleRate, channels, encoder);
    if (++this.#sent % LOSS_LOOK_FRAMES === 0) {
      this.#encoder.setPacketLoss(100 * (transport.stats().outboundLossShare ?? 0));
    }
    transport.sendAudio({
      data: this.#encoder.encode(samples),
      timestamp,
      durationSamples: (format.sampleRate * FRAME_MS) / 1000,
    });
  }

  // Sound of a higher rate than the handler promised is encoded as it is: to take its highs away
  // would cost a resampler. It never falls again, so that a chime does not dull the speech after it.
  #raiseRate(sampleRate: number): void {
    const { format } = this.#options;
    const isHigher = sampleRate > this.#sampleRate && sampleRate <= format.sampleRate;
    if (!isHigher || sampleRate % 50 !== 0 || this.isPlaying) return;
    this.#sampleRate = sampleRate;
    this.#silence = this.#silentFrame();
    this.#resampler = undefined;
    this.#resamplerRate = 0;
    this.#encoder?.free();
    this.#encoder = undefined;
  }

  #silentFrame(): Int16Array {
    return new Int16Array((this.#sampleRate / 50) * this.#options.channels);
  }

  #convert(frame: AudioFrame): Int16Array {
    const { channels } = this.#options;
    const { samples } = channels === 2 ? frame.toStereo() : frame.toMono();
    if (frame.sampleRate === this.#sampleRate) return samples;
    if (this.#resamplerRate !== frame.sampleRate) {
      this.#resamplerRate = frame.sampleRate;
      this.#resampler = new StreamingResampler(frame.sampleRate, this.#sampleRate, channels);
    }
    // The resampler's view is overwritten by the next frame.
    return this.#resampler?.process(samples).slice() ?? samples;
  }

  #settle(): void {
    if (this.#writers.size > 0 && this.#queuedMs < MAX_QUEUED_MS) wakeAll(this.#writers);
    if (this.#drainers.size > 0 && !this.isPlaying) wakeAll(this.#drainers);
  }
}

function wakeAll(waiting: Set<() => void>): void {
  for (const wake of waiting) wake();
  waiting.clear();
}
