import { describe, expect, it } from "vitest";

import { clientInfo } from "./client-info.ts";

const read = (userAgent: string): ReturnType<typeof clientInfo> =>
  clientInfo(new Headers({ "user-agent": userAgent }), "192.0.2.7");

describe("clientInfo", () => {
  it("reads browser, system and device", () => {
    const chrome = read(
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    );
    expect(chrome).toMatchObject({
      address: "192.0.2.7",
      browser: { name: "Chrome", version: "142.0.0.0" },
      os: { name: "Linux" },
      device: "desktop",
    });
    const phone = read(
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    );
    expect(phone).toMatchObject({
      browser: { name: "Safari", version: "18.1" },
      os: { name: "iOS", version: "18.1" },
      device: "mobile",
      vendor: "Apple",
      model: "iPhone",
    });
  });

  it("says that it does not know rather than to guess", () => {
    expect(clientInfo(new Headers(), undefined)).toMatchObject({
      address: undefined,
      userAgent: undefined,
      browser: undefined,
      os: undefined,
      device: "unknown",
    });
    expect(read("curl").device).toBe("unknown");
  });

  it("keeps a bounded part of what clients say", () => {
    expect(read("x".repeat(10_000)).userAgent).toHaveLength(512);
  });
});
