import type { NetworkInterfaceInfo } from "node:os";
import { describe, expect, it } from "vitest";
import { pickHostAddresses } from "./host-address.ts";

function info(address: string, internal = false): NetworkInterfaceInfo {
  const base = { address, netmask: "", mac: "", internal, cidr: null };
  return address.includes(":")
    ? { ...base, family: "IPv6", scopeid: 0 }
    : { ...base, family: "IPv4" };
}

const LOOPBACK = [info("127.0.0.1", true), info("::1", true)];

describe("pickHostAddresses", () => {
  it("takes the reachable addresses, IPv4 first, and leaves loopback and link-local out", () => {
    const eth0 = [info("fd00::2"), info("fe80::1"), info("192.0.2.2"), info("169.254.3.4")];
    expect(pickHostAddresses({ lo: LOOPBACK, eth0 }, false)).toEqual(["192.0.2.2", "fd00::2"]);
  });

  it("adds loopback when asked", () => {
    expect(pickHostAddresses({ lo: LOOPBACK, eth0: [info("192.0.2.2")] }, true)).toEqual([
      "192.0.2.2",
      "127.0.0.1",
      "::1",
    ]);
  });

  it("falls back to loopback where there is no network", () => {
    expect(pickHostAddresses({ lo: LOOPBACK }, false)).toEqual(["127.0.0.1", "::1"]);
    expect(pickHostAddresses({}, false)).toEqual(["127.0.0.1"]);
  });

  it("leaves out the ends of container links", () => {
    expect(
      pickHostAddresses({ veth1: [info("10.9.9.9")], eth0: [info("192.0.2.2")] }, false),
    ).toEqual(["192.0.2.2"]);
  });

  it("takes at most eight addresses", () => {
    const many = Array.from({ length: 20 }, (_, index) => info(`10.0.0.${index + 1}`));
    expect(pickHostAddresses({ eth0: many }, false)).toHaveLength(8);
  });
});
