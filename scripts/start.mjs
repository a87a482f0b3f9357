/**
 * `npm start`: from a fresh clone to a page that one can talk to.
 *
 * Installs and builds what is missing, then becomes the demo: the application runs in this very
 * process, so that signals and exit codes are its own and no child can be left behind.
 */

import "./steps/node-version.mjs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "./steps/build.mjs";
import { install } from "./steps/install.mjs";
import { root, runScript } from "./steps/progress.mjs";

const DEMO = path.join(root, "examples/demo/index.ts");

await runScript(async () => {
  await install();
  await build();

  process.env["PORT"] = process.env["PORT"] || "7860";
  process.env["HOST"] = process.env["HOST"] || "127.0.0.1";
  // The demo sees what it would see under `node --import tsx examples/demo/index.ts`.
  process.argv[1] = DEMO;
  const { register } = await import("tsx/esm/api");
  register();
  await import(pathToFileURL(DEMO).href);
});
