import { CodecError, InvalidOptionError, InvalidStateError } from "../errors.ts";
import { checkChannels } from "../media/audio-samples.ts";
import type { AudioEncoder } from "./codec.ts";
import {
  createOpusEncoderEngine,
  type OpusEncoderEngine,
  type OpusImplementation,
} from "./opus-encoder-engine.ts";
import { isOpusSampleRate, OPUS_SET, OPUS_SIGNAL, type OpusSampleRate } from "./opus-module.ts";

/** How an Opus encoder encodes. */
export interface OpusEncoderOptions {
  /**
   * Rate of the PCM in Hz. Opus encodes at the rate it is given; a lower one costs less and holds
   * less of the highs.
   *
   * @defaultValue 48000
   */
  readonly sampleRate?: OpusSampleRate;
  /**
   * Channels of the PCM.
   *
   * @defaultValue 1
   */
  readonly channels?: 1 | 2;
  /**
   * Length of a packet in milliseconds. Longer ones save headers and add delay.
   *
   * @defaultValue 20
   */
  readonly frameMs?: 2.5 | 5 | 10 | 20 | 40 | 60;
  /**
   * Mean rate in bits per second, 6,000 to 510,000. Speech is clear from 16,000 on and gains
   * little beyond 40,000.
   *
   * @defaultValue 32000
   */
  readonly bitrateBps?: number;
  /**
   * How hard to search for the best encoding, 0 to 10. Higher costs CPU time of the server: 20 ms of
   * speech at 24 kHz were measured to take 52, 124 and 164 us at 0, 5 and 9 with the native build,
   * and 89, 194 and 342 us with the WebAssembly one; 2 costs 90 and 138 us (`bench/codec.ts`).
   *
   * @defaultValue 2
   */
  readonly complexity?: number;
  /**
   * What to preserve: intelligible speech (`voip`) or the waveform (`audio`, for music).
   *
   * @defaultValue "voip"
   */
  readonly application?: "voip" | "audio";
  /**
   * What the sound is; `auto` listens.
   *
   * @defaultValue "auto"
   */
  readonly signal?: "auto" | "voice" | "music";
  /**
   * Whether packets also describe the one before them, once loss is known of. Costs part of the
   * bitrate, and nothing while `packetLossPercent` is 0.
   *
   * @defaultValue true
   */
  readonly fec?: boolean;
  /**
   * Whether silence is sent as packets of at most 2 bytes, most of which need not be sent.
   *
   * @defaultValue false
   */
  readonly dtx?: boolean;
  /**
   * How much of what is sent gets lost, 0 to 100.
   *
   * @defaultValue 0
   */
  readonly packetLossPercent?: number;
  /**
   * Which build of libopus to use: the native one where it loads (`auto`), or a certain one.
   *
   * @defaultValue "auto"
   */
  readonly implementation?: "auto" | OpusImplementation;
}

const DEFAULTS = {
  sampleRate: 48_000,
  channels: 1,
  frameMs: 20,
  bitrateBps: 32_000,
  complexity: 2,
  application: "voip",
  signal: "auto",
  fec: true,
  dtx: false,
  packetLossPercent: 0,
  implementation: "auto",
} as const satisfies Required<OpusEncoderOptions>;

const FRAME_MS: readonly number[] = [2.5, 5, 10, 20, 40, 60];

/** An {@link AudioEncoder} that says which build of libopus it runs on. */
export interface OpusEncoder extends AudioEncoder {
  /** The build of libopus. */
  readonly implementation: OpusImplementation;
}

/**
 * Makes an Opus encoder.
 *
 * @throws {@link InvalidOptionError} naming the option that cannot be.
 * @throws {@link CodecError} when the wanted implementation does not load.
 */
export function createOpusEncoder(options: OpusEncoderOptions = {}): OpusEncoder {
  const settings = validate({ ...DEFAULTS, ...withoutUndefined(options) });
  return new EngineEncoder(settings, createOpusEncoderEngine(settings, settings.implementation));
}

class EngineEncoder implements OpusEncoder {
  readonly sampleRate: OpusSampleRate;
  readonly channels: 1 | 2;
  readonly frameSamples: number;
  readonly implementation: OpusImplementation;
  #engine: OpusEncoderEngine | undefined;

  constructor(settings: Required<OpusEncoderOptions>, engine: OpusEncoderEngine) {
    this.sampleRate = settings.sampleRate;
    this.channels = settings.channels;
    this.frameSamples = (settings.sampleRate * settings.frameMs) / 1000;
    this.implementation = engine.implementation;
    this.#engine = engine;
    engine.set(OPUS_SET.bitrate, settings.bitrateBps);
    engine.set(OPUS_SET.complexity, settings.complexity);
    engine.set(OPUS_SET.signal, OPUS_SIGNAL[settings.signal]);
    engine.set(OPUS_SET.inbandFec, settings.fec ? 1 : 0);
    engine.set(OPUS_SET.dtx, settings.dtx ? 1 : 0);
    engine.set(OPUS_SET.packetLossPercent, settings.packetLossPercent);
  }

  encode(samples: Int16Array): Uint8Array {
    const engine = this.#usable();
    const wanted = this.frameSamples * this.channels;
    if (samples.length !== wanted) {
      throw new CodecError(`Cannot encode ${samples.length} samples: a frame has ${wanted}.`);
    }
    return engine.encode(samples);
  }

  setPacketLoss(percent: number): void {
    // A figure measured from reports: a strange one must not end the session.
    const sane = Number.isFinite(percent) ? Math.round(Math.min(100, Math.max(0, percent))) : 0;
    this.#usable().set(OPUS_SET.packetLossPercent, sane);
  }

  reset(): void {
    this.#usable().set(OPUS_SET.resetState, 0);
  }

  free(): void {
    this.#engine?.free();
    this.#engine = undefined;
  }

  #usable(): OpusEncoderEngine {
    if (!this.#engine) throw new InvalidStateError("This Opus encoder has been freed.");
    return this.#engine;
  }
}

function validate(settings: Required<OpusEncoderOptions>): Required<OpusEncoderOptions> {
  const { sampleRate, frameMs } = settings;
  if (!isOpusSampleRate(sampleRate)) {
    throw new InvalidOptionError("sampleRate", sampleRate, "Opus knows 8, 12, 16, 24 and 48 kHz.");
  }
  checkChannels(settings.channels);
  if (!FRAME_MS.includes(frameMs)) {
    throw new InvalidOptionError("frameMs", frameMs, "Give 2.5, 5, 10, 20, 40 or 60.");
  }
  checkRange("bitrateBps", settings.bitrateBps, 6000, 510_000);
  checkRange("complexity", settings.complexity, 0, 10);
  checkRange("packetLossPercent", settings.packetLossPercent, 0, 100);
  checkChoice("application", settings.application, ["voip", "audio"]);
  checkChoice("signal", settings.signal, ["auto", "voice", "music"]);
  checkChoice("implementation", settings.implementation, ["auto", "native", "wasm"]);
  return settings;
}

function checkRange(option: string, value: unknown, least: number, most: number): void {
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return;
  throw new InvalidOptionError(option, value, `Give a whole number from ${least} to ${most}.`);
}

function checkChoice(option: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return;
  throw new InvalidOptionError(option, value, `Give ${choices.join(" or ")}.`);
}

// JavaScript callers pass undefined for what they do not set; it must not hide a default.
function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as T;
}
