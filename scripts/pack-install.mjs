/**
 * `npm run pack-install`: installs the packed packages into an empty folder and uses them there.
 */

import { rmSync } from "node:fs";
import { build } from "./steps/build.mjs";
import { packAll } from "./steps/pack.mjs";
import { runScript } from "./steps/progress.mjs";
import { tryInstalled } from "./steps/try-installed.mjs";

await runScript(async () => {
  await build();
  const { folder, tarballs } = await packAll();
  try {
    await tryInstalled(tarballs);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
