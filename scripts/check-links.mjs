/**
 * Fails on a link in a Markdown file of the repository that leads to no file.
 *
 * Only relative links: what is on the web is not ours to keep.
 */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { StepFailed, capture, root, runScript } from "./steps/progress.mjs";

await runScript(async () => {
  const { output } = await capture([
    ...["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
  ]);
  const files = output
    .split("\n")
    .filter((file) => file !== "" && existsSync(path.join(root, file)));
  /** @type {string[]} */
  const dead = [];
  for (const file of files) {
    const text = readFileSync(path.join(root, file), "utf8").replace(/```[\s\S]*?```/g, "");
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)) {
      if (/^[a-z]+:/i.test(target) || target.startsWith("#")) continue;
      const [location = ""] = decodeURI(target).split("#");
      const from = location.startsWith("/") ? root : path.join(root, path.dirname(file));
      if (!existsSync(path.join(from, location))) dead.push(`${file}: ${target}`);
    }
  }
  if (dead.length > 0) throw new StepFailed("dead links", `\n  ${dead.join("\n  ")}`);
  console.log(`${files.length} Markdown files, no dead link.`);
});
