/** Our side: the library's own segmenter and turn-taking, on a session's probabilities, in virtual time. */

import { ManualClock } from "../../packages/fastrtc/src/testing/manual-clock.ts";
import {
  SpeechSegmenter,
  VAD_WINDOW_MS,
} from "../../packages/fastrtc/src/turn/speech-segmenter.ts";
import { resolveTurnOptions } from "../../packages/fastrtc/src/turn/turn-options.ts";
import type { TurnOptions } from "../../packages/fastrtc/src/turn/turn-options.ts";
import type { TurnKey } from "../../packages/fastrtc/src/turn/turn-events.ts";
import { TurnTaking } from "../../packages/fastrtc/src/turn/turn-taking.ts";
import {
  VAD_WINDOW_SAMPLES,
  type VoiceActivityDetector,
} from "../../packages/fastrtc/src/turn/voice-activity.ts";
import type { Decision } from "./decision.ts";
import type { ScriptedSession } from "./scripted-session.ts";
import { SeededRandom } from "./seeded-random.ts";

/** From a decision to the first sound of the reply. */
export const REPLY_LATENCY_MS = 700;
const REPLY_MS = 800;
/** How long the stand-in for an end-of-turn model thinks. */
const MODEL_MS = 30;

/** An end-of-turn model that knows the truth, and is wrong now and then. */
export interface StandInModel {
  readonly errorShare: number;
  readonly seed: number;
}

/** Returns the probability of speech in each whole window of a session. */
export function detectVoice(session: ScriptedSession, vad: VoiceActivityDetector): Float32Array {
  vad.reset();
  const probabilities = new Float32Array(Math.floor(session.samples.length / VAD_WINDOW_SAMPLES));
  for (let i = 0; i < probabilities.length; i++) {
    const at = i * VAD_WINDOW_SAMPLES;
    probabilities[i] = vad.process(session.samples.subarray(at, at + VAD_WINDOW_SAMPLES));
  }
  return probabilities;
}

/**
 * Lets our turn-taking hear a session whose replies begin {@link REPLY_LATENCY_MS} after each decision.
 *
 * @returns its decisions, those included that it took back before the reply was audible.
 */
export function decideOurs(
  session: ScriptedSession,
  probabilities: Float32Array,
  options: TurnOptions,
  model?: StandInModel,
): Decision[] {
  const clock = new ManualClock();
  const resolved = resolveTurnOptions(options);
  const random = new SeededRandom(model?.seed ?? 0);
  const decisions: Decision[] = [];
  let utteranceStartMs = 0;
  const answer = (key: TurnKey): void => {
    clock.setTimeout(() => taking.replyAudible(key), REPLY_LATENCY_MS);
    clock.setTimeout(() => taking.replyFinished(key), REPLY_LATENCY_MS + REPLY_MS);
  };
  const taking: TurnTaking = new TurnTaking({
    options: resolved,
    clock,
    hasModel: model !== undefined,
    host: {
      predict: (key) => {
        const isTrue = isFinished(session, clock.now());
        const isSaid = random.next() < (model?.errorShare ?? 0) ? !isTrue : isTrue;
        clock.setTimeout(() => taking.endOfTurn(key, isSaid ? 0.9 : 0.1), MODEL_MS);
      },
      startReply: answer,
      releaseReply: () => undefined,
      holdReply: () => undefined,
      resumeReply: () => undefined,
      stopReply: () => undefined,
      turnEvent: (event) => {
        if (event.type === "turn-started") {
          utteranceStartMs = event.onsetAt - resolved.preRollMs;
        } else if (event.type === "turn-ended") {
          decisions.push({ atMs: event.at, utteranceStartMs });
        }
      },
    },
  });
  const segmenter = new SpeechSegmenter(resolved, {
    onSpeechWindow: (activeMs) => taking.speechWindow(activeMs),
    onSpeechStarted: () => taking.speechStarted(),
    onSpeechStopped: (silenceMs) => taking.speechStopped(silenceMs),
    onSpeechAbandoned: () => taking.speechAbandoned(),
  });
  for (const probability of probabilities) {
    clock.advance(VAD_WINDOW_MS);
    segmenter.push(probability);
  }
  taking.close();
  return decisions;
}

function isFinished({ turns }: ScriptedSession, nowMs: number): boolean {
  return !turns.some(({ startMs, endMs }) => startMs <= nowMs && nowMs < endMs);
}
