/**
 * The caller's way in: encoded chunks from the transport become frames for the handler.
 *
 * A chunk that cannot be decoded is concealed like a lost one; a handler that is slow gets its
 * frames later, and loses the oldest when it is slower than five seconds.
 */

import type { AudioDecoder } from "../codec/codec.ts";
import type { StreamHandlerBase } from "../handler/stream-handler.ts";
import { AudioFrame } from "../media/audio-frame.ts";
import { BoundedQueue } from "../media/bounded-queue.ts";
import type { EncodedChunk } from "../media/encoded-chunk.ts";
import { StreamingResampler } from "../media/resampler.ts";
import type { Logger } from "../observe/logger.ts";
import { runInContext } from "./context/context.ts";
import type { SessionContext } from "./context/context.ts";

/** Frames of 20 ms that wait for a slow handler. */
const MAX_WAITING_FRAMES = 250;

/** What an {@link Inbound} works with. */
export interface InboundOptions {
  readonly handler: StreamHandlerBase;
  readonly context: SessionContext;
  readonly decoder: AudioDecoder;
  /** The clock of the chunks' timestamps and durations, in Hz. */
  readonly clockRate: number;
  readonly logger: Logger;
  readonly onError: (error: unknown) => void;
}

/** Decodes one session's audio and feeds its handler. */
export class Inbound {
  readonly #options: InboundOptions;
  readonly #resampler: StreamingResampler | undefined;
  readonly #waiting = new BoundedQueue<AudioFrame>(MAX_WAITING_FRAMES, "drop-oldest");
  #isBusy = false;
  #isClosed = false;
  #dropped = 0;

  constructor(options: InboundOptions) {
    this.#options = options;
    const { decoder, handler } = options;
    this.#resampler =
      decoder.sampleRate === handler.inputSampleRate
        ? undefined
        : new StreamingResampler(decoder.sampleRate, handler.inputSampleRate, decoder.channels);
  }

  /** Takes the next chunk. */
  push(chunk: EncodedChunk): void {
    if (this.#isClosed) return;
    const decoded = this.#decode(chunk);
    const samples = this.#resampler ? this.#resampler.process(decoded) : decoded;
    if (samples.length === 0) return;
    const { decoder, handler, clockRate } = this.#options;
    this.#deliver(
      new AudioFrame({
        // The decoder's view is overwritten by the next chunk; the frame belongs to the user.
        samples: samples.slice(),
        sampleRate: handler.inputSampleRate,
        channels: decoder.channels,
        timestampMs: (chunk.timestamp * 1000) / clockRate,
      }),
    );
  }

  /** Gives the decoder back; frames that wait are dropped. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting.clear();
    this.#options.decoder.free();
  }

  #decode(chunk: EncodedChunk): Int16Array {
    const { decoder, clockRate, logger, context } = this.#options;
    const gap = Math.round((chunk.durationSamples * decoder.sampleRate) / clockRate);
    if (chunk.silence) return new Int16Array(gap * decoder.channels);
    if (!chunk.data) return decoder.conceal(gap, chunk.fecData);
    try {
      return decoder.decode(chunk.data);
    } catch (error) {
      logger.debug("A chunk could not be decoded and was concealed.", {
        webrtcId: context.webrtcId,
        error,
      });
      return decoder.conceal(gap);
    }
  }

  #deliver(frame: AudioFrame): void {
    if (this.#isBusy) this.#keep(frame);
    else this.#receive(frame);
  }

  #keep(frame: AudioFrame): void {
    if (this.#waiting.push(frame) === undefined) return;
    const { logger, context } = this.#options;
    if (this.#dropped++ === 0) {
      logger.warn("The handler's receive() is slower than the audio: frames are dropped.", {
        webrtcId: context.webrtcId,
      });
    }
  }

  #receive(frame: AudioFrame): void {
    const { handler, context, onError } = this.#options;
    try {
      const pending = runInContext(context, () => handler.receive(frame));
      if (!(pending instanceof Promise)) return;
      this.#isBusy = true;
      pending.catch(onError).finally(() => this.#next());
    } catch (error) {
      onError(error);
    }
  }

  #mustWait(): boolean {
    return this.#isBusy || this.#isClosed;
  }

  #next(): void {
    this.#isBusy = false;
    for (let frame = this.#waiting.shift(); frame; frame = this.#waiting.shift()) {
      this.#receive(frame);
      if (this.#mustWait()) return;
    }
  }
}
