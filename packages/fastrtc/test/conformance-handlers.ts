/** The handlers that every transport must serve alike. */

import { AdditionalOutputs } from "../src/handler/additional-outputs.ts";
import type { HandlerOutput } from "../src/handler/handler-output.ts";
import { ReplyOnPause } from "../src/handler/reply-on-pause.ts";
import type { ReplyFunction, ReplyOnPauseOptions } from "../src/handler/reply-on-pause.ts";
import { StreamHandler } from "../src/handler/stream-handler.ts";
import { AsyncQueue } from "../src/media/async-queue.ts";
import { AudioFrame } from "../src/media/audio-frame.ts";
import { getContext } from "../src/session/context/context.ts";
import type { VoiceActivityDetector } from "../src/turn/voice-activity.ts";

/** What handlers are given, in Hz; no client's rate, so that somebody must convert. */
export const INPUT_RATE = 16_000;
/** What handlers give, in Hz. */
export const OUTPUT_RATE = 24_000;

/** Makes a sine at half scale. */
export function sine(frequencyHz: number, durationMs: number, sampleRate: number): Int16Array {
  const step = (2 * Math.PI * frequencyHz) / sampleRate;
  const length = Math.round((durationMs * sampleRate) / 1000);
  return Int16Array.from({ length }, (_, i) => 16_384 * Math.sin(step * i));
}

/** Makes a frame of a sine, for handlers to say. */
export function sineFrame(frequencyHz: number, durationMs: number): AudioFrame {
  return new AudioFrame({
    samples: sine(frequencyHz, durationMs, OUTPUT_RATE),
    sampleRate: OUTPUT_RATE,
  });
}

/** Takes whatever is loud for speech. */
function loudness(): VoiceActivityDetector {
  return {
    process: (window) => (window.some((sample) => Math.abs(sample) > 0.1) ? 0.9 : 0.05),
    reset: () => undefined,
  };
}

/** Answers turns; whatever is loud is speech. */
export function replyOnLoudness(
  reply: ReplyFunction,
  options: ReplyOnPauseOptions = {},
): ReplyOnPause {
  return new ReplyOnPause(reply, {
    inputSampleRate: INPUT_RATE,
    outputSampleRate: OUTPUT_RATE,
    model: loudness,
    ...options,
  });
}

/** Sees what the sessions of a {@link WitnessHandler} do. */
export class Witness {
  /** For each of the handler's methods, the ids under which it ran. */
  readonly ids = new Map<string, Set<string | undefined>>();
  /** What the callers said, by session, at {@link INPUT_RATE}. */
  readonly received = new Map<string | undefined, AudioFrame[]>();
  /** Texts that came. */
  readonly texts: string[] = [];
  /** `context.transport` of every session. */
  readonly kinds = new Set<string | undefined>();

  /** Notes that a method runs. */
  see(method: string): void {
    const ids = this.ids.get(method) ?? new Set();
    this.ids.set(method, ids.add(getContext()?.webrtcId));
  }

  /** How many sessions have ended. */
  get endings(): number {
    return this.ids.get("shutdown")?.size ?? 0;
  }
}

/** A plain handler that says what it is told to, and shows whose session runs what. */
export class WitnessHandler extends StreamHandler {
  readonly #witness: Witness;
  readonly #script: () => readonly HandlerOutput[];
  readonly #sayings = new AsyncQueue<HandlerOutput>();

  /** @param script - What each session says when it begins. */
  constructor(witness: Witness, script: () => readonly HandlerOutput[] = () => []) {
    super({ inputSampleRate: INPUT_RATE, outputSampleRate: OUTPUT_RATE });
    this.#witness = witness;
    this.#script = script;
  }

  override copy(): WitnessHandler {
    this.#witness.see("copy");
    return new WitnessHandler(this.#witness, this.#script);
  }

  override async startUp(): Promise<void> {
    this.#witness.see("startUp");
    this.#witness.kinds.add(getContext()?.transport);
    getContext()?.signal.addEventListener("abort", () => this.#witness.see("abort listener"));
    for (const saying of this.#script()) this.#sayings.put(saying);
    await Promise.resolve();
    this.#witness.see("startUp, later");
  }

  override receive(frame: AudioFrame): void {
    this.#witness.see("receive");
    const id = getContext()?.webrtcId;
    const frames = this.#witness.received.get(id) ?? [];
    frames.push(frame);
    this.#witness.received.set(id, frames);
  }

  override async emit(): Promise<HandlerOutput> {
    this.#witness.see("emit");
    const saying = await this.#sayings.get();
    this.#witness.see("emit, later");
    return saying;
  }

  override onMessage(text: string): void {
    this.#witness.see("onMessage");
    this.#witness.texts.push(text);
    this.sendMessage({ heard: text });
    this.#sayings.put(new AdditionalOutputs("output of", getContext()?.webrtcId));
  }

  override shutdown(): void {
    this.#witness.see("shutdown");
    this.#sayings.close();
  }
}
