/**
 * Conducts a conversation as Python's FastRTC does, for applications that depend on it: turns end at
 * the edge of a block, and an interruption stops the reply only when it has itself paused.
 */

import { AudioFrame } from "../media/audio-frame.ts";
import type { TurnTimings } from "../session/context/context.ts";
import { FastRTCPause } from "../turn/fastrtc-pause.ts";
import type { PausedUtterance } from "../turn/fastrtc-pause.ts";
import type { SileroVadOptions } from "../turn/fastrtc-vad.ts";
import type { AlgoOptions } from "../turn/turn-options.ts";
import type { VoiceActivityDetector } from "../turn/voice-activity.ts";
import type { Conductor } from "./conductor.ts";
import type { HandlerPort } from "./handler-port.ts";
import { Reply } from "./reply.ts";
import { DEFAULT_TURN_POLICY } from "./turn-control.ts";
import type { TurnPolicy } from "./turn-control.ts";
import { UnansweredSpeech } from "./unanswered-speech.ts";

/** How much unanswered speech is kept, in seconds; as much as the longest turn. */
const MAX_WAITING_S = 180;

/** What a {@link FastRTCConductor} works with. */
export interface FastRTCConductorOptions {
  readonly port: HandlerPort;
  /** Of the frames, in Hz. */
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  readonly vad: VoiceActivityDetector;
  readonly algoOptions: AlgoOptions | undefined;
  readonly modelOptions: SileroVadOptions | undefined;
  readonly canInterrupt: boolean;
  /** Runs the reply to a turn. */
  readonly answer: (reply: Reply, audio: AudioFrame) => void;
}

/** FastRTC's turns and replies of one session. */
export class FastRTCConductor implements Conductor {
  readonly #options: FastRTCConductorOptions;
  readonly #pause: FastRTCPause;
  readonly #waiting: UnansweredSpeech;
  #policy: TurnPolicy = DEFAULT_TURN_POLICY;
  #reply: Reply | undefined;
  #isReplying = false;
  #isRequested = false;
  #timings: TurnTimings = {};
  #answered = 0;

  /** @throws {@link InvalidOptionError} for an option that cannot work. */
  constructor(options: FastRTCConductorOptions) {
    this.#options = options;
    const { port, sampleRate, channels, vad, algoOptions, modelOptions } = options;
    this.#waiting = new UnansweredSpeech(MAX_WAITING_S * sampleRate * channels);
    this.#pause = new FastRTCPause(
      {
        sampleRate,
        channels,
        vad,
        ...(algoOptions ? { algoOptions } : {}),
        ...(modelOptions ? { modelOptions } : {}),
      },
      {
        onSpeechStarted: () => port.log("started_talking"),
        onTurnEnded: (utterance) => {
          port.log("pause_detected");
          this.#onTurnEnded(utterance);
        },
      },
    );
  }

  push(frame: AudioFrame): void {
    if (this.#policy.detectsTurns) this.#pause.push(frame);
    else this.#waiting.add(frame.samples);
  }

  greet(run: (reply: Reply) => void): void {
    run(this.#newReply(0, {}));
  }

  endTurnNow(): void {
    this.#endTurn();
  }

  interruptNow(): boolean {
    if (!this.#reply?.isRunning) return false;
    this.#reply.interrupt();
    this.#endReply(this.#reply);
    return true;
  }

  onText(text: string): void {
    this.#endTurn(text);
  }

  setPolicy(policy: TurnPolicy): void {
    if (this.#policy.detectsTurns && !policy.detectsTurns) this.reset();
    this.#policy = policy;
  }

  reset(): void {
    this.#waiting.forget();
    this.#pause.reset();
  }

  onAudible(atMs: number): void {
    if (this.#reply) this.#reply.timings.firstAudibleAt ??= atMs;
  }

  close(): void {
    this.#reply?.interrupt();
  }

  // Whatever is said now, or was said before and waits, is answered.
  #endTurn(typed?: string): void {
    this.#isRequested = true;
    this.#timings = {};
    this.#pause.endTurn();
    this.#isRequested = false;
    this.#answer(typed);
  }

  #onTurnEnded({ samples, speechEndAgoMs }: PausedUtterance): void {
    const isIgnored =
      this.#isReplying && !(this.#options.canInterrupt && this.#policy.isInterruptible);
    if (isIgnored && !this.#isRequested) return;
    const now = Date.now();
    this.#timings = { speechEndedAt: now - speechEndAgoMs, endedAt: now };
    this.#waiting.add(samples);
    if (!this.#isRequested && this.#policy.repliesAutomatically) this.#answer();
  }

  #answer(typed?: string): void {
    const { sampleRate, channels, answer } = this.#options;
    if (this.#isReplying) this.#reply?.interrupt();
    const { samples } = this.#waiting.take();
    answer(
      this.#newReply(++this.#answered, this.#timings, typed),
      new AudioFrame({ samples, sampleRate, channels }),
    );
  }

  #newReply(index: number, timings: TurnTimings, typed?: string): Reply {
    const nobody = (): void => undefined;
    const reply = new Reply(this.#options.port, {
      index,
      timings,
      eager: false,
      transcript: typed,
      isTyped: typed !== undefined,
      listener: {
        onAudible: nobody,
        onFailed: nobody,
        onUninterruptible: nobody,
        onText: nobody,
        onFinished: () => this.#endReply(reply),
      },
    });
    this.#reply = reply;
    this.#isReplying = true;
    return reply;
  }

  #endReply(reply: Reply): void {
    if (this.#reply === reply) this.#isReplying = false;
    this.#options.port.traceTurn({ index: reply.index, ...reply.timings });
  }
}
