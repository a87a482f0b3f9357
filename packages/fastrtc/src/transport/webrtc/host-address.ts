/** Which of this machine's addresses are offered to clients. */

import type { NetworkInterfaceInfo } from "node:os";

// Ends of tunnels into virtual machines and containers: nobody outside can reach them.
const SKIPPED_INTERFACES = /^(?:veth|vmnet|vnic|vboxnet)/;
/** Each address costs a socket per session and a candidate per answer. */
const MAX_ADDRESSES = 8;

/**
 * Picks the addresses that get a socket, IPv4 first.
 *
 * Where there is no network at all, loopback is what is left, so that a browser on the same machine
 * still connects.
 *
 * @param interfaces - What `os.networkInterfaces()` says.
 * @param includeLoopback - Whether loopback is picked too.
 */
export function pickHostAddresses(
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
  includeLoopback: boolean,
): string[] {
  const infos = Object.entries(interfaces)
    .filter(([name]) => !SKIPPED_INTERFACES.test(name))
    .flatMap(([, list]) => list ?? []);
  const reachable = infos
    .filter((info) => !info.internal && !isLinkLocal(info.address))
    .sort((a, b) => a.family.localeCompare(b.family))
    .map((info) => info.address);
  const picked = [...new Set(reachable)].slice(0, MAX_ADDRESSES);
  if (!includeLoopback && picked.length > 0) return picked;
  const loopback = infos.filter((info) => info.internal && isLoopback(info.address));
  const addresses = loopback.map((info) => info.address).sort((a) => (a === "127.0.0.1" ? -1 : 1));
  return [...picked, ...(addresses.length > 0 ? addresses : ["127.0.0.1"])];
}

/** Tells whether an address is one of the two that {@link pickHostAddresses} knows as loopback. */
export function isLoopback(address: string): boolean {
  return address === "127.0.0.1" || address === "::1";
}

function isLinkLocal(address: string): boolean {
  return address.startsWith("169.254.") || /^fe[89ab]/i.test(address);
}
