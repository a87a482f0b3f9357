/**
 * Builds what is missing or older than its sources: voice-activity assets, packages, page.
 *
 * Sources are compared by content with a stamp in node_modules/.cache, which takes some 20 ms for
 * the whole tree; asking `tsc -b` whether there is something to do takes a second.
 */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root, step } from "./progress.mjs";

const packages = ["protocol", "client", "react", "fastrtc"];

/**
 * @typedef {object} Product
 * @property {string} title - What the user reads.
 * @property {string[]} sources - Files and folders it is made from.
 * @property {string[]} outputs - Folders it is written to.
 * @property {(lostOutput: boolean) => string[]} command - What makes it.
 * @property {() => void} [tidy] - Runs after it is made.
 */

/** @type {Record<"assets" | "packages" | "page", Product>} */
export const products = {
  assets: {
    title: "Building the voice-activity model (AssemblyScript)",
    sources: ["packages/fastrtc/kernel", "packages/fastrtc/scripts", "package-lock.json"],
    outputs: ["packages/fastrtc/assets"],
    command: () => [process.execPath, "packages/fastrtc/scripts/build-assets.mjs"],
  },
  packages: {
    title: "Building the packages (tsc -b)",
    sources: [
      "tsconfig.json",
      "tsconfig.base.json",
      "package-lock.json",
      ...packages.flatMap((name) => [`packages/${name}/tsconfig.json`, `packages/${name}/src`]),
    ],
    outputs: packages.map((name) => `packages/${name}/dist`),
    // tsc looks at its build info only and would not notice that an output is gone.
    command: (lostOutput) => [
      process.execPath,
      "node_modules/typescript/bin/tsc",
      "-b",
      ...(lostOutput ? ["--force"] : []),
    ],
    tidy: removeOrphanedOutput,
  },
  page: {
    title: "Building the page (vite)",
    sources: [
      "package-lock.json",
      "packages/playground",
      "packages/client/src",
      "packages/react/src",
      "packages/protocol/src",
    ],
    outputs: ["packages/fastrtc/page"],
    command: () => [
      process.execPath,
      "node_modules/vite/bin/vite.js",
      "build",
      "packages/playground",
    ],
  },
};

/**
 * Lists the files of a folder at any depth, or the file itself, in a stable order.
 *
 * @param {string} location - Below the root.
 * @returns {string[]} Paths below the root.
 */
function filesOf(location) {
  const absolute = path.join(root, location);
  if (!existsSync(absolute)) return [];
  /** @type {string[]} */
  const found = [];
  /** @param {string} folder */
  const visit = (folder) => {
    for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
      const name = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== "node_modules") visit(name);
      } else found.push(name);
    }
  };
  try {
    visit(location);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ENOTDIR") throw error;
    return [location];
  }
  return found.sort();
}

/**
 * @param {string[]} sources - Files and folders.
 * @returns {string} A digest of names and contents; tests do not count.
 */
function digestOf(sources) {
  const hash = createHash("sha256");
  for (const file of sources.flatMap(filesOf)) {
    if (/\.test(-d)?\.tsx?$/.test(file)) continue;
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(path.join(root, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

/** Deletes compiled files whose source was moved or removed: they would be published. */
function removeOrphanedOutput() {
  for (const name of packages) {
    const sources = new Set(
      filesOf(`packages/${name}/src`).map((file) => file.replace(/\.tsx?$/, "")),
    );
    for (const file of filesOf(`packages/${name}/dist`)) {
      const source = file.replace("/dist/", "/src/").replace(/(\.d)?\.(js|ts)(\.map)?$/, "");
      if (!file.endsWith(".tsbuildinfo") && !sources.has(source)) rmSync(path.join(root, file));
    }
  }
}

/**
 * Makes one product if it has to be made.
 *
 * @param {keyof typeof products} name - Which one.
 */
export async function make(name) {
  const product = products[name];
  const stampFile = path.join(root, "node_modules/.cache/fastrtc", `${name}.json`);
  const digest = digestOf(product.sources);
  const stamp = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, "utf8")) : undefined;
  const outputs = new Set(product.outputs.flatMap(filesOf));
  const lostOutput = !stamp?.outputs.every((/** @type {string} */ file) => outputs.has(file));
  if (stamp?.digest === digest && !lostOutput) return;

  await step(product.title, product.command(lostOutput));
  product.tidy?.();
  mkdirSync(path.dirname(stampFile), { recursive: true });
  const made = product.outputs.flatMap(filesOf);
  writeFileSync(stampFile, JSON.stringify({ digest, outputs: made }));
}

/** Makes everything that has to be made, in order. */
export async function build() {
  for (const name of /** @type {(keyof typeof products)[]} */ (Object.keys(products))) {
    await make(name);
  }
}
