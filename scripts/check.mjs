/**
 * `npm run check`: every gate, at most two at a time, and a table of how they did.
 *
 * `--no-tests` leaves the tests out; names run only those gates: `npm run check -- lint types`.
 * Each gate is an npm script of its own.
 */

import "./steps/node-version.mjs";
import { build } from "./steps/build.mjs";
import { install } from "./steps/install.mjs";
import { StepFailed, capture, npm, runScript, say } from "./steps/progress.mjs";

const AT_ONCE = 2;

/** Gates in the order in which they start; the long ones first, so that they end together. */
const GATES = [
  { script: "test", checks: "tests" },
  { script: "package", checks: "packed, installed and imported as a user does" },
  { script: "api", checks: "public API as in the committed report" },
  { script: "lint", checks: "eslint" },
  { script: "types", checks: "TypeScript, everything from source" },
  { script: "docs", checks: "every public symbol documented, no dead link" },
  { script: "unused", checks: "no dead code, no undeclared dependency" },
  { script: "boundaries", checks: "import law, cycles, orphans, map" },
  { script: "format:check", checks: "prettier" },
];

/** @typedef {{ script: string, checks: string, ok: boolean, seconds: number, output: string }} Outcome */

/**
 * @param {(typeof GATES)[number]} gate - What to run.
 * @returns {Promise<Outcome>} How it did.
 */
async function judge(gate) {
  const began = performance.now();
  const { code, output } = await capture(npm("run", "--silent", gate.script));
  const seconds = (performance.now() - began) / 1000;
  say(`${code === 0 ? "pass" : "FAIL"}  ${gate.script}`);
  return { ...gate, ok: code === 0, seconds, output };
}

/**
 * @param {string[]} args - The command line.
 * @returns {typeof GATES} The gates that it asks for.
 */
function wantedGates(args) {
  const names = args.filter((arg) => arg !== "--no-tests");
  const unknown = names.find((name) => !GATES.some((gate) => gate.script === name));
  if (unknown !== undefined) {
    throw new StepFailed("check", `no gate "${unknown}"; ${GATES.map((g) => g.script).join(", ")}`);
  }
  return GATES.filter(
    (gate) =>
      (names.length === 0 || names.includes(gate.script)) &&
      !(gate.script === "test" && args.includes("--no-tests")),
  );
}

await runScript(async () => {
  const gates = wantedGates(process.argv.slice(2));
  await install();
  await build();

  say(`Checking: ${gates.map((gate) => gate.script).join(", ")}`);
  /** @type {Outcome[]} */
  const outcomes = [];
  const waiting = [...gates];
  const worker = async () => {
    for (let gate = waiting.shift(); gate; gate = waiting.shift()) {
      outcomes.push(await judge(gate));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));

  const failed = outcomes.filter((outcome) => !outcome.ok);
  for (const { script, output } of failed) {
    console.log(`\n──── npm run ${script} ────\n${output.trimEnd()}`);
  }
  console.log("");
  for (const gate of gates) {
    const outcome = outcomes.find((candidate) => candidate.script === gate.script);
    if (!outcome) continue;
    const verdict = outcome.ok ? "pass" : "FAIL";
    const seconds = outcome.seconds.toFixed(1).padStart(6);
    console.log(`${verdict}  ${gate.script.padEnd(13)}${seconds} s  ${gate.checks}`);
  }
  if (failed.length > 0) throw new StepFailed("check", `${failed.length} of ${gates.length} gates`);
});
