/**
 * Installs and builds what is missing, so that an example starts from a fresh clone; npm runs it before
 * that example's `start`.
 */

import "./steps/node-version.mjs";
import { build } from "./steps/build.mjs";
import { install } from "./steps/install.mjs";
import { runScript } from "./steps/progress.mjs";

await runScript(async () => {
  await install();
  await build();
});
