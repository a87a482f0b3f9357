import { describe, expect, it } from "vitest";

import { InvalidOptionError } from "../errors.ts";
import { TrustedProxies } from "./trusted-proxy.ts";

const request = (headers: HeadersInit): Request => new Request("http://127.0.0.1/", { headers });
const forwarded = (chain: string): Request => request({ "x-forwarded-for": chain });
const from = (remoteAddress: string): { remoteAddress: string } => ({ remoteAddress });

describe("TrustedProxies", () => {
  it("believes nobody unless told to", () => {
    const proxies = new TrustedProxies(undefined);
    expect(proxies.clientAddress(forwarded("203.0.113.9"), from("198.51.100.1"))).toBe(
      "198.51.100.1",
    );
    const headers = new Headers({ "x-forwarded-proto": "https", "x-forwarded-host": "evil.test" });
    expect(proxies.publicOrigin(request(headers), from("198.51.100.1"))).toBeUndefined();
  });

  it("walks as many proxies as there are, and not into what the client wrote", () => {
    const chain = forwarded("6.6.6.6, 203.0.113.9, 10.0.0.2");
    expect(new TrustedProxies(1).clientAddress(chain, from("10.0.0.1"))).toBe("10.0.0.2");
    expect(new TrustedProxies(2).clientAddress(chain, from("10.0.0.1"))).toBe("203.0.113.9");
    expect(new TrustedProxies(1).clientAddress(request({}), from("10.0.0.1"))).toBe("10.0.0.1");
  });

  it("walks as long as addresses are trusted", () => {
    const proxies = new TrustedProxies(["private", "loopback"]);
    const chain = forwarded("6.6.6.6, 203.0.113.9, 10.0.0.2");
    expect(proxies.clientAddress(chain, from("::ffff:127.0.0.1"))).toBe("203.0.113.9");
    expect(proxies.clientAddress(chain, from("198.51.100.1"))).toBe("198.51.100.1");
    expect(proxies.clientAddress(forwarded("[2001:db8::5]:443"), from("::1"))).toBe("2001:db8::5");
    expect(proxies.clientAddress(forwarded("203.0.113.9:5060"), from("::1"))).toBe("203.0.113.9");
    expect(proxies.clientAddress(forwarded("not an address"), from("::1"))).toBe("::1");
  });

  it("reads the public origin from a trusted proxy", () => {
    const proxies = new TrustedProxies(["loopback"]);
    const headers = new Headers({
      "x-forwarded-proto": "https",
      "x-forwarded-host": "voice.example.com",
      host: "127.0.0.1:7860",
    });
    expect(proxies.publicOrigin(request(headers), from("127.0.0.1"))).toBe(
      "https://voice.example.com",
    );
    expect(proxies.publicOrigin(request(headers), from("203.0.113.9"))).toBeUndefined();
    headers.set("x-forwarded-host", "voice.example.com/path?x");
    expect(proxies.publicOrigin(request(headers), from("127.0.0.1"))).toBeUndefined();
  });

  it.each([-1, 1.5, 1000, ["10.0.0.0/40"], ["proxy"], ["10.0.0.1/x"], "loopback", true])(
    "refuses %j",
    (trust) => {
      expect(() => new TrustedProxies(trust as never)).toThrow(InvalidOptionError);
    },
  );
});
