import { describe, expect, it } from "vitest";

import { offerOrigin } from "./offer-origin.ts";

const offer = (session: string, version: number, fingerprint: string): string =>
  `v=0\r\no=- ${session} ${version} IN IP4 127.0.0.1\r\ns=-\r\na=fingerprint:sha-256 ${fingerprint}\r\n`;

describe("offerOrigin", () => {
  it("is the same for a later offer of one connection", () => {
    expect(offerOrigin(offer("42", 2, "AA:BB"))).toBe(offerOrigin(offer("42", 3, "aa:bb")));
  });

  it("differs with another session or another certificate", () => {
    const origin = offerOrigin(offer("42", 2, "AA:BB"));
    expect(offerOrigin(offer("43", 2, "AA:BB"))).not.toBe(origin);
    expect(offerOrigin(offer("42", 2, "AA:BC"))).not.toBe(origin);
  });
});
