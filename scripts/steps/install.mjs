/**
 * Brings node_modules in line with the lock file; does nothing when it is already.
 */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { npm, root, step } from "./progress.mjs";

/** @typedef {{ version?: string, link?: boolean, optional?: boolean, devOptional?: boolean, peer?: boolean }} LockedPackage */
/** @typedef {Record<string, LockedPackage>} LockedPackages */

/**
 * Tells whether everything that the lock file names is installed in the version it names.
 *
 * Compares contents, not times: a checkout of another branch makes every file new.
 *
 * @param {LockedPackages} locked - `packages` of package-lock.json.
 * @param {LockedPackages} installed - `packages` of node_modules/.package-lock.json, which npm
 *   writes last, so that an interrupted installation has none.
 * @returns {boolean} Whether nothing is left to install.
 */
export function isInstalled(locked, installed) {
  return Object.entries(locked).every(([location, wanted]) => {
    if (!location.startsWith("node_modules/")) return true;
    const found = installed[location];
    // What is optional may be missing: binaries of other platforms.
    if (!found) return Boolean(wanted.optional ?? wanted.devOptional ?? wanted.peer);
    return found.version === wanted.version && found.link === wanted.link;
  });
}

/**
 * @param {string} file - Below the repository's root.
 * @returns {LockedPackages} Its `packages`.
 */
function readPackages(file) {
  return JSON.parse(readFileSync(path.join(root, file), "utf8")).packages;
}

/** Installs the dependencies where they are missing or differ from the lock file. */
export async function install() {
  const hasLock = existsSync(path.join(root, "package-lock.json"));
  const hidden = "node_modules/.package-lock.json";
  if (existsSync(path.join(root, hidden))) {
    if (!hasLock || isInstalled(readPackages("package-lock.json"), readPackages(hidden))) return;
  }
  const command = hasLock ? "ci" : "install";
  await step(`Installing the dependencies (npm ${command})`, npm(command), {
    // onnxruntime-node would fetch CUDA files from the internet; npm 10 ignores our .npmrc here.
    env: { ONNXRUNTIME_NODE_INSTALL: "skip" },
  });
}
