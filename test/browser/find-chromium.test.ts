import { describe, expect, it } from "vitest";
import { findChromium, type FindChromiumOptions } from "./find-chromium.ts";

/** A machine on which only these files exist. */
function machine(
  platform: NodeJS.Platform,
  files: readonly string[],
  env: Record<string, string> = {},
): FindChromiumOptions {
  return {
    platform,
    env,
    exists: (file) => files.includes(file),
    playwrightPath: () => "/cache/playwright/chrome",
  };
}

describe("findChromium", () => {
  it("takes the browser that FASTRTC_CHROMIUM names before any other", () => {
    const options = machine("linux", ["/opt/mine", "/usr/bin/chromium"], {
      FASTRTC_CHROMIUM: "/opt/mine",
    });
    expect(findChromium(options)).toBe("/opt/mine");
  });

  it("says which file is missing when FASTRTC_CHROMIUM names none", () => {
    const options = machine("linux", ["/usr/bin/chromium"], { FASTRTC_CHROMIUM: "/opt/gone" });
    expect(() => findChromium(options)).toThrow('FASTRTC_CHROMIUM names "/opt/gone"');
  });

  it.each<[NodeJS.Platform, string, Record<string, string>]>([
    ["linux", "/usr/bin/chromium", {}],
    ["linux", "/opt/google/bin/google-chrome", { PATH: "/usr/bin::/opt/google/bin" }],
    ["darwin", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", {}],
    ["darwin", "/Users/a/Applications/Chromium.app/Contents/MacOS/Chromium", { HOME: "/Users/a" }],
    [
      "win32",
      "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
      { PROGRAMFILES: "C:\\Program Files" },
    ],
    [
      "win32",
      "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
      { "PROGRAMFILES(X86)": "C:\\Program Files (x86)" },
    ],
  ])("finds the installed browser on %s at %s", (platform, file, env) => {
    expect(findChromium(machine(platform, [file], env))).toBe(file);
  });

  it("prefers an installed browser to playwright's own", () => {
    const options = machine("linux", ["/cache/playwright/chrome", "/usr/bin/chromium"]);
    expect(findChromium(options)).toBe("/usr/bin/chromium");
  });

  it("falls back to playwright's own", () => {
    const options = machine("linux", ["/cache/playwright/chrome"]);
    expect(findChromium(options)).toBe("/cache/playwright/chrome");
  });

  it("says how to get a browser when there is none", () => {
    expect(() => findChromium(machine("linux", []))).toThrow(
      "npx playwright-core install chromium",
    );
  });
});
