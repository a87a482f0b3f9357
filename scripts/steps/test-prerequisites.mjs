/**
 * Gets what the tests need besides npm packages: two browsers, Redis and recorded speech.
 *
 * On Debian and its kin, with the right to do so, they are installed through apt. Elsewhere the
 * user reads what to install; the tests that need it then fail and say so themselves.
 */

import { existsSync, readdirSync } from "node:fs";
import { tsImport } from "tsx/esm/api";
import { StepFailed, capture, say, step } from "./progress.mjs";

const DEBIAN_SOUNDS = "/usr/share/asterisk/sounds";
const SPHINX_MODEL = "/usr/share/pocketsphinx/model/en-us/en-us";

/**
 * @typedef {object} Prerequisite
 * @property {string} name - What it is, for people.
 * @property {string} aptPackage - What holds it on Debian.
 * @property {string} remedy - How to get it elsewhere.
 * @property {() => boolean} isThere - Whether this machine has it.
 */

/**
 * @param {() => string} find - Throws when there is nothing to find.
 * @returns {boolean} Whether there is.
 */
function succeeds(find) {
  try {
    return find() !== "";
  } catch {
    return false;
  }
}

/** @returns {Promise<Prerequisite[]>} What the tests need. */
async function prerequisites() {
  /** @type {typeof import("../../test/browser/find-chromium.ts")} */
  const { findChromium } = await tsImport("../../test/browser/find-chromium.ts", import.meta.url);
  /** @type {typeof import("../../test/browser/find-firefox.ts")} */
  const { findFirefox } = await tsImport("../../test/browser/find-firefox.ts", import.meta.url);
  /** @type {typeof import("../../packages/fastrtc/test/redis-server.ts")} */
  const { findRedisServer } = await tsImport(
    "../../packages/fastrtc/test/redis-server.ts",
    import.meta.url,
  );
  return [
    {
      name: "a Chromium",
      aptPackage: "chromium",
      remedy:
        "install Chromium, Chrome or Edge, or run `npx playwright-core install chromium`, " +
        "or name one in FASTRTC_CHROMIUM",
      isThere: () => succeeds(findChromium),
    },
    {
      name: "a Firefox",
      aptPackage: "firefox-esr",
      remedy: "install Firefox, or name one in FASTRTC_FIREFOX",
      isThere: () => succeeds(findFirefox),
    },
    {
      name: "a Redis server",
      aptPackage: "redis-server",
      remedy:
        "install Redis or Valkey (on macOS: `brew install redis`), or name the program in " +
        "FASTRTC_REDIS_SERVER",
      isThere: () => succeeds(findRedisServer),
    },
    {
      name: "recorded speech",
      aptPackage: "asterisk-core-sounds-en-wav",
      remedy:
        "set FASTRTC_SPEECH_DIR to a folder of .wav files, best those of Debian's package " +
        "asterisk-core-sounds-en-wav",
      isThere: () => {
        const folder = process.env["FASTRTC_SPEECH_DIR"] || DEBIAN_SOUNDS;
        return existsSync(folder) && readdirSync(folder).length > 0;
      },
    },
    {
      name: "a speech recognizer",
      aptPackage: "pocketsphinx",
      remedy: "install Debian's package pocketsphinx; the program is pocketsphinx_batch",
      isThere: () => existsSync("/usr/bin/pocketsphinx_batch"),
    },
    {
      name: "the recognizer's English model",
      aptPackage: "pocketsphinx-en-us",
      remedy: `install Debian's package pocketsphinx-en-us, or put its model into ${SPHINX_MODEL}`,
      isThere: () => existsSync(SPHINX_MODEL),
    },
  ];
}

/** @returns {Promise<string[] | undefined>} How to call apt-get here, if that is possible. */
async function aptGet() {
  if (!existsSync("/usr/bin/apt-get")) return undefined;
  const quietly = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
  if (process.getuid?.() === 0) return quietly;
  const { code } = await capture(["sudo", "-n", "true"]);
  return code === 0 ? ["sudo", "-n", ...quietly] : undefined;
}

/** Installs what is missing, or says how to. */
export async function provideTestPrerequisites() {
  const all = await prerequisites();
  const missing = all.filter((item) => !item.isThere());
  if (missing.length === 0) return;

  const apt = await aptGet();
  if (apt) {
    const names = missing.map((item) => item.aptPackage);
    try {
      await step("Reading the list of packages (apt-get update)", [...apt, "-q", "update"]);
      await step(`Installing ${names.join(" ")} (apt-get)`, [
        ...apt,
        "-qy",
        "--no-install-recommends",
        "install",
        ...names,
      ]);
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      say(`apt-get did not help: ${error.message}`);
    }
  }
  for (const item of missing.filter((item) => !item.isThere())) {
    say(`MISSING ${item.name}: the tests that need it will fail. To get it: ${item.remedy}.`);
  }
}
