/**
 * One session's conversation: frames go in, replies come out at the right moment.
 *
 * Joins the parts of `turn/`, which know nothing of audio buffers or of each other: windows and
 * probabilities, bursts of speech, the utterance's audio, the end-of-turn model, and the state machine,
 * whose orders it carries out on the running reply. `ReplyOnPause` owns one per session.
 */

import { AudioFrame } from "../media/audio-frame.ts";
import type { SpeechToText } from "../models/speech-to-text.ts";
import type { TurnTimings } from "../session/context.ts";
import type { EndOfTurnModel } from "../turn/end-of-turn.ts";
import { RecentAudio } from "../turn/recent-audio.ts";
import { SpeechSegmenter } from "../turn/speech-segmenter.ts";
import type { StopReason, TurnEvent, TurnKey, TurnTakingHost } from "../turn/turn-events.ts";
import type { ResolvedTurnOptions } from "../turn/turn-options.ts";
import { TurnTaking } from "../turn/turn-taking.ts";
import { UtteranceBuffer } from "../turn/utterance-buffer.ts";
import type { VoiceActivityDetector } from "../turn/voice-activity.ts";
import { WindowFeed } from "../turn/window-feed.ts";
import type { Conductor } from "./conductor.ts";
import { Deadline } from "./deadline.ts";
import type { HandlerPort } from "./handler-port.ts";
import { Reply } from "./reply.ts";

/** How long one recognition may take, in milliseconds; then it is given up, and listening goes on. */
const RECOGNITION_TIMEOUT_MS = 10_000;

/** What a {@link TurnConductor} works with. */
export interface TurnConductorOptions {
  readonly port: HandlerPort;
  /** Of the frames, in Hz. */
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  readonly vad: VoiceActivityDetector;
  readonly turn: ResolvedTurnOptions;
  readonly endOfTurn: EndOfTurnModel | undefined;
  readonly speechToText: SpeechToText | undefined;
  readonly canInterrupt: boolean;
  /** Runs the reply to a turn: the generator of the user's. */
  readonly answer: (reply: Reply, audio: AudioFrame) => void;
}

/** Conducts the turns and replies of one session. */
export class TurnConductor implements Conductor, TurnTakingHost {
  readonly #options: TurnConductorOptions;
  readonly #feed: WindowFeed;
  readonly #segmenter: SpeechSegmenter;
  readonly #utterance: UtteranceBuffer;
  readonly #taking: TurnTaking;
  readonly #recent: RecentAudio | undefined;
  #timings: TurnTimings = {};
  #reply: Reply | undefined;
  #prediction: AbortController | undefined;
  #isRecognising = false;
  #mustRecogniseAgain = false;
  // Up to where the utterance has been given to the recogniser, in interleaved samples.
  #recognised = 0;
  #answered = 0;

  constructor(options: TurnConductorOptions) {
    this.#options = options;
    const { port, sampleRate, vad, turn } = options;
    this.#utterance = new UtteranceBuffer(
      this.#samplesOf(turn.preRollMs),
      // The longest turn, and what may be said while its reply is not yet heard.
      this.#samplesOf(Math.min(turn.maxTurnMs, 3_600_000) + turn.preRollMs + 10_000),
    );
    this.#recent = options.endOfTurn ? new RecentAudio() : undefined;
    this.#taking = new TurnTaking({
      options: turn,
      host: this,
      clock: port.clock,
      hasModel: options.endOfTurn !== undefined,
      hasTranscripts: options.speechToText !== undefined,
      canInterrupt: options.canInterrupt,
    });
    this.#segmenter = new SpeechSegmenter(turn, {
      onSpeechWindow: (activeMs) => this.#taking.speechWindow(activeMs),
      onSpeechStarted: () => this.#taking.speechStarted(),
      onSpeechStopped: (silenceMs) => this.#taking.speechStopped(silenceMs),
      onSpeechAbandoned: () => this.#taking.speechAbandoned(),
    });
    this.#feed = new WindowFeed(sampleRate, vad, (probability, window) => {
      this.#recent?.push(window);
      this.#segmenter.push(probability);
    });
  }

  push(frame: AudioFrame): void {
    this.#utterance.push(frame.samples);
    this.#feed.push(frame);
  }

  greet(run: (reply: Reply) => void): void {
    const key = this.#taking.beginReply();
    if (!key) return;
    this.#timings = {};
    run(this.#newReply(key, 0, { eager: false, text: "" }));
  }

  endTurnNow(): void {
    this.#taking.endTurnNow();
  }

  reset(): void {
    this.#feed.reset();
    this.#segmenter.reset();
    this.#taking.reset();
    this.#utterance.discard();
    this.#recognised = 0;
  }

  onAudible(atMs: number): void {
    const reply = this.#reply;
    if (!reply || reply.timings.firstAudibleAt !== undefined) return;
    reply.timings.firstAudibleAt = atMs;
    this.#trace(reply);
  }

  close(): void {
    this.#prediction?.abort();
    this.#taking.close();
  }

  predict(key: TurnKey): void {
    const { endOfTurn } = this.#options;
    this.#prediction?.abort();
    if (!endOfTurn || !this.#recent) return;
    const controller = new AbortController();
    const { signal } = controller;
    this.#prediction = controller;
    const transcript = this.#taking.text;
    const input = { audio: this.#recent.copy(), ...(transcript ? { transcript } : {}) };
    endOfTurn.predict(input, { signal }).then(
      (probability) => {
        if (!signal.aborted) this.#taking.endOfTurn(key, probability);
      },
      (error: unknown) => {
        if (signal.aborted) return;
        this.#options.port.noteError(error);
        this.#taking.endOfTurnFailed(key);
      },
    );
  }

  startReply(key: TurnKey, call: { readonly eager: boolean; readonly text: string }): void {
    const { sampleRate, channels, answer, port } = this.#options;
    if (call.eager) port.hold();
    const reply = this.#newReply(key, ++this.#answered, call);
    const samples = this.#utterance.copy();
    answer(reply, new AudioFrame({ samples, sampleRate, channels }));
  }

  releaseReply(): void {
    this.#reply?.release();
    this.#options.port.release();
  }

  holdReply(): void {
    this.#options.port.hold();
  }

  resumeReply(): void {
    this.#options.port.release();
  }

  stopReply(reason: StopReason): void {
    const reply = this.#reply;
    if (!reply) return;
    this.#reply = undefined;
    reply.interrupt();
    // A reply of which nobody heard anything was no turn of the conversation.
    const isUnheard = reason === "reopened" || reason === "text-changed";
    if (isUnheard && reply.index > 0) this.#answered--;
    else this.#trace(reply);
  }

  turnEvent(event: TurnEvent): void {
    const { port } = this.#options;
    switch (event.type) {
      case "speech-started":
        this.#utterance.begin();
        break;
      case "speech-stopped":
        this.#recognise();
        break;
      case "turn-started":
        this.#timings = { speechStartedAt: this.#epoch(event.onsetAt) };
        this.#keepFrom(event.at - event.onsetAt);
        port.log("started_talking");
        break;
      case "turn-ended":
        this.#prediction?.abort();
        this.#timings.speechEndedAt = this.#epoch(event.speechEndedAt);
        this.#timings.endedAt = this.#epoch(event.at);
        port.log("pause_detected");
        break;
      case "reply-audible":
      case "turn-dropped":
      case "overlap-dropped":
        this.#forgetUtterance();
        break;
      case "reply-finished":
        if (this.#reply) this.#trace(this.#reply);
        if (this.#taking.state === "listening") this.#forgetUtterance();
        break;
      case "reply-failed":
        this.#answered--;
        break;
      case "model-gave-up":
        port.noteError(new Error("The end-of-turn model failed three times in a row."));
        break;
      default:
        break;
    }
  }

  // A new turn's audio begins a little before its first sound, whatever was kept until now.
  #keepFrom(agoMs: number): void {
    const kept = this.#samplesOf(agoMs + this.#options.turn.preRollMs);
    this.#recognised = Math.max(0, this.#recognised - this.#utterance.keepLast(kept));
    this.#recent?.mark(agoMs);
  }

  #samplesOf(durationMs: number): number {
    const { sampleRate, channels } = this.#options;
    return Math.ceil((durationMs * sampleRate) / 1000) * channels;
  }

  // Only while nobody speaks: what is being said belongs to what comes next.
  #forgetUtterance(): void {
    if (this.#segmenter.isSpeaking) return;
    this.#utterance.discard();
    this.#recognised = 0;
  }

  #newReply(
    key: TurnKey,
    index: number,
    call: { readonly eager: boolean; readonly text: string },
  ): Reply {
    const { port, speechToText } = this.#options;
    const reply = new Reply(port, {
      index,
      timings: { ...this.#timings },
      eager: call.eager,
      transcript: speechToText ? call.text : undefined,
      listener: {
        onAudible: () => this.#taking.replyAudible(key),
        onFinished: () => this.#taking.replyFinished(key),
        onFailed: () => this.#taking.replyFailed(key),
        onUninterruptible: (value) => this.#taking.setUninterruptible(value),
        onText: (text) => this.#taking.replyText(text),
      },
    });
    this.#reply = reply;
    return reply;
  }

  // One recognition at a time; what was said meanwhile goes into the next one, whole.
  #recognise(): void {
    if (!this.#options.speechToText) return;
    if (this.#isRecognising) {
      this.#mustRecogniseAgain = true;
      return;
    }
    this.#isRecognising = true;
    void this.#recogniseNext().finally(() => {
      this.#isRecognising = false;
      if (!this.#mustRecogniseAgain) return;
      this.#mustRecogniseAgain = false;
      this.#recognise();
    });
  }

  async #recogniseNext(): Promise<void> {
    const { speechToText, sampleRate, channels, port } = this.#options;
    if (!speechToText) return;
    const samples = this.#utterance.copy(this.#recognised);
    this.#recognised = this.#utterance.length;
    const audio = new AudioFrame({ samples, sampleRate, channels });
    const limit = new Deadline(port.clock, RECOGNITION_TIMEOUT_MS, port.context.signal);
    try {
      const { signal } = limit;
      const { text } = await limit.race(speechToText.transcribe(audio, { signal }));
      this.#taking.transcript(text, true);
      // The model was asked when the speech stopped, before these words were there.
      if (text !== "" && this.#taking.state === "ending") this.predict(this.#taking.key);
    } catch (error) {
      if (!port.context.signal.aborted) port.noteError(error);
    } finally {
      limit.cancel();
    }
  }

  #trace(reply: Reply): void {
    this.#options.port.traceTurn({ index: reply.index, ...reply.timings });
  }

  // The clock is monotonic and starts anywhere; people read the time of day.
  #epoch(at: number): number {
    return Date.now() - (this.#options.port.clock.now() - at);
  }
}
