/**
 * One session's conversation: frames go in, replies come out at the right moment.
 *
 * Joins the parts of `turn/`, which know nothing of audio buffers or of each other: windows and
 * probabilities, bursts of speech, the utterance's audio, the end-of-turn model, and the state machine,
 * whose orders it carries out on the running reply. `ReplyOnPause` owns one per session.
 */

import { AudioFrame } from "../media/audio-frame.ts";
import type { SpeechToText } from "../models/speech-to-text.ts";
import type { TurnTimings } from "../session/context/context.ts";
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
import { DEFAULT_TURN_POLICY } from "./turn-control.ts";
import type { TurnPolicy } from "./turn-control.ts";
import { UnansweredSpeech } from "./unanswered-speech.ts";

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

/** A turn that was ended on request. */
interface RequestedTurn {
  /** What the user typed. */
  readonly text?: string;
  /** Instead of what turn-taking has heard. */
  readonly samples?: Int16Array;
}

/** Conducts the turns and replies of one session. */
export class TurnConductor implements Conductor, TurnTakingHost {
  readonly #options: TurnConductorOptions;
  readonly #feed: WindowFeed;
  readonly #segmenter: SpeechSegmenter;
  readonly #utterance: UtteranceBuffer;
  readonly #taking: TurnTaking;
  readonly #recent: RecentAudio | undefined;
  readonly #waiting: UnansweredSpeech;
  #policy: TurnPolicy = DEFAULT_TURN_POLICY;
  #request: RequestedTurn | undefined;
  // A turn has ended, or is about to, and must not be answered yet.
  #unanswered: { readonly key: TurnKey; readonly text: string } | undefined;
  #replyKey: TurnKey | undefined;
  #toldText = "";
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
    // The longest turn, and what may be said while its reply is not yet heard.
    const longest = this.#samplesOf(Math.min(turn.maxTurnMs, 3_600_000) + turn.preRollMs + 10_000);
    this.#utterance = new UtteranceBuffer(this.#samplesOf(turn.preRollMs), longest);
    this.#waiting = new UnansweredSpeech(longest);
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
    if (!this.#policy.detectsTurns) {
      this.#waiting.add(frame.samples);
      return;
    }
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
    const { speechToText } = this.#options;
    const isUnrecognised = !this.#policy.detectsTurns && !this.#waiting.isSilent;
    if (speechToText && isUnrecognised) void this.#recogniseWaiting(speechToText);
    else this.#endTurn({});
  }

  interruptNow(): boolean {
    const reply = this.#reply;
    const key = this.#replyKey;
    if (!reply?.isRunning || !key) return false;
    reply.interrupt();
    this.#taking.replyFinished(key);
    return true;
  }

  onText(text: string): void {
    const isTalking = ["speaking", "ending", "eager"].includes(this.#taking.state);
    const said = isTalking ? this.#utterance.copy() : new Int16Array(0);
    if (isTalking) this.#taking.reset();
    this.#endTurn({ text, samples: said });
  }

  setPolicy(policy: TurnPolicy): void {
    const old = this.#policy;
    if (old.detectsTurns && !policy.detectsTurns) this.reset();
    this.#policy = policy;
    if (old.isInterruptible !== policy.isInterruptible) {
      this.#taking.setUninterruptible(this.#isUninterruptible);
    }
  }

  reset(): void {
    this.#waiting.forget();
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
    const request = this.#request;
    if (!call.eager) this.#request = undefined;
    if (!request && !this.#policy.repliesAutomatically) {
      this.#reply = undefined;
      this.#unanswered = { key, text: call.text };
      if (!call.eager) this.#postpone();
      return;
    }
    if (call.eager) port.hold();
    const { samples, text } = this.#takeTurn(call, request);
    const isTyped = request?.text !== undefined;
    const reply = this.#newReply(key, ++this.#answered, { eager: call.eager, text, isTyped });
    if (!call.eager && !isTyped) this.#tellWords(text);
    answer(reply, new AudioFrame({ samples, sampleRate, channels }));
  }

  releaseReply(): void {
    this.#request = undefined;
    if (this.#unanswered) this.#postpone();
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
    this.#unanswered = undefined;
    const reply = this.#reply;
    if (!reply) return;
    this.#reply = undefined;
    // A reply of which nobody heard anything was no turn of the conversation.
    const isUnheard = reason === "reopened" || reason === "text-changed";
    reply.interrupt(isUnheard);
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
        this.#toldText = "";
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
    call: { readonly eager: boolean; readonly text: string; readonly isTyped?: boolean },
  ): Reply {
    const { port, speechToText } = this.#options;
    const { isTyped = false } = call;
    const reply = new Reply(port, {
      index,
      timings: { ...this.#timings },
      eager: call.eager,
      transcript: speechToText || isTyped ? call.text : undefined,
      isTyped,
      listener: {
        onAudible: () => this.#taking.replyAudible(key),
        onFinished: () => this.#taking.replyFinished(key),
        onFailed: () => this.#taking.replyFailed(key),
        onUninterruptible: (value) => this.#taking.setUninterruptible(value),
        onText: (text) => this.#taking.replyText(text),
      },
    });
    this.#reply = reply;
    this.#replyKey = key;
    if (!this.#policy.isInterruptible) this.#taking.setUninterruptible(true);
    return reply;
  }

  get #isUninterruptible(): boolean {
    return !this.#options.canInterrupt || !this.#policy.isInterruptible;
  }

  // What a reply answers: this turn, and on request those before it too.
  #takeTurn(
    call: { readonly eager: boolean; readonly text: string },
    request: RequestedTurn | undefined,
  ): { readonly samples: Int16Array; readonly text: string } {
    const samples = request?.samples ?? this.#utterance.copy();
    if (call.eager || (this.#waiting.isSilent && !request)) return { samples, text: call.text };
    this.#waiting.add(samples, `${call.text} ${request?.text ?? ""}`);
    return this.#waiting.take();
  }

  // The turn is over and stays unanswered for now.
  #postpone(): void {
    const { key, text = "" } = this.#unanswered ?? {};
    this.#unanswered = undefined;
    if (!key) return;
    this.#waiting.add(this.#utterance.copy(), text);
    this.#tellWords(this.#waiting.text);
    this.#taking.replyFinished(key);
  }

  #endTurn(request: RequestedTurn): void {
    this.#request = request;
    this.#taking.endTurnNow();
  }

  async #recogniseWaiting(speechToText: SpeechToText): Promise<void> {
    const samples = new Int16Array(0);
    const text = await this.#transcribe(speechToText, this.#waiting.copy());
    if (this.#options.port.context.signal.aborted) return;
    this.#waiting.add(samples, text);
    this.#endTurn({ samples });
  }

  // Words of a turn that may still go on.
  #tellWords(text: string): void {
    if (!this.#options.speechToText || text === "" || text === this.#toldText) return;
    this.#toldText = text;
    const hasReply = !["listening", "speaking", "ending"].includes(this.#taking.state);
    const index = hasReply && !this.#unanswered ? this.#answered : this.#answered + 1;
    this.#options.port.userTranscript({ index, text, isFinal: false });
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
    const { speechToText } = this.#options;
    if (!speechToText) return;
    const samples = this.#utterance.copy(this.#recognised);
    this.#recognised = this.#utterance.length;
    const text = await this.#transcribe(speechToText, samples);
    if (text === undefined) return;
    this.#taking.transcript(text, true);
    const { state } = this.#taking;
    if (["speaking", "ending", "eager"].includes(state)) this.#tellWords(this.#taking.text);
    // The model was asked when the speech stopped, before these words were there.
    if (text !== "" && state === "ending") this.predict(this.#taking.key);
  }

  // Undefined when it failed, or took too long.
  async #transcribe(speechToText: SpeechToText, samples: Int16Array): Promise<string | undefined> {
    const { sampleRate, channels, port } = this.#options;
    const audio = new AudioFrame({ samples, sampleRate, channels });
    const limit = new Deadline(port.clock, RECOGNITION_TIMEOUT_MS, port.context.signal);
    try {
      const { signal } = limit;
      return (await limit.race(speechToText.transcribe(audio, { signal }))).text;
    } catch (error) {
      if (!port.context.signal.aborted) port.noteError(error);
      return undefined;
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
