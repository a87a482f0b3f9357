import { describe, expect, it } from "vitest";

import { InvalidOptionError } from "../errors.ts";
import { TrustedProxies } from "./trusted-proxy.ts";

const forwarded = (chain: string): Headers => new Headers({ "x-forwarded-for": chain });

describe("TrustedProxies", () => {
  it("believes nobody unless told to", () => {
    const proxies = new TrustedProxies(undefined);
    expect(proxies.clientAddress("198.51.100.1", forwarded("203.0.113.9"))).toBe("198.51.100.1");
    const headers = new Headers({ "x-forwarded-proto": "https", "x-forwarded-host": "evil.test" });
    expect(proxies.publicOrigin("198.51.100.1", headers)).toBeUndefined();
  });

  it("walks as many proxies as there are, and not into what the client wrote", () => {
    const headers = forwarded("6.6.6.6, 203.0.113.9, 10.0.0.2");
    expect(new TrustedProxies(1).clientAddress("10.0.0.1", headers)).toBe("10.0.0.2");
    expect(new TrustedProxies(2).clientAddress("10.0.0.1", headers)).toBe("203.0.113.9");
    expect(new TrustedProxies(1).clientAddress("10.0.0.1", new Headers())).toBe("10.0.0.1");
  });

  it("walks as long as addresses are trusted", () => {
    const proxies = new TrustedProxies(["private", "loopback"]);
    const headers = forwarded("6.6.6.6, 203.0.113.9, 10.0.0.2");
    expect(proxies.clientAddress("::ffff:127.0.0.1", headers)).toBe("203.0.113.9");
    expect(proxies.clientAddress("198.51.100.1", headers)).toBe("198.51.100.1");
    expect(proxies.clientAddress("::1", forwarded("[2001:db8::5]:443"))).toBe("2001:db8::5");
    expect(proxies.clientAddress("::1", forwarded("203.0.113.9:5060"))).toBe("203.0.113.9");
    expect(proxies.clientAddress("::1", forwarded("not an address"))).toBe("::1");
  });

  it("reads the public origin from a trusted proxy", () => {
    const proxies = new TrustedProxies(["loopback"]);
    const headers = new Headers({
      "x-forwarded-proto": "https",
      "x-forwarded-host": "voice.example.com",
      host: "127.0.0.1:7860",
    });
    expect(proxies.publicOrigin("127.0.0.1", headers)).toBe("https://voice.example.com");
    expect(proxies.publicOrigin("203.0.113.9", headers)).toBeUndefined();
    headers.set("x-forwarded-host", "voice.example.com/path?x");
    expect(proxies.publicOrigin("127.0.0.1", headers)).toBeUndefined();
  });

  it.each([-1, 1.5, 1000, ["10.0.0.0/40"], ["proxy"], ["10.0.0.1/x"], "loopback", true])(
    "refuses %j",
    (trust) => {
      expect(() => new TrustedProxies(trust as never)).toThrow(InvalidOptionError);
    },
  );
});
