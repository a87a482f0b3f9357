/**
 * `npm run map`: draws which folder of the server imports which, into docs/architecture-map.md.
 *
 * With `--check` it only compares, and fails when the drawing is out of date.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { format } from "prettier";
import { StepFailed, capture, root, runScript } from "./steps/progress.mjs";

const FILE = "docs/architecture-map.md";
const SRC = "packages/fastrtc/src";

/** @typedef {{ modules: { source: string, dependencies: { resolved: string }[] }[] }} Report */

/** @returns {Promise<string>} The page. */
async function draw() {
  const { code, output } = await capture([
    ...[process.execPath, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs", SRC],
    ...["--config", ".dependency-cruiser.cjs", "--output-type", "json"],
    ...["--include-only", `^${SRC}/`, "--exclude", "\\.test\\.tsx?$"],
  ]);
  // Violations are `npm run boundaries`' matter; here only a crash is one.
  if (!output.startsWith("{")) throw new StepFailed("Map", `dependency-cruiser: ${code} ${output}`);

  /** @type {Set<string>} */
  const arrows = new Set();
  for (const module of /** @type {Report} */ (JSON.parse(output)).modules) {
    const from = boxOf(module.source);
    for (const dependency of module.dependencies) {
      const to = boxOf(dependency.resolved);
      // The index imports everything, and everything the errors: drawn, they would hide the rest.
      if (from === to || from === "index" || to === "errors") continue;
      arrows.add(`  ${idOf(from)}["${from}"] --> ${idOf(to)}["${to}"]`);
    }
  }
  const page = [
    "# Which folder imports which",
    "",
    "Drawn by `npm run map` from the imports of `packages/fastrtc/src`, without tests, without " +
      "`index`, which imports all, and without `errors`, which all may import. The law behind it " +
      "is in [ARCHITECTURE.md](../ARCHITECTURE.md).",
    "",
    "```mermaid",
    "flowchart LR",
    ...[...arrows].sort(),
    "```",
    "",
  ].join("\n");
  return format(page, { parser: "markdown", printWidth: 100 });
}

/**
 * @param {string} file - Path of a module.
 * @returns {string} The folder that it is drawn as. The context stands alone, because handlers may
 *   import it and nothing else of the session.
 */
function boxOf(file) {
  const [first = "", second] = file.slice(SRC.length + 1).split("/");
  if (second === "context.ts") return "session/context";
  // stream.ts and its parts, stream-*.ts, are one box.
  return first.replace(/^stream-.*/, "stream").replace(/\.ts$/, "");
}

/**
 * @param {string} box - A box's name.
 * @returns {string} The same as a mermaid identifier.
 */
function idOf(box) {
  return box.replace(/\W/g, "_");
}

await runScript(async () => {
  const drawn = await draw();
  const file = path.join(root, FILE);
  if (!process.argv.includes("--check")) writeFileSync(file, drawn);
  else if (!existsSync(file) || readFileSync(file, "utf8") !== drawn) {
    throw new StepFailed(FILE, "out of date; run `npm run map` and look at the difference");
  }
});
