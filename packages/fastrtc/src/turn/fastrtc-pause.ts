/**
 * FastRTC's own way of finding turns, for applications that depend on it: audio is judged in blocks of
 * 0.6 s, and a block without speech ends the turn.
 *
 * In go frames, out come the same two moments as FastRTC's: speech has begun, and the user has paused,
 * with the audio that FastRTC would hand over, blocks without pre-roll. Slower than {@link TurnTaking}
 * (0.6 to 1.2 s from the last sound to the pause), and up to 0.2 s of the first word is lost. Called
 * by the handler.
 */

import { InvalidOptionError } from "../errors.ts";
import type { AudioFrame } from "../media/audio-frame.ts";
import { StreamingResampler } from "../media/resampler.ts";
import { FASTRTC_FRAME_SAMPLES, resolveSileroVadOptions, speechSeconds } from "./fastrtc-vad.ts";
import type { ResolvedSileroVadOptions, SileroVadOptions } from "./fastrtc-vad.ts";
import type { AlgoOptions } from "./turn-options.ts";
import { UtteranceBuffer } from "./utterance-buffer.ts";
import { VAD_SAMPLE_RATE, VAD_WINDOW_SAMPLES } from "./voice-activity.ts";
import type { VoiceActivityDetector } from "./voice-activity.ts";

const DEFAULTS = {
  audioChunkDuration: 0.6,
  startedTalkingThreshold: 0.2,
  speechThreshold: 0.1,
  maxContinuousSpeechS: Infinity,
} as const satisfies Required<AlgoOptions>;

/** FastRTC knows no longest turn; a session's memory has one. */
const MAX_TURN_S = 180;

/** How a {@link FastRTCPause} reads audio and decides. */
export interface FastRTCPauseSetup {
  /** Rate of the frames in Hz. */
  readonly sampleRate: number;
  /** Channels of the frames. */
  readonly channels: 1 | 2;
  readonly vad: VoiceActivityDetector;
  /** FastRTC's options of pause detection. */
  readonly algoOptions?: AlgoOptions;
  /** FastRTC's options of voice activity detection. */
  readonly modelOptions?: SileroVadOptions;
  /**
   * Whether the detector forgets everything before each block, as FastRTC's does. Ours would then
   * overlook what is said in a block's first 60 ms or so: turns end sooner, and more are cut off.
   *
   * @defaultValue false
   */
  readonly restartsVad?: boolean;
}

/** What was said in one turn. */
export interface PausedUtterance {
  /**
   * Interleaved, from the start of the block in which speech was first found to the end of the one in
   * which there was none.
   */
  readonly samples: Int16Array;
  /** How long ago the last speech was, in milliseconds of audio, to within a frame of 64 ms. */
  readonly speechEndAgoMs: number;
}

/** What a {@link FastRTCPause} tells; called while a frame is pushed. */
export interface PauseListener {
  /** A block holds speech, and no turn was running. */
  onSpeechStarted(): void;
  /** The user has paused. */
  onTurnEnded(utterance: PausedUtterance): void;
}

/** Finds pauses in one session's audio as FastRTC does. */
export class FastRTCPause {
  readonly #vad: VoiceActivityDetector;
  readonly #restartsVad: boolean;
  readonly #algo: Required<AlgoOptions>;
  readonly #model: ResolvedSileroVadOptions;
  readonly #listener: PauseListener;
  readonly #resampler: StreamingResampler | undefined;
  readonly #samplesPerSecond: number;
  readonly #blockSamples: number;
  /** The blocks of the running turn, and the one that is being filled. */
  readonly #utterance: UtteranceBuffer;
  /** That block again, as the detector reads it. */
  readonly #mono: Float32Array;
  #monoLength = 0;
  #blockLength = 0;
  #inTurn = false;
  #silentMs = 0;

  /** @throws {@link InvalidOptionError} for an option that cannot work. */
  constructor(setup: FastRTCPauseSetup, listener: PauseListener) {
    const { sampleRate, channels, algoOptions = {} } = setup;
    this.#vad = setup.vad;
    this.#restartsVad = setup.restartsVad ?? false;
    this.#algo = {
      audioChunkDuration: algoOptions.audioChunkDuration ?? DEFAULTS.audioChunkDuration,
      startedTalkingThreshold:
        algoOptions.startedTalkingThreshold ?? DEFAULTS.startedTalkingThreshold,
      speechThreshold: algoOptions.speechThreshold ?? DEFAULTS.speechThreshold,
      maxContinuousSpeechS: Math.min(
        MAX_TURN_S,
        algoOptions.maxContinuousSpeechS ?? DEFAULTS.maxContinuousSpeechS,
      ),
    };
    const { audioChunkDuration } = this.#algo;
    if (!(audioChunkDuration >= 0.1 && audioChunkDuration <= 10)) {
      throw new InvalidOptionError(
        "algoOptions.audioChunkDuration",
        audioChunkDuration,
        "Give seconds from 0.1 to 10.",
      );
    }
    this.#model = resolveSileroVadOptions(setup.modelOptions);
    this.#listener = listener;
    this.#samplesPerSecond = sampleRate * channels;
    this.#blockSamples = Math.round(audioChunkDuration * sampleRate) * channels;
    // Blocks end with a frame, so they may be one frame longer; frames have at most a second.
    const blockSeconds = audioChunkDuration + 1;
    this.#utterance = new UtteranceBuffer(
      Math.ceil(blockSeconds * this.#samplesPerSecond),
      Math.ceil((MAX_TURN_S + blockSeconds) * this.#samplesPerSecond),
    );
    this.#mono = new Float32Array(Math.ceil(blockSeconds * VAD_SAMPLE_RATE) + VAD_WINDOW_SAMPLES);
    this.#resampler =
      sampleRate === VAD_SAMPLE_RATE
        ? undefined
        : new StreamingResampler(sampleRate, VAD_SAMPLE_RATE, 1);
  }

  /** Whether a turn has begun and not ended. */
  get inTurn(): boolean {
    return this.#inTurn;
  }

  /** Reads the next frame of the session's audio. */
  push(frame: AudioFrame): void {
    this.#utterance.push(frame.samples);
    this.#blockLength += frame.samples.length;
    const mono = frame.channels === 1 ? frame.samples : frame.toMono().samples;
    if (this.#resampler) this.#append(this.#resampler.processToFloat32(mono), 1);
    else this.#append(mono, 1 / 32768);
    if (this.#blockLength >= this.#blockSamples) this.#endBlock();
  }

  /** Ends the running turn now and hands it over; nothing happens outside a turn. */
  endTurn(): void {
    if (!this.#inTurn) return;
    this.#silentMs += (1000 * this.#monoLength) / VAD_SAMPLE_RATE;
    this.#end();
  }

  /** Forgets the running turn and everything heard. */
  reset(): void {
    this.#vad.reset();
    this.#inTurn = false;
    this.#forgetBlock();
    this.#forgetAudio();
  }

  #append(samples: Float32Array | Int16Array, scale: number): void {
    const count = Math.min(samples.length, this.#mono.length - this.#monoLength);
    for (let i = 0; i < count; i++) this.#mono[this.#monoLength + i] = (samples[i] ?? 0) * scale;
    this.#monoLength += count;
  }

  #endBlock(): void {
    const { startedTalkingThreshold, speechThreshold, maxContinuousSpeechS } = this.#algo;
    const seconds = this.#measureSpeech();
    this.#forgetBlock();
    if (!this.#inTurn && seconds > startedTalkingThreshold) {
      this.#inTurn = true;
      this.#utterance.begin();
      this.#listener.onSpeechStarted();
    }
    if (!this.#inTurn) this.#forgetAudio();
    else if (
      seconds < speechThreshold ||
      this.#utterance.length >= maxContinuousSpeechS * this.#samplesPerSecond
    ) {
      this.#end();
    }
  }

  #measureSpeech(): number {
    if (this.#restartsVad) this.#vad.reset();
    const sampleCount = this.#monoLength;
    this.#mono.fill(0, sampleCount, this.#mono.length);
    const probabilities: number[] = [];
    for (let at = 0; at < sampleCount; at += FASTRTC_FRAME_SAMPLES) {
      const first = this.#probability(at);
      const second =
        at + VAD_WINDOW_SAMPLES < sampleCount ? this.#probability(at + VAD_WINDOW_SAMPLES) : 0;
      probabilities.push(Math.max(first, second));
    }
    const lastSpeech = probabilities.findLastIndex((p) => p >= this.#model.threshold);
    const frameMs = (1000 * FASTRTC_FRAME_SAMPLES) / VAD_SAMPLE_RATE;
    const blockMs = (1000 * sampleCount) / VAD_SAMPLE_RATE;
    if (lastSpeech < 0) this.#silentMs += blockMs;
    else this.#silentMs = Math.max(0, blockMs - (lastSpeech + 1) * frameMs);
    return speechSeconds(probabilities, sampleCount, this.#model);
  }

  #probability(at: number): number {
    return this.#vad.process(this.#mono.subarray(at, at + VAD_WINDOW_SAMPLES));
  }

  #forgetBlock(): void {
    this.#monoLength = 0;
    this.#blockLength = 0;
  }

  #forgetAudio(): void {
    this.#utterance.discard();
    this.#utterance.keepLast(0);
  }

  #end(): void {
    this.#inTurn = false;
    this.#forgetBlock();
    const samples = this.#utterance.copy();
    this.#forgetAudio();
    this.#listener.onTurnEnded({ samples, speechEndAgoMs: this.#silentMs });
  }
}
