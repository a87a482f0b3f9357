/**
 * `npm run build`: everything, or only the products that are named (assets, packages, page).
 */

import "./steps/node-version.mjs";
import { make, products } from "./steps/build.mjs";
import { StepFailed, runScript, say } from "./steps/progress.mjs";

await runScript(async () => {
  const all = /** @type {(keyof typeof products)[]} */ (Object.keys(products));
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((name) => !all.some((product) => product === name));
  if (unknown) throw new StepFailed("build", `no product "${unknown}"; ${all.join(", ")}`);
  for (const name of all) {
    if (wanted.length === 0 || wanted.includes(name)) await make(name);
  }
  say("Built.");
});
