/**
 * When turns are taken to be over: ours and FastRTC's algorithm on the same recorded speech.
 *
 *   tsx bench/turns.ts          tables
 *   tsx bench/turns.ts --json   one JSON object
 *
 * 240 turns a noise level, said by 8 speakers, made of recordings with pauses in mid-turn whose lengths
 * are drawn as people's are; one in five is a single word. Where speech ends is known from how they
 * were made. Everything runs in virtual time, with Silero, at 16 kHz. The end-of-turn model ("gate") is
 * a stand-in that knows the truth and is wrong in 7% of its answers.
 */

import { warmUpSileroVad, createSileroVad } from "../packages/fastrtc/src/turn/silero.ts";
import { decideFastRTC } from "./turns/fastrtc-turns.ts";
import { decideOurs, detectVoice } from "./turns/our-turns.ts";
import { readRecordings } from "./turns/recordings.ts";
import { Score } from "./turns/score.ts";
import { scriptSession } from "./turns/scripted-session.ts";

const SESSIONS = 8;
const NOISE_DB = [undefined, -45, -35] as const;
const BLOCK_PHASES_MS = [0, 200, 400] as const;
const MODEL_ERROR_SHARE = 0.07;

const scores = {
  defaults: new Score(),
  adaptive: new Score(),
  gate: new Score(),
  fastrtc: new Score(),
};

await warmUpSileroVad();
const vad = createSileroVad();
const recordings = readRecordings();
for (const noiseDb of NOISE_DB) {
  for (let seed = 1; seed <= SESSIONS; seed++) {
    const session = scriptSession(recordings, seed, noiseDb);
    const probabilities = detectVoice(session, vad);
    const model = { errorShare: MODEL_ERROR_SHARE, seed };
    scores.defaults.add(session, decideOurs(session, probabilities, {}));
    scores.adaptive.add(session, decideOurs(session, probabilities, { adaptive: true }));
    scores.gate.add(session, decideOurs(session, probabilities, {}, model));
    for (const phaseMs of BLOCK_PHASES_MS) {
      scores.fastrtc.add(session, decideFastRTC(session, vad, phaseMs));
    }
  }
}

const result = Object.fromEntries(
  Object.entries(scores).map(([name, score]) => [name, score.figures]),
);
if (process.argv.includes("--json")) console.log(JSON.stringify(result));
else console.dir(result, { depth: 4 });
