import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NegotiationError } from "../../errors.ts";
import { canonicalAddress, judgeAddress, judgeCandidate, parseCandidate } from "./candidate.ts";

const CHROMIUM =
  "candidate:2895470186 1 udp 2113937151 192.168.1.34 53871 typ host generation 0 ufrag wQ5s network-cost 999";
const FIREFOX = "candidate:0 1 UDP 2122252543 192.168.1.34 44323 typ host";

describe("parseCandidate", () => {
  it("reads Chromium's long lines, and the generation in them", () => {
    expect(parseCandidate(CHROMIUM)).toEqual({
      foundation: "2895470186",
      component: 1,
      transport: "udp",
      priority: 2113937151,
      address: "192.168.1.34",
      port: 53871,
      type: "host",
      usernameFragment: "wQ5s",
    });
  });

  it("reads Firefox's eight tokens", () => {
    expect(parseCandidate(FIREFOX)).toMatchObject({ transport: "udp", port: 44323, type: "host" });
  });

  it.each(["", "candidate:", "a=end-of-candidates", "   "])("takes %j for the end", (line) => {
    expect(parseCandidate(line)).toBeUndefined();
  });

  it.each(["a=", "candidate:", "a=candidate:", ""])("does not mind the prefix %j", (prefix) => {
    const bare = FIREFOX.slice("candidate:".length);
    expect(parseCandidate(prefix + bare)).toMatchObject({ address: "192.168.1.34" });
  });

  it("reads mDNS names, TCP, IPv6 and reflexive candidates", () => {
    const name = "8f3a7e0c-2b1d-4c5e-9f60-7a8b9c0d1e2f.local";
    expect(parseCandidate(`1 1 udp 1 ${name} 5000 typ host`)?.address).toBe(name);
    expect(parseCandidate("1 1 tcp 1 10.0.0.1 9 typ host tcptype active")?.transport).toBe("tcp");
    expect(parseCandidate("1 1 udp 1 2001:DB8:0::1 5000 typ host")?.address).toBe("2001:db8::1");
    expect(
      parseCandidate("1 1 udp 1 198.51.100.7 5000 typ srflx raddr 10.0.0.1 rport 5000")?.type,
    ).toBe("srflx");
  });

  it.each([
    "candidate:1 1 udp 1 10.0.0.1 70000 typ host",
    "candidate:1 1 sctp 1 10.0.0.1 5000 typ host",
    "candidate:1 1 udp 1 10.0.0.1 5000 typ nonsense",
    "candidate:1 1 udp 1 10.0.0.1 5000",
    "candidate:1 1 udp 1 10.0.0.1\r\na=evil 5000 typ host",
    "candidate:1 -1 udp 1 10.0.0.1 5000 typ host",
    `candidate:1 1 udp 1 10.0.0.1 5000 typ host ${"x".repeat(2000)}`,
    "candidate:1 1 udp 1e3 10.0.0.1 5000 typ host",
  ])("refuses %j", (line) => {
    expect(() => parseCandidate(line)).toThrow(NegotiationError);
  });

  it("throws nothing but NegotiationError, whatever it is given", () => {
    const words = fc.constantFrom(
      "candidate:1",
      "1",
      "udp",
      "typ",
      "host",
      "::",
      "fe80::1%eth0",
      "0",
      "ufrag",
    );
    const line = fc.oneof(
      fc.string(),
      fc.array(words, { maxLength: 14 }).map((parts) => parts.join(" ")),
    );
    fc.assert(
      fc.property(line, (text) => {
        try {
          parseCandidate(text);
        } catch (error) {
          expect(error).toBeInstanceOf(NegotiationError);
        }
      }),
      { seed: 7, numRuns: 2000 },
    );
  });
});

describe("judgeAddress", () => {
  it.each(["192.168.1.34", "10.0.0.1", "203.0.113.5", "2001:db8::1", "fd12:3456::1", "100.64.0.9"])(
    "lets us send to %s",
    (address) => {
      expect(judgeAddress(address, 50000)).toBe("usable");
    },
  );

  it.each([
    "0.0.0.0",
    "0.1.2.3",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "169.254.1.1",
    "100.100.100.200",
    "224.0.0.251",
    "239.255.255.250",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "ff02::fb",
    "fd00:ec2::254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "example.com",
    "localhost",
  ])("never lets a stranger point us at %s", (address) => {
    expect(judgeAddress(address, 50000)).toBe("refused");
  });

  it.each([
    "::ffff:127.0.0.1",
    "::FFFF:7f00:1",
    "::ffff:169.254.169.254",
    "0:0:0:0:0:ffff:a9fe:a9fe",
  ])("sees through the IPv6 spelling %s", (address) => {
    expect(judgeAddress(address, 50000)).toBe("refused");
    expect(judgeAddress(canonicalAddress(address), 50000)).toBe("refused");
  });

  it("allows loopback only when we listen there", () => {
    expect(judgeAddress("127.0.0.1", 50000, { allowLoopback: true })).toBe("usable");
    expect(judgeAddress("::1", 50000, { allowLoopback: true })).toBe("usable");
    expect(judgeAddress("169.254.169.254", 50000, { allowLoopback: true })).toBe("refused");
  });

  it("refuses privileged ports, except the web's on public addresses", () => {
    expect(judgeAddress("203.0.113.5", 53)).toBe("refused");
    expect(judgeAddress("203.0.113.5", 0)).toBe("refused");
    expect(judgeAddress("203.0.113.5", 443)).toBe("usable");
    expect(judgeAddress("192.168.1.1", 443)).toBe("refused");
    expect(judgeAddress("127.0.0.1", 80, { allowLoopback: true })).toBe("refused");
  });

  it("leaves mDNS names unresolved", () => {
    expect(judgeAddress("8f3a7e0c.local", 50000)).toBe("unresolved");
  });
});

describe("judgeCandidate", () => {
  it("has no use for TCP and for a separate RTCP component", () => {
    expect(judgeCandidate(parseCandidate("1 1 tcp 1 10.0.0.1 9 typ host tcptype active")!)).toBe(
      "refused",
    );
    expect(judgeCandidate(parseCandidate("1 2 udp 1 10.0.0.1 5001 typ host")!)).toBe("refused");
    expect(judgeCandidate(parseCandidate("1 1 udp 1 10.0.0.1 5001 typ host")!)).toBe("usable");
  });
});
