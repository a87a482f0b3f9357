/**
 * libopus, compiled to WebAssembly, once for each thread.
 *
 * The `@evan/opus` package ships it; its own wrapper hides loss concealment and forward error
 * correction, so we call the raw exports. Decoders always run here, encoders where the faster
 * native build does not load.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { CodecError } from "../errors.ts";
import { webAssembly } from "../media/webassembly.ts";

/** Rates in Hz that Opus encodes from and decodes to without resampling. */
export type OpusSampleRate = 8000 | 12000 | 16000 | 24000 | 48000;

/** Tells whether Opus can work at a rate directly. */
export function isOpusSampleRate(rate: number): rate is OpusSampleRate {
  return rate === 8000 || rate === 12000 || rate === 16000 || rate === 24000 || rate === 48000;
}

/** Control requests of `opus_encoder_ctl`, by their numbers in opus_defines.h. */
export const OPUS_SET = {
  bitrate: 4002,
  complexity: 4010,
  inbandFec: 4012,
  packetLossPercent: 4014,
  dtx: 4016,
  signal: 4024,
  resetState: 4028,
} as const;

/** Values of the encoder's application, by their numbers in opus_defines.h. */
export const OPUS_APPLICATION = { voip: 2048, audio: 2049 } as const;

/** Values of {@link OPUS_SET}.signal, by their numbers in opus_defines.h. */
export const OPUS_SIGNAL = { auto: -1000, voice: 3001, music: 3002 } as const;

/** The longest packet there is: 48 frames of 1,275 bytes and their lengths, in whole KiB. */
export const MAX_OPUS_PACKET_BYTES: number = 62 * 1024;

const MAX_CHUNK_MS = 120;
const MAX_CHUNK_SAMPLES = 48 * MAX_CHUNK_MS;

// https://opus-codec.org/docs/opus_api-1.5/group__opus__errorcodes.html
const ERRORS: Record<number, string> = {
  [-1]: "bad argument",
  [-2]: "buffer too small",
  [-3]: "internal error",
  [-4]: "corrupt packet",
  [-5]: "not implemented",
  [-6]: "invalid state",
  [-7]: "out of memory",
};

interface OpusExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  _initialize?(): void;
  malloc(bytes: number): number;
  free(pointer: number): void;
  opus_decoder_get_size(channels: number): number;
  opus_decoder_init(decoder: number, rate: number, channels: number): number;
  opus_decode(
    decoder: number,
    data: number,
    bytes: number,
    pcm: number,
    frameSamples: number,
    fec: 0 | 1,
  ): number;
  opus_encoder_get_size(channels: number): number;
  opus_encoder_init(encoder: number, rate: number, channels: number, application: number): number;
  opus_encode(
    encoder: number,
    pcm: number,
    frameSamples: number,
    data: number,
    maxBytes: number,
  ): number;
  opus_encoder_ctl_set(encoder: number, request: number, value: number): number;
}

/**
 * The calls of libopus, and the two scratch buffers through which all its codecs of this thread
 * pass bytes and samples: calls are synchronous, so that nobody finds another's data there.
 */
export class OpusModule {
  /** The raw functions. */
  readonly functions: OpusExports;
  /** Where packets pass: {@link MAX_OPUS_PACKET_BYTES} bytes. */
  readonly packetPointer: number;
  /** Where PCM passes: 120 ms of 48 kHz stereo. */
  readonly pcmPointer: number;
  #bytes: Uint8Array;
  #samples: Int16Array;

  constructor(functions: OpusExports) {
    this.functions = functions;
    this.#bytes = new Uint8Array(functions.memory.buffer);
    this.#samples = new Int16Array(functions.memory.buffer);
    this.packetPointer = this.allocate(MAX_OPUS_PACKET_BYTES);
    this.pcmPointer = this.allocate(MAX_CHUNK_SAMPLES * 2 * 2);
  }

  /**
   * Reserves memory.
   *
   * @throws {@link CodecError} when there is no more.
   */
  allocate(bytes: number): number {
    const pointer = this.functions.malloc(bytes);
    if (pointer === 0) throw new CodecError("Opus: out of memory.");
    return pointer;
  }

  /** Puts a packet of at most {@link MAX_OPUS_PACKET_BYTES} where libopus reads it. */
  writePacket(packet: Uint8Array): void {
    this.#refreshViews();
    this.#bytes.set(packet, this.packetPointer);
  }

  /** Copies a packet that libopus wrote. */
  readPacket(byteCount: number): Uint8Array {
    this.#refreshViews();
    return this.#bytes.slice(this.packetPointer, this.packetPointer + byteCount);
  }

  /** Puts PCM where libopus reads it. */
  writePcm(samples: Int16Array): void {
    this.#refreshViews();
    this.#samples.set(samples, this.pcmPointer >> 1);
  }

  /** Copies PCM that libopus wrote to `target`, beginning at `offset`. */
  readPcm(target: Int16Array, offset: number, count: number): void {
    this.#refreshViews();
    const start = this.pcmPointer >> 1;
    // A loop: subarray() would allocate a view for each of fifty packets a second of each session.
    for (let i = 0; i < count; i++) target[offset + i] = this.#samples[start + i] ?? 0;
  }

  // Memory that grows gets another buffer, and views of the old one become empty.
  #refreshViews(): void {
    const { buffer } = this.functions.memory;
    if (this.#bytes.buffer === buffer) return;
    this.#bytes = new Uint8Array(buffer);
    this.#samples = new Int16Array(buffer);
  }
}

let loaded: OpusModule | undefined;

/**
 * Returns this thread's libopus; the first call compiles it, which takes a few milliseconds.
 *
 * @throws {@link CodecError} when `@evan/opus` is not installed whole.
 */
export function opusModule(): OpusModule {
  loaded ??= load();
  return loaded;
}

/**
 * Returns the result of a libopus call.
 *
 * @param result - Negative when it failed.
 * @param what - What was tried, for the message.
 * @throws {@link CodecError} when it failed.
 */
export function checkOpus(result: number, what: string): number {
  if (result >= 0) return result;
  throw new CodecError(`Opus ${what}: ${ERRORS[result] ?? `error ${result}`}.`);
}

function load(): OpusModule {
  try {
    const path = createRequire(import.meta.url).resolve("@evan/opus/wasm/simd.wasm");
    const module = new webAssembly.Module(readFileSync(path));
    const nothing = (): number => 0;
    const instance = new webAssembly.Instance(module, {
      wasi_snapshot_preview1: {
        fd_seek: nothing,
        fd_write: nothing,
        fd_close: nothing,
        proc_exit(code: number): never {
          throw new CodecError(`Opus gave up with code ${code}.`);
        },
      },
      // We compare buffers instead, which also holds for views made between growth and this call.
      env: { emscripten_notify_memory_growth: nothing },
    });
    const functions = instance.exports as unknown as OpusExports;
    functions._initialize?.();
    return new OpusModule(functions);
  } catch (cause) {
    throw new CodecError("Cannot load libopus from @evan/opus; reinstall the package.", { cause });
  }
}
