/**
 * When turns are taken to be over: ours and FastRTC's algorithm on the same recorded speech.
 *
 *   tsx bench/turns.ts          tables
 *   tsx bench/turns.ts --json   one JSON object
 *
 * 240 turns a noise level, said by 8 speakers, made of recordings with pauses in mid-turn whose lengths
 * are drawn as people's are; one in five is a single word. Where speech ends is known from how they
 * were made. Everything runs in virtual time, with Silero, at 16 kHz. The end-of-turn model ("gate") is
 * a stand-in that knows the truth and is wrong in 7% of its answers. A cut-off is audible if the speaker
 * goes on more than 700 ms after the decision, which is when a reply is taken to begin.
 *
 * "fastrtc" hears through the same detector as ours, which remembers what it has heard; FastRTC restarts
 * its own at each block. "restartingDetector" does so too: it overlooks the first 60 ms or so of each
 * block, so that turns end sooner and more of them in mid-sentence.
 */

import { warmUpSileroVad, createSileroVad } from "../packages/fastrtc/src/turn/silero.ts";
import { decideFastRTC } from "./turns/fastrtc-turns.ts";
import { decideOurs, detectVoice } from "./turns/our-turns.ts";
import { readRecordings } from "./turns/recordings.ts";
import { Score } from "./turns/score.ts";
import type { Figures } from "./turns/score.ts";
import { scriptSession } from "./turns/scripted-session.ts";

const SESSIONS = 8;
const NOISE_DB = [undefined, -45, -35] as const;
const BLOCK_PHASES_MS = [0, 300] as const;
const MODEL_ERROR_SHARE = 0.07;

const scores = {
  defaults: new Score(),
  adaptive: new Score(),
  gate: new Score(),
  fastrtc: new Score(),
  restartingFastrtc: new Score(),
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
    scores.restartingFastrtc.add(session, decideFastRTC(session, vad, 0, true));
  }
}

const { restartingFastrtc, ...compared } = scores;
const result = {
  ...mapValues(compared, (score) => score.figures),
  fastrtc: { ...compared.fastrtc.figures, restartingDetector: restartingFastrtc.figures },
};
if (process.argv.includes("--json")) console.log(JSON.stringify(result));
else printTables();

function printTables(): void {
  console.log(
    "Milliseconds from the last sample of speech to the end of the turn; shares in percent.",
  );
  console.table(mapValues(scores, (score) => summarize(score.figures)));
  console.log(
    "Share of the pauses in mid-turn that were taken for its end, by their length in ms:",
  );
  console.table(
    mapValues(scores, (score) => mapValues(score.figures.cutOffShareByPauseMs, percent)),
  );
}

function summarize(figures: Figures): Record<string, number> {
  return {
    turns: figures.turns,
    p50: figures.endOfTurnMs.p50,
    p95: figures.endOfTurnMs.p95,
    "cut off": percent(figures.cutOffShare),
    "cut off audibly": percent(figures.audibleCutOffShare),
    "first word lost, most": figures.firstWordLossMs,
    "first word lost, mean": figures.meanFirstWordLossMs,
    missed: percent(figures.missedShare),
    "last words missed": percent(figures.tailMissedShare),
    "about nothing": figures.falseTurns,
  };
}

function percent(share: number): number {
  return Math.round(share * 1000) / 10;
}

function mapValues<K extends string, V, R>(
  record: Readonly<Record<K, V>>,
  map: (value: V) => R,
): Record<K, R> {
  const entries = Object.entries<V>(record).map(([key, value]) => [key, map(value)]);
  return Object.fromEntries(entries) as Record<K, R>;
}
