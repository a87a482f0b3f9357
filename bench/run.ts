/** Lists the benches, or runs one: `npm run bench -- NAME [--json]`. */

import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";

const [name, ...args] = process.argv.slice(2);
const self = path.basename(import.meta.filename);
const benches = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && file !== self)
  .map((file) => file.slice(0, -".ts".length))
  .sort();

if (name === undefined) {
  console.log("npm run bench -- NAME [--json]\n");
  const width = Math.max(0, ...benches.map((bench) => bench.length));
  for (const bench of benches) console.log(`  ${bench.padEnd(width)}  ${describe(bench)}`);
} else if (benches.includes(name)) {
  const file = path.join(import.meta.dirname, `${name}.ts`);
  // A process of its own: what listing or another bench allocated must not weigh on it.
  const { status } = spawnSync(process.execPath, ["--import", "tsx", file, ...args], {
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
} else {
  console.error(`There is no bench "${name}"; there are: ${benches.join(", ")}.`);
  process.exitCode = 1;
}

/** Returns the first line of the comment that opens a bench. */
function describe(bench: string): string {
  const text = readFileSync(path.join(import.meta.dirname, `${bench}.ts`), "utf8");
  return /^\/\*\*[\s*]*(.+?)\s*(?:\*\/)?$/m.exec(text)?.[1] ?? "";
}
