/**
 * Frames in, turns out: finds where the user begins to speak, where the turn ends, and when speech
 * is enough to stop a reply.
 *
 * Decides once a 32 ms window, never in batches. Time is the audio's own, counted in windows, so
 * that the same audio gives the same turns. Called by the handlers; it calls nobody but its listener.
 */

import type { AudioFrame } from "../media/audio-frame.ts";
import { StreamingResampler } from "../media/resampler.ts";
import type { ResolvedTurnOptions } from "./turn-options.ts";
import { UtteranceBuffer } from "./utterance-buffer.ts";
import { VAD_SAMPLE_RATE, VAD_WINDOW_SAMPLES } from "./voice-activity.ts";
import type { VoiceActivityDetector } from "./voice-activity.ts";

const WINDOW_MS = (1000 * VAD_WINDOW_SAMPLES) / VAD_SAMPLE_RATE;
/** Silence after which speech that did not become a turn is forgotten. */
const ONSET_GAP_MS = 128;

/** One user turn that has ended. */
export interface Utterance {
  /** Interleaved samples, pre-roll first, the ending silence last. */
  readonly samples: Int16Array;
  /** How long ago the speech began, in milliseconds of audio, when the turn ended. */
  readonly speechStartAgoMs: number;
  /** How long ago the last speech was, in milliseconds of audio, when the turn ended. */
  readonly speechEndAgoMs: number;
}

/** What a {@link TurnDetector} tells; called while a frame is pushed. */
export interface TurnListener {
  /** Speech has lasted long enough to be a turn. */
  onSpeechStarted(): void;
  /** The user's speech has just reached the length that stops a reply. Once a turn. */
  onBargeIn(): void;
  /** The user has finished. */
  onTurnEnded(utterance: Utterance): void;
}

/** What audio a {@link TurnDetector} reads. */
export interface TurnAudioFormat {
  /** Hz. */
  readonly sampleRate: number;
  readonly channels: 1 | 2;
}

/** Finds the turns in one session's audio. */
export class TurnDetector {
  readonly #vad: VoiceActivityDetector;
  readonly #options: ResolvedTurnOptions;
  readonly #listener: TurnListener;
  readonly #resampler: StreamingResampler | undefined;
  readonly #utterance: UtteranceBuffer;
  readonly #window = new Float32Array(VAD_WINDOW_SAMPLES);
  #filled = 0;

  // One entry a window, newest last, as far back as the silence that ends a turn.
  readonly #recent: Uint8Array;
  #recentAt = 0;
  #recentActive = 0;

  #inTurn = false;
  #inSpeech = false;
  #activeMs = 0;
  #silentMs = 0;
  #sinceStartMs = 0;
  #sinceSpeechMs = 0;
  #bargedIn = false;

  constructor(
    format: TurnAudioFormat,
    vad: VoiceActivityDetector,
    options: ResolvedTurnOptions,
    listener: TurnListener,
  ) {
    this.#vad = vad;
    this.#options = options;
    this.#listener = listener;
    const samplesPerMs = (format.sampleRate * format.channels) / 1000;
    this.#utterance = new UtteranceBuffer(
      alignedSamples(options.preRollMs, format),
      alignedSamples(Math.min(options.maxTurnMs, 3_600_000), format) + Math.ceil(samplesPerMs),
    );
    this.#recent = new Uint8Array(Math.max(1, Math.ceil(options.minSilenceMs / WINDOW_MS)));
    this.#resampler =
      format.sampleRate === VAD_SAMPLE_RATE
        ? undefined
        : new StreamingResampler(format.sampleRate, VAD_SAMPLE_RATE, 1);
  }

  /** Whether a turn has begun and not ended. */
  get inTurn(): boolean {
    return this.#inTurn;
  }

  /** Reads the next frame of the session's audio. */
  push(frame: AudioFrame): void {
    this.#utterance.push(frame.samples);
    const mono = frame.channels === 1 ? frame.samples : frame.toMono().samples;
    if (this.#resampler) this.#fill(this.#resampler.processToFloat32(mono), 1);
    else this.#fill(mono, 1 / 32768);
  }

  /** Ends the running turn now and hands it over; nothing happens outside a turn. */
  endTurn(): void {
    if (this.#inTurn) this.#end();
  }

  /** Forgets the running turn and everything heard. */
  reset(): void {
    this.#vad.reset();
    this.#filled = 0;
    this.#inTurn = false;
    this.#utterance.discard();
    this.#clear();
  }

  #fill(samples: Float32Array | Int16Array, scale: number): void {
    let taken = 0;
    while (taken < samples.length) {
      const count = Math.min(VAD_WINDOW_SAMPLES - this.#filled, samples.length - taken);
      for (let i = 0; i < count; i++) {
        this.#window[this.#filled + i] = (samples[taken + i] ?? 0) * scale;
      }
      this.#filled += count;
      taken += count;
      if (this.#filled === VAD_WINDOW_SAMPLES) {
        this.#filled = 0;
        this.#decide(this.#vad.process(this.#window));
      }
    }
  }

  #decide(probability: number): void {
    const { speechThreshold, silenceThreshold } = this.#options;
    this.#inSpeech = probability >= (this.#inSpeech ? silenceThreshold : speechThreshold);
    this.#remember(this.#inSpeech);
    this.#sinceStartMs += WINDOW_MS;
    this.#sinceSpeechMs += WINDOW_MS;
    if (this.#inSpeech) {
      if (this.#activeMs === 0) this.#sinceStartMs = WINDOW_MS;
      this.#activeMs += WINDOW_MS;
      this.#silentMs = 0;
      this.#sinceSpeechMs = 0;
    } else {
      this.#silentMs += WINDOW_MS;
    }
    if (!this.#inTurn) this.#listen();
    if (this.#inTurn) this.#follow();
  }

  #listen(): void {
    if (this.#activeMs >= this.#options.minSpeechMs) {
      this.#inTurn = true;
      this.#utterance.begin();
      this.#listener.onSpeechStarted();
    } else if (this.#silentMs >= ONSET_GAP_MS) {
      this.#activeMs = 0;
    }
  }

  #follow(): void {
    if (!this.#bargedIn && this.#activeMs >= this.#options.bargeInMs) {
      this.#bargedIn = true;
      this.#listener.onBargeIn();
    }
    // A click within the silence must not begin the wait anew: count the speech in the last windows.
    const isQuiet =
      this.#sinceStartMs > this.#recent.length * WINDOW_MS &&
      this.#recentActive * WINDOW_MS <= this.#options.silenceToleranceMs;
    if ((isQuiet && !this.#inSpeech) || this.#utterance.isFull) this.#end();
  }

  #end(): void {
    const speechStartAgoMs = this.#sinceStartMs;
    const speechEndAgoMs = this.#sinceSpeechMs;
    this.#inTurn = false;
    const samples = this.#utterance.take();
    this.#clear();
    this.#listener.onTurnEnded({ samples, speechStartAgoMs, speechEndAgoMs });
  }

  #clear(): void {
    this.#activeMs = 0;
    this.#silentMs = 0;
    this.#bargedIn = false;
    this.#recent.fill(0);
    this.#recentActive = 0;
  }

  #remember(active: boolean): void {
    const value = active ? 1 : 0;
    this.#recentActive += value - (this.#recent[this.#recentAt] ?? 0);
    this.#recent[this.#recentAt] = value;
    this.#recentAt = (this.#recentAt + 1) % this.#recent.length;
  }
}

function alignedSamples(durationMs: number, format: TurnAudioFormat): number {
  return Math.ceil((durationMs * format.sampleRate) / 1000) * format.channels;
}
