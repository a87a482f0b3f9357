/**
 * `npm run package`: packs each published package and lets publint, are-the-types-wrong and a new
 * project judge the archives.
 */

import { rmSync } from "node:fs";
import { build } from "./steps/build.mjs";
import { StepFailed, capture, runScript } from "./steps/progress.mjs";
import { packAll } from "./steps/pack.mjs";
import { tryInstalled } from "./steps/try-installed.mjs";

await runScript(async () => {
  await build();
  const { folder, tarballs } = await packAll();
  try {
    for (const [name, tarball] of Object.entries(tarballs)) {
      for (const [tool, command] of Object.entries({
        publint: ["node_modules/publint/src/cli.js", tarball, "--strict"],
        attw: [
          "node_modules/@arethetypeswrong/cli/dist/index.js",
          tarball,
          "--profile",
          "esm-only",
        ],
      })) {
        const { code, output } = await capture([process.execPath, ...command]);
        if (code !== 0) throw new StepFailed(`${tool}, ${name}`, output);
        console.log(`${name}: ${tool} has nothing to say`);
      }
    }
    await tryInstalled(tarballs);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
