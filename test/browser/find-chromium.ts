/**
 * Finds the browser that the browser tests drive: any installed Chromium, Chrome or Edge.
 *
 * In go the environment and the platform, out comes the path of a program. Called by every test
 * that needs a browser, and by `npm test` to see whether one has to be installed.
 */

import { existsSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

/** Where to look; the defaults are this machine's. */
export interface FindChromiumOptions {
  /** @defaultValue `process.env` */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** @defaultValue `process.platform` */
  readonly platform?: NodeJS.Platform;
  /** Tells whether a file is there. */
  readonly exists?: (file: string) => boolean;
  /** Where playwright would install its own. */
  readonly playwrightPath?: () => string;
}

const LINUX_NAMES = [
  "chromium",
  "google-chrome",
  "google-chrome-stable",
  "chromium-browser",
  "microsoft-edge",
] as const;

const MAC_APPS = ["Google Chrome", "Chromium", "Microsoft Edge"] as const;

const WINDOWS_PROGRAMS = [
  "Google\\Chrome\\Application\\chrome.exe",
  "Chromium\\Application\\chrome.exe",
  "Microsoft\\Edge\\Application\\msedge.exe",
] as const;

/**
 * Returns the path of a Chromium, Chrome or Edge.
 *
 * `FASTRTC_CHROMIUM` names one and wins; then come the system's own, then playwright's.
 *
 * @param options - Where to look, for tests of this function.
 * @throws Error that says how to install one, when there is none.
 */
export function findChromium(options: FindChromiumOptions = {}): string {
  const { env = process.env, platform = process.platform, exists = existsSync } = options;
  const { playwrightPath = () => chromium.executablePath() } = options;

  const named = env["FASTRTC_CHROMIUM"];
  if (named) {
    if (exists(named)) return named;
    throw new Error(`FASTRTC_CHROMIUM names "${named}", and no such file exists.`);
  }
  const found = [...installedPaths(platform, env), playwrightPath()].find(
    (file) => file !== "" && exists(file),
  );
  if (found !== undefined) return found;
  throw new Error(
    "The browser tests found no browser. Install Chromium, Chrome or Edge, or run " +
      "`npx playwright-core install chromium`, or name one in FASTRTC_CHROMIUM.",
  );
}

function installedPaths(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  if (platform === "darwin") {
    const folders = ["/Applications", `${env["HOME"] ?? ""}/Applications`];
    return folders.flatMap((folder) =>
      MAC_APPS.map((app) => `${folder}/${app}.app/Contents/MacOS/${app}`),
    );
  }
  if (platform === "win32") {
    const folders = [env["PROGRAMFILES"], env["PROGRAMFILES(X86)"], env["LOCALAPPDATA"]];
    return folders
      .filter((folder) => folder !== undefined)
      .flatMap((folder) => WINDOWS_PROGRAMS.map((program) => `${folder}\\${program}`));
  }
  const folders = new Set([...(env["PATH"] ?? "").split(":"), "/usr/bin", "/snap/bin"]);
  return LINUX_NAMES.flatMap((name) =>
    [...folders].map((folder) => (folder === "" ? "" : path.posix.join(folder, name))),
  );
}
