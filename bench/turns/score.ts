/** From decisions and the truth to figures. */

import type { Decision } from "./decision.ts";
import { REPLY_LATENCY_MS } from "./our-turns.ts";
import type { ScriptedSession, ScriptedTurn } from "./scripted-session.ts";

/** A pause is counted in the class up to its length, in milliseconds. */
const PAUSE_CLASSES_MS = [300, 500, 700, 1000, 1500, Infinity] as const;

interface PauseCount {
  pauses: number;
  cutOffs: number;
}

/** The figures of one algorithm; shares are 0 to 1. */
export interface Figures {
  readonly turns: number;
  /** From the last sample of speech to the decision. */
  readonly endOfTurnMs: { readonly p50: number; readonly p95: number };
  /** Turns with a decision before their speech was over. */
  readonly cutOffShare: number;
  /** Turns where the speaker went on so late after that decision that the reply had been heard. */
  readonly audibleCutOffShare: number;
  /** Pauses with a decision, by their length. */
  readonly cutOffShareByPauseMs: Readonly<Record<string, number>>;
  /** The most of a first word that is missing from what is handed over. */
  readonly firstWordLossMs: number;
  readonly meanFirstWordLossMs: number;
  /** Turns that were never answered. */
  readonly missedShare: number;
  /** Turns that were answered too soon, and whose last words were not answered then. */
  readonly tailMissedShare: number;
  /** Decisions about nothing that anybody said. */
  readonly falseTurns: number;
}

/** Collects the figures of one algorithm over many sessions. */
export class Score {
  readonly #delaysMs: number[] = [];
  readonly #lossesMs: number[] = [];
  readonly #pauses = PAUSE_CLASSES_MS.map((): PauseCount => ({ pauses: 0, cutOffs: 0 }));
  #turns = 0;
  #cutOffs = 0;
  #audible = 0;
  #missed = 0;
  #tailMissed = 0;
  #false = 0;

  /** Adds what an algorithm decided in a session. */
  add({ turns }: ScriptedSession, decisions: readonly Decision[]): void {
    turns.forEach((turn, i) => {
      const untilMs = turns[i + 1]?.startMs ?? Infinity;
      this.#addTurn(
        turn,
        decisions.filter(({ atMs }) => atMs >= turn.startMs && atMs < untilMs),
      );
    });
    this.#false += decisions.filter(({ atMs }) => atMs < (turns[0]?.startMs ?? 0)).length;
  }

  /** The figures so far. */
  get figures(): Figures {
    const share = (count: number): number => round(count / this.#turns, 4);
    return {
      turns: this.#turns,
      endOfTurnMs: { p50: quantile(this.#delaysMs, 0.5), p95: quantile(this.#delaysMs, 0.95) },
      cutOffShare: share(this.#cutOffs),
      audibleCutOffShare: share(this.#audible),
      cutOffShareByPauseMs: Object.fromEntries(
        this.#pauses.map(({ pauses, cutOffs }, i) => [
          nameClass(i),
          pauses > 0 ? round(cutOffs / pauses, 3) : 0,
        ]),
      ),
      firstWordLossMs: round(Math.max(0, ...this.#lossesMs), 1),
      meanFirstWordLossMs: round(this.#lossesMs.reduce((a, b) => a + b, 0) / this.#turns, 1),
      missedShare: share(this.#missed),
      tailMissedShare: share(this.#tailMissed),
      falseTurns: this.#false,
    };
  }

  #addTurn(turn: ScriptedTurn, decisions: readonly Decision[]): void {
    this.#turns++;
    const early = decisions.filter(({ atMs }) => atMs < turn.endMs);
    const [atEnd, ...more] = decisions.filter(({ atMs }) => atMs >= turn.endMs);
    if (atEnd) this.#delaysMs.push(atEnd.atMs - turn.endMs);
    this.#false += more.length;
    const first = decisions[0];
    if (!first) this.#missed++;
    else if (!atEnd) this.#tailMissed++;
    this.#lossesMs.push(lossMs(turn, first));
    if (early.length > 0) this.#cutOffs++;
    let isAudible = false;
    for (const pause of turn.pauses) {
      const pauseMs = pause.endMs - pause.startMs;
      const count = this.#pauses[PAUSE_CLASSES_MS.findIndex((maxMs) => pauseMs <= maxMs)];
      if (count) count.pauses++;
      const cut = early.find(({ atMs }) => atMs >= pause.startMs && atMs < pause.endMs);
      if (!cut) continue;
      if (count) count.cutOffs++;
      isAudible ||= pause.endMs - cut.atMs > REPLY_LATENCY_MS;
    }
    if (isAudible) this.#audible++;
  }
}

function lossMs(turn: ScriptedTurn, first: Decision | undefined): number {
  const startMs = first?.utteranceStartMs ?? Infinity;
  return Math.max(0, Math.min(startMs, turn.firstWordEndMs) - turn.startMs);
}

function nameClass(index: number): string {
  const from = index === 0 ? 0 : PAUSE_CLASSES_MS[index - 1];
  const to = PAUSE_CLASSES_MS[index];
  return to === Infinity ? `>${from}` : `${from}-${to}`;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN, 0);
}

function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
