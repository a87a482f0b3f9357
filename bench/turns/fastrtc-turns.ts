/** FastRTC's side: its block algorithm on the same audio, with the same detector. */

import { AudioFrame } from "../../packages/fastrtc/src/media/audio-frame.ts";
import { FastRTCPause } from "../../packages/fastrtc/src/turn/fastrtc-pause.ts";
import type { VoiceActivityDetector } from "../../packages/fastrtc/src/turn/voice-activity.ts";
import type { Decision } from "./decision.ts";
import { SAMPLE_RATE } from "./recordings.ts";
import type { ScriptedSession } from "./scripted-session.ts";

const FRAME_SAMPLES = SAMPLE_RATE / 50;
const FRAME_MS = 20;

/**
 * Lets FastRTC's algorithm hear a session.
 *
 * @param phaseMs - Where in a block the session begins; whole frames.
 * @param restartsVad - Whether the detector forgets everything before each block.
 */
export function decideFastRTC(
  session: ScriptedSession,
  vad: VoiceActivityDetector,
  phaseMs: number,
  restartsVad = false,
): Decision[] {
  vad.reset();
  const decisions: Decision[] = [];
  let nowMs = -phaseMs;
  const pause = new FastRTCPause(
    { sampleRate: SAMPLE_RATE, channels: 1, vad, restartsVad },
    {
      onSpeechStarted: () => undefined,
      onTurnEnded: ({ samples }) => {
        const lengthMs = (1000 * samples.length) / SAMPLE_RATE;
        decisions.push({ atMs: nowMs, utteranceStartMs: nowMs - lengthMs });
      },
    },
  );
  const push = (samples: Int16Array): void => {
    nowMs += FRAME_MS;
    pause.push(new AudioFrame({ samples, sampleRate: SAMPLE_RATE }));
  };
  for (let at = 0; at < phaseMs; at += FRAME_MS) push(new Int16Array(FRAME_SAMPLES));
  for (let at = 0; at + FRAME_SAMPLES <= session.samples.length; at += FRAME_SAMPLES) {
    push(
      Int16Array.from(session.samples.subarray(at, at + FRAME_SAMPLES), (sample) =>
        Math.round(sample * 32_768),
      ),
    );
  }
  return decisions;
}
