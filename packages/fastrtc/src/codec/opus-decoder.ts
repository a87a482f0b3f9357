import { CodecError, InvalidOptionError, InvalidStateError } from "../errors.ts";
import { checkChannels } from "../media/audio-samples.ts";
import type { AudioDecoder } from "./codec.ts";
import {
  checkOpus,
  isOpusSampleRate,
  MAX_OPUS_PACKET_BYTES,
  opusModule,
  type OpusModule,
  type OpusSampleRate,
} from "./opus-module.ts";

/** What an Opus decoder gives. */
export interface OpusDecoderOptions {
  /**
   * Rate of the PCM in Hz; a lower one than 48,000 costs less.
   *
   * @defaultValue 48000
   */
  readonly sampleRate?: OpusSampleRate;
  /**
   * Channels of the PCM, whatever the packets hold.
   *
   * @defaultValue 1
   */
  readonly channels?: 1 | 2;
}

/**
 * Makes an Opus decoder that conceals lost packets, with the help of forward error correction
 * where the packet after the loss carries it.
 *
 * @throws {@link InvalidOptionError} for a rate that Opus does not know.
 */
export function createOpusDecoder(options: OpusDecoderOptions = {}): AudioDecoder {
  const { sampleRate = 48_000 } = options;
  if (!isOpusSampleRate(sampleRate)) {
    throw new InvalidOptionError("sampleRate", sampleRate, "Opus knows 8, 12, 16, 24 and 48 kHz.");
  }
  return new OpusDecoder(opusModule(), sampleRate, checkChannels(options.channels ?? 1));
}

class OpusDecoder implements AudioDecoder {
  readonly sampleRate: OpusSampleRate;
  readonly channels: 1 | 2;
  readonly #opus: OpusModule;
  #decoder: number;
  // Samples per channel of the last packet: what an empty one stands for.
  #lastDuration: number;
  #output: Int16Array;
  #view: Int16Array;

  constructor(opus: OpusModule, sampleRate: OpusSampleRate, channels: 1 | 2) {
    this.#opus = opus;
    this.sampleRate = sampleRate;
    this.channels = channels;
    this.#lastDuration = sampleRate / 50;
    this.#output = new Int16Array(this.#lastDuration * channels);
    this.#view = this.#output;
    this.#decoder = opus.allocate(opus.functions.opus_decoder_get_size(channels));
    this.#initialize();
  }

  decode(data: Uint8Array): Int16Array {
    // An empty packet is a sender's silence (DTX): https://www.rfc-editor.org/rfc/rfc6716#section-3.2.1
    if (data.length === 0) return this.conceal(this.#lastDuration);
    this.#checkUsable();
    if (data.length > MAX_OPUS_PACKET_BYTES) {
      throw new CodecError(`No Opus packet has ${data.length} bytes.`);
    }
    this.#opus.writePacket(data);
    const count = this.#decode(data.length, this.#maxDuration, 0);
    this.#lastDuration = count;
    return this.#result(count);
  }

  conceal(durationSamples: number, fecData?: Uint8Array): Int16Array {
    this.#checkUsable();
    if (!(durationSamples > 0 && durationSamples <= this.sampleRate)) {
      throw new CodecError(
        `Cannot conceal ${durationSamples} samples at ${this.sampleRate} Hz: give up to one second; a longer gap is a pause.`,
      );
    }
    const count = Math.ceil(durationSamples);
    this.#reserve(count);
    let done = 0;
    while (done < count) {
      const block = Math.min(count - done, this.#maxDuration);
      // Only the end of a gap can be in the packet after it.
      const isLast = done + block === count;
      this.#concealBlock(block, isLast ? fecData : undefined, done);
      done += block;
    }
    return this.#viewOf(count);
  }

  free(): void {
    if (this.#decoder === 0) return;
    this.#opus.functions.free(this.#decoder);
    this.#decoder = 0;
  }

  get #maxDuration(): number {
    // 120 ms.
    return (this.sampleRate * 3) / 25;
  }

  #concealBlock(count: number, fecData: Uint8Array | undefined, at: number): void {
    // libopus conceals in steps of 2.5 ms; what is more than the gap is left out.
    const step = this.sampleRate / 400;
    const steps = Math.ceil(count / step) * step;
    const hasFec = fecData && fecData.length > 0 && fecData.length <= MAX_OPUS_PACKET_BYTES;
    if (hasFec) {
      this.#opus.writePacket(fecData);
      try {
        this.#decode(fecData.length, steps, 1);
      } catch {
        // A corrupt packet will be reported when it is decoded itself; here it just does not help.
        this.#decode(0, steps, 0);
      }
    } else {
      this.#decode(0, steps, 0);
    }
    this.#opus.readPcm(this.#output, at * this.channels, count * this.channels);
  }

  /** Decodes what lies in the packet buffer, or conceals where `bytes` is 0. */
  #decode(bytes: number, maxDuration: number, fec: 0 | 1): number {
    const { functions, packetPointer, pcmPointer } = this.#opus;
    const pointer = bytes === 0 ? 0 : packetPointer;
    let result: number;
    try {
      result = functions.opus_decode(this.#decoder, pointer, bytes, pcmPointer, maxDuration, fec);
    } catch (cause) {
      // libopus checks its input and should never trap; if it does, its state is worth nothing.
      this.#initialize();
      throw new CodecError("Opus decode: libopus failed.", { cause });
    }
    return checkOpus(result, "decode");
  }

  #initialize(): void {
    const { functions } = this.#opus;
    checkOpus(
      functions.opus_decoder_init(this.#decoder, this.sampleRate, this.channels),
      "decoder",
    );
  }

  #result(count: number): Int16Array {
    this.#reserve(count);
    this.#opus.readPcm(this.#output, 0, count * this.channels);
    return this.#viewOf(count);
  }

  #reserve(count: number): void {
    const length = count * this.channels;
    if (this.#output.length < length) this.#output = new Int16Array(length);
  }

  #viewOf(count: number): Int16Array {
    const length = count * this.channels;
    if (this.#view.length !== length || this.#view.buffer !== this.#output.buffer) {
      this.#view = this.#output.subarray(0, length);
    }
    return this.#view;
  }

  #checkUsable(): void {
    if (this.#decoder === 0) throw new InvalidStateError("This Opus decoder has been freed.");
  }
}
