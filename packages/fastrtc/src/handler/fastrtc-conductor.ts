/**
 * Conducts a conversation as Python's FastRTC does, for applications that depend on it: turns end at
 * the edge of a block, and an interruption stops the reply only when it has itself paused.
 */

import { AudioFrame } from "../media/audio-frame.ts";
import type { TurnTimings } from "../session/context.ts";
import { FastRTCPause } from "../turn/fastrtc-pause.ts";
import type { PausedUtterance } from "../turn/fastrtc-pause.ts";
import type { SileroVadOptions } from "../turn/fastrtc-vad.ts";
import type { AlgoOptions } from "../turn/turn-options.ts";
import type { VoiceActivityDetector } from "../turn/voice-activity.ts";
import type { Conductor } from "./conductor.ts";
import type { HandlerPort } from "./handler-port.ts";
import { Reply } from "./reply.ts";

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
  #reply: Reply | undefined;
  #isReplying = false;
  #answered = 0;

  /** @throws {@link InvalidOptionError} for an option that cannot work. */
  constructor(options: FastRTCConductorOptions) {
    this.#options = options;
    const { port, sampleRate, channels, vad, algoOptions, modelOptions } = options;
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
    this.#pause.push(frame);
  }

  greet(run: (reply: Reply) => void): void {
    run(this.#newReply(0, {}));
  }

  endTurnNow(): void {
    const { sampleRate, channels } = this.#options;
    if (this.#pause.inTurn) this.#pause.endTurn();
    else this.#answer(new AudioFrame({ samples: new Int16Array(0), sampleRate, channels }), {});
  }

  reset(): void {
    this.#pause.reset();
  }

  onAudible(atMs: number): void {
    if (this.#reply) this.#reply.timings.firstAudibleAt ??= atMs;
  }

  close(): void {
    this.#reply?.interrupt();
  }

  #onTurnEnded({ samples, speechEndAgoMs }: PausedUtterance): void {
    const { sampleRate, channels, canInterrupt } = this.#options;
    if (this.#isReplying && !canInterrupt) return;
    const now = Date.now();
    const timings = { speechEndedAt: now - speechEndAgoMs, endedAt: now };
    this.#answer(new AudioFrame({ samples, sampleRate, channels }), timings);
  }

  #answer(audio: AudioFrame, timings: TurnTimings): void {
    if (this.#isReplying) this.#reply?.interrupt();
    this.#options.answer(this.#newReply(++this.#answered, timings), audio);
  }

  #newReply(index: number, timings: TurnTimings): Reply {
    const { port } = this.#options;
    const nobody = (): void => undefined;
    const reply = new Reply(port, {
      index,
      timings,
      eager: false,
      transcript: undefined,
      listener: {
        onAudible: nobody,
        onFailed: nobody,
        onUninterruptible: nobody,
        onText: nobody,
        onFinished: () => {
          if (this.#reply === reply) this.#isReplying = false;
          port.traceTurn({ index, ...reply.timings });
        },
      },
    });
    this.#reply = reply;
    this.#isReplying = true;
    return reply;
  }
}
