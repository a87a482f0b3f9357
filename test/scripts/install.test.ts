import { describe, expect, it } from "vitest";
import { isInstalled } from "../../scripts/steps/install.mjs";
import { satisfies } from "../../scripts/steps/node-version.mjs";

describe("isInstalled", () => {
  const locked = {
    "": {},
    "packages/fastrtc": { version: "0.1.0" },
    "node_modules/fastrtc": { link: true },
    "node_modules/werift": { version: "0.24.4" },
    "node_modules/@esbuild/win32-x64": { version: "0.27.0", optional: true },
  };
  const installed = {
    "node_modules/fastrtc": { link: true },
    "node_modules/werift": { version: "0.24.4" },
  };

  it("is content without the optional packages of other platforms", () => {
    expect(isInstalled(locked, installed)).toBe(true);
  });

  it("misses a package", () => {
    expect(isInstalled(locked, { "node_modules/fastrtc": { link: true } })).toBe(false);
  });

  it("misses a workspace that is not linked yet", () => {
    expect(isInstalled(locked, { "node_modules/werift": { version: "0.24.4" } })).toBe(false);
  });

  it("sees another version", () => {
    const other = { ...installed, "node_modules/werift": { version: "0.24.3" } };
    expect(isInstalled(locked, other)).toBe(false);
  });
});

describe("satisfies", () => {
  it.each([
    ["20.19.0", true],
    ["20.18.3", false],
    ["18.20.0", false],
    ["22.0.0", true],
    ["24.1.0", true],
  ])("says of Node %s and >=20.19: %s", (version, expected) => {
    expect(satisfies(version, ">=20.19")).toBe(expected);
  });
});
