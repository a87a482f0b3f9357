/**
 * Ends the process with one clear sentence when Node is older than package.json allows.
 *
 * Imported first by every script that a newcomer runs, before anything is installed: therefore
 * nothing here, nor in the modules beside it, may use syntax that an old Node cannot parse.
 */

import { readFileSync } from "node:fs";

/**
 * Tells whether a version satisfies a range of the form `>=major.minor`.
 *
 * @param {string} version - For example `20.19.1`.
 * @param {string} range - For example `>=20.19`.
 * @returns {boolean} Whether it does.
 */
export function satisfies(version, range) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = range.replace(">=", "").split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

const manifest = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), { encoding: "utf8" }),
);

if (!satisfies(process.versions.node, manifest.engines.node)) {
  console.error(
    "This project needs Node " +
      manifest.engines.node.replace(">=", "") +
      " or newer, and this is Node " +
      process.versions.node +
      ". Get one from https://nodejs.org and run the command again.",
  );
  process.exit(1);
}
