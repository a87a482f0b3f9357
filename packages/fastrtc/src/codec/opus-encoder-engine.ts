import { createRequire } from "node:module";
import { isMainThread } from "node:worker_threads";
import { CodecError } from "../errors.ts";
import {
  checkOpus,
  OPUS_APPLICATION,
  OPUS_SET,
  opusModule,
  type OpusSampleRate,
} from "./opus-module.ts";

/** Which build of libopus encodes. */
export type OpusImplementation = "native" | "wasm";

/** What an Opus encoder is made for; cannot change later. */
export interface OpusEncoderShape {
  readonly sampleRate: OpusSampleRate;
  readonly channels: 1 | 2;
  readonly application: "voip" | "audio";
}

/** One libopus encoder, whichever build it runs in. */
export interface OpusEncoderEngine {
  readonly implementation: OpusImplementation;
  /** Makes a control request; see `OPUS_SET`. */
  set(request: number, value: number): void;
  /** Encodes one frame into the caller's own copy. */
  encode(samples: Int16Array): Uint8Array;
  /** Gives it back. Called once. */
  free(): void;
}

/**
 * Makes an engine.
 *
 * @throws {@link CodecError} when the wanted build does not load.
 */
export function createOpusEncoderEngine(
  shape: OpusEncoderShape,
  implementation: "auto" | OpusImplementation,
): OpusEncoderEngine {
  if (implementation === "wasm") return new WasmEngine(shape);
  const native = nativeModule();
  if (native) return new NativeEngine(native, shape);
  if (implementation === "auto") return new WasmEngine(shape);
  throw new CodecError(
    `The native build of libopus does not load here (${process.platform} ${process.arch}${isMainThread ? "" : ", worker thread"}); use "auto" or "wasm".`,
  );
}

// What libopus's manual recommends; a frame of 20 ms has 1,275 bytes at most.
const MAX_ENCODED_BYTES = 4000;

class WasmEngine implements OpusEncoderEngine {
  readonly implementation = "wasm";
  readonly #opus = opusModule();
  readonly #encoder: number;
  readonly #channels: number;

  constructor({ sampleRate, channels, application }: OpusEncoderShape) {
    const { functions } = this.#opus;
    this.#channels = channels;
    this.#encoder = this.#opus.allocate(functions.opus_encoder_get_size(channels));
    const id = OPUS_APPLICATION[application];
    checkOpus(functions.opus_encoder_init(this.#encoder, sampleRate, channels, id), "encoder");
  }

  set(request: number, value: number): void {
    checkOpus(
      this.#opus.functions.opus_encoder_ctl_set(this.#encoder, request, value),
      `control ${request} = ${value}`,
    );
  }

  encode(samples: Int16Array): Uint8Array {
    const opus = this.#opus;
    const { functions, pcmPointer, packetPointer } = opus;
    opus.writePcm(samples);
    const frameSamples = samples.length / this.#channels;
    const bytes = functions.opus_encode(
      this.#encoder,
      pcmPointer,
      frameSamples,
      packetPointer,
      MAX_ENCODED_BYTES,
    );
    return opus.readPacket(checkOpus(bytes, "encode"));
  }

  free(): void {
    this.#opus.functions.free(this.#encoder);
  }
}

interface NativeEncoder {
  ctl(request: number, value: number): number;
  encode(samples: Int16Array): Uint8Array;
}

interface NativeModule {
  readonly Encoder: new (options: {
    readonly sample_rate: number;
    readonly channels: number;
    readonly application: string;
  }) => NativeEncoder;
}

class NativeEngine implements OpusEncoderEngine {
  readonly implementation = "native";
  readonly #encoder: NativeEncoder;
  readonly #pool: NativeEncoder[];

  constructor(module: NativeModule, { sampleRate, channels, application }: OpusEncoderShape) {
    this.#pool = poolOf(`${sampleRate} ${channels} ${application}`);
    const pooled = this.#pool.pop();
    this.#encoder =
      pooled ?? new module.Encoder({ sample_rate: sampleRate, channels, application });
    if (pooled) pooled.ctl(OPUS_SET.resetState, 0);
  }

  set(request: number, value: number): void {
    try {
      this.#encoder.ctl(request, value);
    } catch (cause) {
      throw new CodecError(`Opus control ${request} = ${value}: refused.`, { cause });
    }
  }

  encode(samples: Int16Array): Uint8Array {
    try {
      return this.#encoder.encode(samples);
    } catch (cause) {
      throw new CodecError("Opus encode: refused.", { cause });
    }
  }

  free(): void {
    if (this.#pool.length < MAX_POOLED) this.#pool.push(this.#encoder);
  }
}

// Native encoders are freed by the garbage collector alone, which does not see their 25 to 50 kB:
// 20,000 dropped ones were measured to hold 978 MB. So those of ended sessions serve the next.
const MAX_POOLED = 256;
const pools = new Map<string, NativeEncoder[]>();

// At most 5 rates x 2 layouts x 2 applications.
function poolOf(key: string): NativeEncoder[] {
  let pool = pools.get(key);
  if (!pool) {
    pool = [];
    pools.set(key, pool);
  }
  return pool;
}

// Undefined: not tried yet.
let native: NativeModule | null | undefined;

function nativeModule(): NativeModule | null {
  native ??= loadNative();
  return native;
}

function loadNative(): NativeModule | null {
  // The native build writes packets to one buffer of the whole process, before it copies them:
  // two threads that encode would send each other's sound.
  if (!isMainThread) return null;
  try {
    const require = createRequire(import.meta.url);
    return require("@evan/opus/node/index.js") as NativeModule;
  } catch {
    // No prebuilt binary for this platform, or one that its C library refuses.
    return null;
  }
}
