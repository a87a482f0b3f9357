/**
 * Does with our packed packages what a new user does: install, import, compile.
 *
 * Install scripts are on and nothing is set in the environment, so that a dependency which
 * downloads or compiles something shows up here.
 */

import { lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { StepFailed, capture, npm, root } from "./progress.mjs";

const MAX_INSTALLED_MB = 60;
const MAX_IMPORT_MS = 400;

/** What a consumer compiles, with the declarations of our dependencies checked too. */
const CONSUMER = `
import * as fastrtc from "fastrtc";
import * as testing from "fastrtc/testing";
import * as protocol from "@fastrtc/protocol";
export const names: string[] = [fastrtc, testing, protocol].flatMap((entry) => Object.keys(entry));
`;

const CONSUMER_CONFIG = {
  compilerOptions: {
    ...{ module: "nodenext", target: "es2023", lib: ["es2023", "esnext.disposable"] },
    ...{ strict: true, skipLibCheck: false, noEmit: true, types: ["node"] },
  },
  files: ["consumer.ts"],
};

/** What a browser's consumer compiles. */
const BROWSER_CONSUMER = `
import * as client from "@fastrtc/client";
import * as react from "@fastrtc/react";
export const names: string[] = [client, react].flatMap((entry) => Object.keys(entry));
`;

const BROWSER_CONFIG = {
  compilerOptions: {
    ...{ module: "esnext", moduleResolution: "bundler", target: "es2023" },
    ...{ lib: ["es2023", "dom", "dom.iterable"], types: [] },
    ...{ strict: true, skipLibCheck: false, noEmit: true },
  },
  files: ["browser-consumer.ts"],
};

/**
 * Installs archives into an empty folder and fails when a user would be unhappy with them.
 *
 * @param {Record<string, string>} tarballs - Archives by package.
 * @returns {Promise<void>} Settles when all is well.
 * @throws {StepFailed} when it is not.
 */
export async function tryInstalled(tarballs) {
  const project = mkdtempSync(path.join(tmpdir(), "fastrtc-consumer-"));
  try {
    writeFileSync(path.join(project, "package.json"), `{ "private": true, "type": "module" }`);
    await installServer(project, tarballs);
    await importServer(project);
    await compileConsumers(project, tarballs);
  } finally {
    rmSync(project, { recursive: true });
  }
}

/**
 * @param {string} project - An empty project.
 * @param {Record<string, string>} tarballs - Archives by package.
 */
async function installServer(project, tarballs) {
  const began = performance.now();
  // A server needs no more than these; @fastrtc/react would bring React into the measure.
  const wanted = ["@fastrtc/protocol", "@fastrtc/client", "fastrtc"].map(
    (name) => tarballs[name] ?? name,
  );
  await run(project, "npm install", npm("install", "--no-audit", "--no-fund", ...wanted));
  const seconds = (performance.now() - began) / 1000;
  const megabytes = sizeOf(path.join(project, "node_modules")) / 2 ** 20;
  console.log(`installed in ${seconds.toFixed(1)} s, ${megabytes.toFixed(1)} MB on disk`);
  if (megabytes > MAX_INSTALLED_MB) {
    throw new StepFailed(
      "npm install",
      `${megabytes.toFixed(1)} MB; ${MAX_INSTALLED_MB} are allowed`,
    );
  }
}

/** @param {string} project - The project. */
async function importServer(project) {
  for (const entry of ["fastrtc", "fastrtc/testing", "@fastrtc/protocol", "@fastrtc/client"]) {
    const script = `const t = performance.now(); await import(${JSON.stringify(entry)}); console.log(performance.now() - t)`;
    const times = [];
    for (let round = 0; round < 7; round++) {
      const output = await run(project, `import ${entry}`, [
        ...[process.execPath, "--input-type=module", "--eval", script],
      ]);
      times.push(Number(output));
    }
    const best = Math.min(...times);
    console.log(`import "${entry}": ${best.toFixed(0)} ms (best of ${times.length})`);
    if (entry === "fastrtc" && !(best <= MAX_IMPORT_MS)) {
      throw new StepFailed(`import ${entry}`, `${best} ms; ${MAX_IMPORT_MS} are allowed`);
    }
  }
}

/**
 * @param {string} project - The project.
 * @param {Record<string, string>} tarballs - Archives by package.
 */
async function compileConsumers(project, tarballs) {
  await run(
    project,
    "npm install",
    npm(
      ...["install", "--no-audit", "--no-fund", "@types/node@20", "react@19", "@types/react@19"],
      tarballs["@fastrtc/react"] ?? "@fastrtc/react",
    ),
  );
  const write = (/** @type {string} */ file, /** @type {string} */ text) =>
    writeFileSync(path.join(project, file), text);
  write("consumer.ts", CONSUMER);
  write("tsconfig.json", JSON.stringify(CONSUMER_CONFIG));
  write("browser-consumer.ts", BROWSER_CONSUMER);
  write("tsconfig.browser.json", JSON.stringify(BROWSER_CONFIG));
  const tsc = [process.execPath, path.join(root, "node_modules/typescript/bin/tsc"), "-p"];
  await run(project, "consumer compiles", [...tsc, "tsconfig.json"]);
  await run(project, "browser consumer compiles", [...tsc, "tsconfig.browser.json"]);
  console.log("a server's and a browser's consumer compile with skipLibCheck false");
}

/**
 * @param {string} cwd - Where.
 * @param {string} title - What, for the error.
 * @param {string[]} command - The program and its arguments.
 * @returns {Promise<string>} What it printed.
 */
async function run(cwd, title, command) {
  // What npm hands to scripts (npm_config_local_prefix and more) would lead it back to our tree.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(npm_|node_options$|onnxruntime)/i.test(name),
    ),
  );
  const { code, output } = await capture(command, { cwd, env });
  if (code !== 0) throw new StepFailed(title, output);
  return output;
}

/**
 * @param {string} folder - A folder.
 * @returns {number} Bytes that it takes on disk, as `du` counts them.
 */
function sizeOf(folder) {
  return readdirSync(folder, { recursive: true })
    .map((entry) => lstatSync(path.join(folder, String(entry))))
    .reduce((bytes, stat) => bytes + (stat.blocks ?? 0) * 512, 0);
}
