/**
 * Who the client is behind reverse proxies, and how it reached us: `X-Forwarded-*`, believed only
 * from proxies that the application trusts, because every client can write these headers.
 */

import { BlockList, isIP } from "node:net";

import { InvalidOptionError } from "../errors.ts";
import type { RequestInfo } from "./stream-service.ts";

/**
 * Which proxies in front of the server are believed: how many of them there are, or their
 * addresses, such as `["10.0.0.0/8", "loopback"]`. `"loopback"` and `"private"` name the usual ranges.
 */
export type TrustProxy = number | readonly string[];

const NAMED_RANGES: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.0/8", "::1/128"],
  private: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
};

/** Longest chain of proxies that is read. */
const MAX_HOPS = 32;

/** The address at the other end of the socket. */
type ReachedFrom = Pick<RequestInfo, "remoteAddress">;

/** Reads what trusted proxies say. */
export class TrustedProxies {
  readonly #hops: number;
  readonly #addresses: BlockList | undefined;

  /**
   * @param trust - Undefined trusts nobody.
   * @throws {@link InvalidOptionError} when it is neither a number nor a list of addresses.
   */
  constructor(trust: TrustProxy | undefined) {
    this.#hops = typeof trust === "number" ? checkHops(trust) : 0;
    this.#addresses = typeof trust === "object" ? blockList(trust) : undefined;
    if (trust !== undefined && typeof trust !== "number" && typeof trust !== "object") {
      throw invalid(trust);
    }
  }

  /** Finds the client's address. */
  clientAddress({ headers }: Request, { remoteAddress }: ReachedFrom): string | undefined {
    const chain = (headers.get("x-forwarded-for") ?? "").split(",").slice(-MAX_HOPS);
    let address = remoteAddress;
    let hops = 0;
    while (address !== undefined && this.#trusts(address, hops++)) {
      const before = withoutPort(chain.pop()?.trim() ?? "");
      if (isIP(before) === 0) break;
      address = before;
    }
    return address;
  }

  /**
   * Finds the origin that the client asked for, such as `https://voice.example.com`.
   *
   * @returns undefined where no trusted proxy says it.
   */
  publicOrigin({ headers }: Request, { remoteAddress }: ReachedFrom): string | undefined {
    if (remoteAddress === undefined || !this.#trusts(remoteAddress, 0)) return undefined;
    const protocol = lastOf(headers.get("x-forwarded-proto"));
    const host = lastOf(headers.get("x-forwarded-host")) ?? headers.get("host") ?? undefined;
    if ((protocol !== "https" && protocol !== "http") || host === undefined) return undefined;
    const origin = `${protocol}://${host}`;
    return URL.canParse(origin) && new URL(origin).host === host.toLowerCase() ? origin : undefined;
  }

  #trusts(address: string, hops: number): boolean {
    if (!this.#addresses) return hops < this.#hops;
    // A dual-stack socket names IPv4 peers this way (RFC 4291 section 2.5.5.2).
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
    const version = isIP(plain);
    return version !== 0 && this.#addresses.check(plain, version === 4 ? "ipv4" : "ipv6");
  }
}

// Each proxy appends; what the nearest one wrote stands last.
function lastOf(header: string | null): string | undefined {
  return header?.split(",").at(-1)?.trim().toLowerCase();
}

function withoutPort(address: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(address)?.[1];
  if (bracketed !== undefined) return bracketed;
  return /^\d+\.\d+\.\d+\.\d+:\d+$/.test(address)
    ? address.slice(0, address.indexOf(":"))
    : address;
}

function checkHops(hops: number): number {
  if (Number.isInteger(hops) && hops >= 0 && hops <= MAX_HOPS) return hops;
  throw invalid(hops);
}

function blockList(trust: readonly string[]): BlockList {
  const list = new BlockList();
  if (!Array.isArray(trust) || trust.some((entry) => typeof entry !== "string")) {
    throw invalid(trust);
  }
  for (const entry of (trust as readonly string[]).flatMap((name) => NAMED_RANGES[name] ?? name)) {
    const [address = "", prefix] = entry.split("/");
    const version = isIP(address);
    const family = version === 4 ? "ipv4" : "ipv6";
    const bits = prefix === undefined ? (version === 4 ? 32 : 128) : Number(prefix);
    if (version === 0 || !Number.isInteger(bits) || bits < 0 || bits > (version === 4 ? 32 : 128)) {
      throw invalid(trust);
    }
    list.addSubnet(address, bits, family);
  }
  return list;
}

function invalid(value: unknown): InvalidOptionError {
  return new InvalidOptionError(
    "trustProxy",
    value,
    'Give the number of proxies in front of the server, or their addresses, such as ["10.0.0.0/8"] or ["loopback"].',
  );
}
