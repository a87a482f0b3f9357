/**
 * `npm test`: installs and builds what is missing, then runs every test.
 *
 * Further arguments go to vitest: `npm test -- turn`, `npm test -- --project unit`.
 */

import "./steps/node-version.mjs";
import { spawn } from "node:child_process";
import { build } from "./steps/build.mjs";
import { install } from "./steps/install.mjs";
import { root, runScript, say } from "./steps/progress.mjs";
import { endWithUs } from "./steps/signals.mjs";

await runScript(async () => {
  await install();
  // Imports what has just been installed.
  const { provideTestPrerequisites } = await import("./steps/test-prerequisites.mjs");
  await provideTestPrerequisites();
  await build();

  say("Running the tests (vitest)");
  process.exitCode = await runVitest(process.argv.slice(2));
});

/**
 * @param {string[]} args - Further arguments for vitest.
 * @returns {Promise<number>} Its exit code.
 */
function runVitest(args) {
  const child = spawn(
    process.execPath,
    [
      "node_modules/vitest/vitest.mjs",
      "run",
      "--reporter=default",
      "--reporter=./scripts/count-reporter.mjs",
      ...args,
    ],
    { cwd: root, stdio: "inherit" },
  );
  endWithUs(child);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}
