/** Random conversations, and what must be true of each of them. */

import fc from "fast-check";
import { TurnWorld } from "./turn-world.ts";
import type { ModelAnswer, ReplyPlan, TurnModules, WorldSetup } from "./turn-world.ts";

interface Segment {
  readonly kind: "speech" | "word" | "noise" | "click";
  readonly speechMs: number;
  readonly gapMs: number;
  /** Kinds of words, one for each that the duration has room for. */
  readonly words: readonly number[];
  readonly isMissedByVad: boolean;
  readonly interimShare: number | undefined;
  /** When the final words come, after the speech; undefined is never. */
  readonly finalAfterMs: number | undefined;
  /** What the application does meanwhile. */
  readonly action: Action | undefined;
  readonly actionAfterMs: number;
}

type Action = "end the turn" | "protect" | "unprotect" | "reset" | "greet" | "echo";

/** One conversation. */
export interface Script {
  readonly segments: readonly Segment[];
  readonly replies: readonly ReplyPlan[];
  readonly answers: readonly (ModelAnswer | undefined)[];
  readonly hasModel: boolean;
  readonly hasTranscripts: boolean;
  readonly eager: boolean;
  readonly adaptive: boolean;
  readonly canInterrupt: boolean;
  readonly isShortTurns: boolean;
}

const SPECIAL_WORDS = ["stop", "wait", "mhm", "yeah", "okay"];

const often = <T>(many: fc.Arbitrary<T>, few: fc.Arbitrary<T>, percent: number): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: many, weight: 100 - percent }, { arbitrary: few, weight: percent });

const durations: Record<Segment["kind"], fc.Arbitrary<number>> = {
  speech: fc.integer({ min: 150, max: 2600 }),
  word: fc.integer({ min: 100, max: 400 }),
  noise: fc.integer({ min: 60, max: 560 }),
  click: fc.integer({ min: 20, max: 80 }),
};

const segment: fc.Arbitrary<Segment> = fc
  .constantFrom<Segment["kind"]>("speech", "speech", "speech", "word", "word", "noise", "click")
  .chain((kind) => {
    const hasWords = kind === "speech" || kind === "word";
    return fc.record({
      kind: fc.constant(kind),
      speechMs: durations[kind],
      gapMs: fc.oneof(fc.integer({ min: 130, max: 1150 }), fc.integer({ min: 300, max: 9000 })),
      words: hasWords ? fc.array(fc.nat(14), { minLength: 1, maxLength: 7 }) : fc.constant([]),
      isMissedByVad:
        kind === "word" ? often(fc.constant(false), fc.constant(true), 40) : fc.constant(false),
      interimShare: fc.option(fc.double({ min: 0.2, max: 1, noNaN: true }), { nil: undefined }),
      finalAfterMs: often<number | undefined>(
        often(fc.integer({ min: 100, max: 850 }), fc.integer({ min: 1200, max: 2800 }), 10),
        fc.constant(undefined),
        5,
      ),
      action: often<Action | undefined>(
        fc.constant(undefined),
        fc.constantFrom<Action>("end the turn", "protect", "unprotect", "reset", "greet", "echo"),
        8,
      ),
      actionAfterMs: fc.integer({ min: 0, max: 4000 }),
    });
  });

const reply: fc.Arbitrary<ReplyPlan> = fc.record({
  afterMs: fc.integer({ min: 0, max: 1400 }),
  audioMs: often(fc.integer({ min: 100, max: 6500 }), fc.constant(0), 8),
  fails: often(fc.constant(false), fc.constant(true), 5),
});

// One in ten is slow, one in thirty fails or hangs.
const answer: fc.Arbitrary<ModelAnswer | undefined> = fc.oneof(
  { weight: 86, arbitrary: modelAnswer(20, 100) },
  { weight: 10, arbitrary: modelAnswer(300, 1800) },
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 2, arbitrary: fc.constant({ afterMs: 30, probability: "error" as const }) },
);

function modelAnswer(min: number, max: number): fc.Arbitrary<ModelAnswer> {
  return fc.record({
    afterMs: fc.integer({ min, max }),
    probability: fc.double({ min: 0, max: 1, noNaN: true }),
  });
}

/** Conversations in all modes. */
export const script: fc.Arbitrary<Script> = fc.record({
  segments: fc.array(segment, { minLength: 4, maxLength: 14 }),
  replies: fc.array(reply, { minLength: 1, maxLength: 8 }),
  answers: fc.array(answer, { minLength: 1, maxLength: 8 }),
  hasModel: fc.boolean(),
  hasTranscripts: fc.boolean(),
  eager: fc.boolean(),
  adaptive: fc.boolean(),
  canInterrupt: often(fc.constant(true), fc.constant(false), 10),
  isShortTurns: often(fc.constant(false), fc.constant(true), 5),
});

/** Plays a conversation to its end, and until everything has settled. */
export function playScript(script: Script, modules?: TurnModules): TurnWorld {
  const { replies, answers, eager, adaptive } = script;
  const setup: WorldSetup = {
    ...(modules && { modules }),
    turn: { eager, adaptive, ...(script.isShortTurns && { maxTurnMs: 2500 }) },
    canInterrupt: script.canInterrupt,
    hasTranscripts: script.hasTranscripts,
    reply: (number) => replies[number % replies.length]!,
    ...(script.hasModel && { model: (question) => answers[question % answers.length] }),
  };
  const world = new TurnWorld(setup);
  const recognizer: Recognizer = { said: [], readyAt: 0 };
  world.pauses(500);
  for (const [index, part] of script.segments.entries()) {
    if (world.faults.length > 0) break;
    const { action } = part;
    if (action) world.after(part.actionAfterMs, () => act(world, action));
    if (script.hasTranscripts) scheduleWords(world, part, recognizer, 10 * index);
    if (part.isMissedByVad) world.pauses(part.speechMs);
    else world.speaks(part.speechMs);
    world.pauses(part.gapMs);
  }
  world.pauses(25_000);
  checkEnd(world, recognizer.said, script);
  return world;
}

function act(world: TurnWorld, action: Action): void {
  const { taking } = world;
  switch (action) {
    case "end the turn":
      taking.endTurnNow();
      break;
    case "protect":
    case "unprotect":
      taking.setUninterruptible(action === "protect");
      break;
    case "reset":
      world.hasBeenReset = true;
      taking.reset();
      break;
    case "greet":
      world.greets();
      break;
    case "echo":
      taking.replyText("Stop, wait, yeah, okay.");
      break;
  }
}

/** Gives its final words late, but in order. */
interface Recognizer {
  readonly said: string[];
  readyAt: number;
}

function scheduleWords(
  world: TurnWorld,
  part: Segment,
  recognizer: Recognizer,
  firstNumber: number,
): void {
  // Unbroken speech has no more words than it has time for.
  const count = Math.min(part.words.length, Math.max(1, Math.round(part.speechMs / 350)));
  const words = part.words
    .slice(0, count)
    // An utterance that begins like another one could not be told from it.
    .map(
      (word, i) =>
        (i === 0 && count > 1 ? undefined : SPECIAL_WORDS[word]) ?? uniqueWord(firstNumber + i),
    );
  if (words.length === 0) return;
  if (part.interimShare !== undefined) {
    const spoken = words.slice(0, Math.ceil(words.length * part.interimShare)).join(" ");
    world.after(part.speechMs * 0.6, () => world.taking.transcript(spoken, false));
  }
  if (part.finalAfterMs === undefined) return;
  const text = words.join(" ");
  const punctuated = `${text[0]!.toUpperCase()}${text.slice(1)}.`;
  const at = world.now + part.speechMs + part.finalAfterMs;
  recognizer.readyAt = Math.max(at, recognizer.readyAt + 1);
  world.after(recognizer.readyAt - world.now, () => {
    recognizer.said.push(...words.filter((word) => !SPECIAL_WORDS.includes(word)));
    world.taking.transcript(punctuated, true);
  });
}

// Letters only, so that it stays one word.
function uniqueWord(number: number): string {
  return `w${number.toString().replace(/\d/g, (digit) => "abcdefghij"[Number(digit)]!)}`;
}

function checkEnd(world: TurnWorld, said: readonly string[], script: Script): void {
  if (world.faults.length > 0) return;
  if (world.state !== "listening") world.fault(8, `still ${world.state}`);
  if (world.machineTimers > 0) world.fault(8, "timers left");
  // What is forgotten on request is in no turn.
  if (!script.hasTranscripts || world.hasBeenReset) return;
  const turns = new Map(world.all("turn-ended").map(({ key, text }) => [key.turn, text]));
  const dropped = world.all("overlap-dropped").map(({ text }) => text);
  const places =
    [...turns.values(), ...dropped]
      .join(" ")
      .toLowerCase()
      .match(/w[a-j]+/g) ?? [];
  for (const word of said) {
    const count = places.filter((place) => place === word).length;
    if (count !== 1) world.fault(6, `"${word}" is in ${count} places`);
  }
}
