import { mkdtemp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { cornerCases } from "../../test/turn-corner-cases.ts";
import { playScript, script } from "../../test/turn-fuzz.ts";
import type { Script } from "../../test/turn-fuzz.ts";
import { transitionCases } from "../../test/turn-transition-cases.ts";
import type { TurnModules } from "../../test/turn-world.ts";

// Each fault is put into the sources, one at a time, and must be found by the cases or by the random
// conversations. It shows what the tests are worth; they pass without any fault elsewhere.

interface Fault {
  readonly what: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const FAULTS: readonly Fault[] = [
  {
    what: "speech does not cancel the wait of a held reply",
    file: "reply-overlap.ts",
    from: 'cancel("post-wait", "verdict", "false-alarm", "drop")',
    to: 'cancel("verdict", "false-alarm", "drop")',
  },
  {
    what: "speech does not cancel the resumption of a paused reply",
    file: "reply-overlap.ts",
    from: 'cancel("post-wait", "verdict", "false-alarm", "drop")',
    to: 'cancel("post-wait", "verdict", "drop")',
  },
  {
    what: "a prediction about an earlier attempt counts",
    file: "turn-taking.ts",
    from: "!isSame(key, this.key)) return;\n      if (Number.isNaN",
    to: "false) return;\n      if (Number.isNaN",
  },
  {
    what: "what a stopped reply reports counts",
    file: "turn-taking.ts",
    from: "return reply && isSame(reply.key, key) ? reply : undefined;",
    to: "return reply;",
  },
  {
    what: "a sure model ends the turn without any delay",
    file: "user-turn.ts",
    from: "this.#isPredicted ? this.#delay.minMs",
    to: "this.#isPredicted ? 0",
  },
  {
    what: "going on makes nothing stale",
    file: "user-turn.ts",
    from: "  newAttempt(): void {\n    this.#rev++;",
    to: "  newAttempt(): void {",
  },
  {
    what: "speech before the first sound does not hold the reply",
    file: "reply-overlap.ts",
    from: '{ type: "reply-held", key: reply.key });\n      this.#scene.host.holdReply();',
    to: '{ type: "reply-held", key: reply.key });',
  },
  {
    what: "a paused reply may stay silent for ever",
    file: "reply-overlap.ts",
    from: 'this.#timers.arm("hold-max", now + options.holdMaxMs);',
    to: "",
  },
  {
    what: "nobody watches over a turn without words",
    file: "user-turn.ts",
    from: 'this.#timers.arm("watch", now + options.wordlessTurnMs);',
    to: "",
  },
  {
    what: "clicks add up",
    file: "speech-segmenter.ts",
    from: "this.#hasStarted = false;\n    this.#activeMs = 0;",
    to: "this.#hasStarted = false;",
  },
  {
    what: "the end does not wait for a sound that may become speech",
    file: "user-turn.ts",
    from: "now < onsetAt + VAD_WINDOW_MS + MAX_TENTATIVE_MS) {",
    to: "now < onsetAt) {",
  },
  {
    what: "speech that outlasts a reply is forgotten",
    file: "turn-taking.ts",
    from: "if (this.#scene.isLive || overlap) this.#beginTurn(overlap);",
    to: "if (!this.#scene.isLive && overlap) this.#beginTurn(overlap);",
  },
  {
    what: "an early answer is forgotten",
    file: "reply-overlap.ts",
    from: "since + options.replyEdgeMs",
    to: "since",
  },
  {
    what: "an uninterruptible reply can be interrupted",
    file: "reply-overlap.ts",
    from: 'if (reply.isUninterruptible) return "uninterruptible";',
    to: "",
  },
  {
    what: "the reply's own echo silences it",
    file: "reply-overlap.ts",
    from: "if (activeMs < options.bargeInMs || this.#isGuarded) return;",
    to: "if (activeMs < options.bargeInMs) return;",
  },
  {
    what: "a false alarm leaves the reply silent",
    file: "reply-overlap.ts",
    from: '{ type: "reply-resumed", key: reply.key });\n      this.#scene.host.resumeReply();',
    to: '{ type: "reply-resumed", key: reply.key });',
  },
  {
    what: "pauses are learned across a heard reply",
    file: "turn-taking.ts",
    from: "if (onsetAt - audibleAt <= this.endDelayMs) this.#turn.learnPause(onsetAt);",
    to: "this.#turn.learnPause(onsetAt);",
  },
  {
    what: "punctuation makes a text another one",
    file: "turn-words.ts",
    from: 'a === b || foldedWords(a).join(" ") === foldedWords(b).join(" ")',
    to: "a === b",
  },
  {
    what: "words of attention interrupt",
    file: "turn-words.ts",
    from: "isEarly ? words : words.filter((word) => !this.#backchannels.has(word))",
    to: "words",
  },
  {
    what: "a failing model is never given up",
    file: "end-delay.ts",
    from: "MAX_FAILURES = 3",
    to: "MAX_FAILURES = 300",
  },
  {
    what: "speech beyond the longest turn interrupts its reply",
    file: "turn-taking.ts",
    from: "this.#scene.isSpent = true;",
    to: "",
  },
  {
    what: "preliminary words after final ones are not waited for",
    file: "turn-text.ts",
    from: "this.#isFinal = isFinal;",
    to: "this.#isFinal ||= isFinal;",
  },
  {
    what: "the wait for the end goes on while the user speaks",
    file: "user-turn.ts",
    from: "this.#timers.clear();\n    if (isLive && onsetAt",
    to: "if (isLive && onsetAt",
  },
  {
    what: "a reply resumes while words are awaited",
    file: "reply-overlap.ts",
    from: "if (!this.#scene.hasTranscripts || !this.#awaitsFinal) return false;",
    to: "return false;",
  },
  {
    what: "eager replies are tried without end",
    file: "user-turn.ts",
    from: "MAX_EAGER_TRIES = 3",
    to: "MAX_EAGER_TRIES = 300",
  },
  {
    what: "learned delays have no bounds",
    file: "adaptive-silence.ts",
    from: "Math.min(maxMs, Math.max(minMs, factor * Math.exp(meanLogMs)))",
    to: "factor * Math.exp(meanLogMs)",
  },
  {
    what: "steps run into each other",
    file: "turn-scene.ts",
    from: "if (this.#steps.length > 1) return;",
    to: "if (this.#steps.length > 1) input();",
  },
];

const SEED = 7;
const SESSIONS = 4000;

describe("the tests of TurnTaking", () => {
  let directory: string;
  let samples: Script[];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "turn-faults-"));
    samples = fc.sample(script, { seed: SEED, numRuns: SESSIONS });
  });

  afterAll(async () => {
    await rm(directory, { recursive: true });
  });

  it("find nothing where there is nothing", async () => {
    expect(findFault(await build(join(directory, "sound")), samples)).toBeUndefined();
  });

  it.each(FAULTS.map((fault, index) => ({ ...fault, index })))(
    "find that $what",
    async ({ index, ...fault }) => {
      const modules = await build(join(directory, index.toString()), fault);
      expect(findFault(modules, samples)).toBeDefined();
    },
  );
});

/** What fails first: a case, or a promise in a random conversation. */
function findFault(modules: TurnModules, samples: readonly Script[]): string | undefined {
  const cases = { ...transitionCases(modules), ...cornerCases(modules) };
  for (const [name, run] of Object.entries(cases)) {
    try {
      run();
    } catch {
      return name;
    }
  }
  for (const sample of samples) {
    try {
      const [fault] = playScript(sample, modules).faults;
      if (fault !== undefined) return fault;
    } catch (error) {
      return String(error);
    }
  }
  return undefined;
}

/** Compiles turn-taking and all that it imports, with a fault where one is given. */
async function build(directory: string, fault?: Fault): Promise<TurnModules> {
  const root = resolve(import.meta.dirname, "..");
  const pending = ["turn-taking.ts", "speech-segmenter.ts", "turn-options.ts"].map((file) =>
    join(import.meta.dirname, file),
  );
  const done = new Set<string>();
  const compiled = (file: string): string =>
    join(directory, relative(root, file).replace(/\.ts$/, ".mjs"));
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (done.has(file)) continue;
    done.add(file);
    let source = await readFile(file, "utf8");
    if (fault && file === join(import.meta.dirname, fault.file)) {
      expect(source.split(fault.from)).toHaveLength(2);
      source = source.replace(fault.from, () => fault.to);
    }
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
      },
    });
    const imports = /(from\s+")(\.[^"]+)\.ts"/g;
    for (const [, , path] of outputText.matchAll(imports)) {
      pending.push(join(dirname(file), `${path}.ts`));
    }
    const target = compiled(file);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, outputText.replace(imports, '$1$2.mjs"'));
  }
  const load = (file: string): Promise<unknown> =>
    import(/* @vite-ignore */ pathToFileURL(compiled(join(import.meta.dirname, file))).href);
  const modules = await Promise.all(
    ["turn-taking.ts", "speech-segmenter.ts", "turn-options.ts"].map(load),
  );
  return Object.assign({}, ...modules) as TurnModules;
}
