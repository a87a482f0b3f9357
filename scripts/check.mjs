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

/**
 * Gates in the order in which they start; the long ones first, so that they end together.
 *
 * @type {Gate[]}
 */
const GATES = [
  { script: "test", checks: "tests", needsBuild: true },
  { script: "package", checks: "packed, installed and imported as a user does", needsBuild: true },
  { script: "api", checks: "public API as in the committed report", needsBuild: true },
  { script: "lint", checks: "eslint" },
  { script: "types", checks: "TypeScript, everything from source" },
  { script: "docs", checks: "every public symbol documented, no dead link" },
  { script: "unused", checks: "no dead code, no undeclared dependency" },
  { script: "boundaries", checks: "import law, cycles, orphans, map" },
  { script: "format:check", checks: "prettier" },
];

/** @typedef {{ script: string, checks: string, needsBuild?: boolean }} Gate */
/** @typedef {Gate & { ok: boolean, seconds: number, output: string }} Outcome */

/**
 * @param {Gate} gate - What to run.
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
 * @returns {Gate[]} The gates that it asks for.
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

/** @returns {Promise<Outcome>} How the build did; its output has been printed. */
async function judgeBuild() {
  const gate = { script: "build", checks: "assets, packages, page" };
  const began = performance.now();
  let ok = true;
  try {
    await build();
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    ok = false;
  }
  return { ...gate, ok, seconds: (performance.now() - began) / 1000, output: "" };
}

await runScript(async () => {
  const gates = wantedGates(process.argv.slice(2));
  await install();
  const built = await judgeBuild();

  const outcomes = [built];
  const waiting = gates.filter((gate) => built.ok || !gate.needsBuild);
  say(`Checking: ${waiting.map((gate) => gate.script).join(", ")}`);
  const worker = async () => {
    for (let gate = waiting.shift(); gate; gate = waiting.shift()) {
      outcomes.push(await judge(gate));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));

  for (const { script, ok, output } of outcomes) {
    if (!ok && output !== "") console.log(`\n──── npm run ${script} ────\n${output.trimEnd()}`);
  }
  console.log("");
  let failed = 0;
  for (const { script, checks } of [built, ...gates]) {
    const outcome = outcomes.find((candidate) => candidate.script === script);
    if (!outcome?.ok) failed++;
    const verdict = outcome ? (outcome.ok ? "pass" : "FAIL") : "----";
    const time = outcome ? `${outcome.seconds.toFixed(1).padStart(6)} s` : " not run";
    console.log(`${verdict}  ${script.padEnd(13)}${time}  ${checks}`);
  }
  if (failed > 0) throw new StepFailed("check", `${failed} of ${gates.length + 1}`);
});
