/** Finds a Firefox for the one test that drives it, over WebDriver BiDi, which it has built in. */

import { existsSync } from "node:fs";

const PLACES = [
  "/usr/bin/firefox",
  "/usr/bin/firefox-esr",
  "/snap/bin/firefox",
  "/Applications/Firefox.app/Contents/MacOS/firefox",
  "C:\\Program Files\\Mozilla Firefox\\firefox.exe",
] as const;

/**
 * Returns the path of a Firefox; `FASTRTC_FIREFOX` names one and wins.
 *
 * @throws Error that says how to install one, when there is none.
 */
export function findFirefox(): string {
  const named = process.env["FASTRTC_FIREFOX"];
  const found = [named, ...PLACES].find((path) => path !== undefined && existsSync(path));
  if (found !== undefined) return found;
  throw new Error(
    "The Firefox test found no Firefox. Install it (on Debian: apt-get install firefox-esr), or name one in FASTRTC_FIREFOX.",
  );
}
