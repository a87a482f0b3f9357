/**
 * Remote ICE candidates: reads the lines that strangers post, and decides which of the addresses in
 * them we may send to.
 *
 * In goes text from signaling, out come parsed candidates and verdicts; the offer inspection and
 * the backend call it.
 */

import { BlockList, isIP, SocketAddress } from "node:net";
import { NegotiationError } from "../../errors.ts";

/** A remote candidate, read but not yet judged (RFC 8839 section 5.1). */
export interface RemoteCandidate {
  readonly foundation: string;
  /** 1 for RTP, 2 for RTCP; with rtcp-mux only 1 matters. */
  readonly component: number;
  readonly transport: "udp" | "tcp";
  readonly priority: number;
  /** An IP address in canonical form, an mDNS name, or a host name. */
  readonly address: string;
  readonly port: number;
  readonly type: "host" | "srflx" | "prflx" | "relay";
  /** Which ICE generation it belongs to, where the line says so. */
  readonly usernameFragment?: string;
}

const MAX_LINE_LENGTH = 1024;
const CANDIDATE_TYPES = new Set<string>(["host", "srflx", "prflx", "relay"]);
const NUMBER = /^\d{1,10}$/;
const FOUNDATION = /^[A-Za-z0-9+/]{1,32}$/;
const ADDRESS = /^[A-Za-z0-9.:_-]{1,253}$/;

/**
 * Reads one candidate line, with or without a leading `a=` or `candidate:`.
 *
 * Takes Firefox's eight tokens as well as Chromium's longer lines; unknown extensions are skipped.
 *
 * @param line - What the client sent.
 * @returns undefined for the empty line that says that no more candidates come.
 * @throws {@link NegotiationError} when it is not a candidate.
 */
export function parseCandidate(line: string): RemoteCandidate | undefined {
  const text = withoutPrefix(line);
  if (text === "" || text === "end-of-candidates") return undefined;
  if (text.length > MAX_LINE_LENGTH) {
    throw malformed(`the line is longer than ${MAX_LINE_LENGTH} characters`);
  }
  const [foundation, component, transport, priority, address, port, typ, type, ...extensions] =
    text.split(/ +/);
  const protocol = transport?.toLowerCase();
  if (foundation === undefined || !FOUNDATION.test(foundation)) throw malformed("bad foundation");
  if (protocol !== "udp" && protocol !== "tcp")
    throw malformed("the transport is neither udp nor tcp");
  if (address === undefined || !ADDRESS.test(address)) throw malformed("bad address");
  if (typ !== "typ" || type === undefined || !CANDIDATE_TYPES.has(type))
    throw malformed("bad type");
  const usernameFragment = extension(extensions, "ufrag");
  return {
    foundation,
    component: integer(component, 1, 256, "component"),
    transport: protocol,
    priority: integer(priority, 0, 0xffff_ffff, "priority"),
    address: canonicalAddress(address),
    port: integer(port, 0, 0xffff, "port"),
    type: type as RemoteCandidate["type"],
    ...(usernameFragment !== undefined && { usernameFragment }),
  };
}

/** What may be done with a remote address. */
export type CandidateVerdict =
  /** Packets may go there. */
  | "usable"
  /** A name: it is not looked up; its owner's own checks reveal the address (peer-reflexive). */
  | "unresolved"
  /** Nothing may ever be sent there on a stranger's word. */
  | "refused";

/** Decides which addresses a stranger may make us send to. */
export interface CandidatePolicyOptions {
  /**
   * Whether loopback addresses are usable; right only when our own HTTP server listens on loopback.
   *
   * @defaultValue false
   */
  readonly allowLoopback?: boolean;
}

// Where a stranger must not point our packets: this host, this link, everybody, and the metadata
// services of clouds. Tunnels that carry an IPv4 address inside an IPv6 one (NAT64, 6to4, Teredo)
// would lead around the list. Private networks are fine: people develop on them.
const FORBIDDEN = new BlockList();
FORBIDDEN.addSubnet("0.0.0.0", 8, "ipv4");
FORBIDDEN.addSubnet("169.254.0.0", 16, "ipv4");
FORBIDDEN.addSubnet("224.0.0.0", 4, "ipv4");
FORBIDDEN.addSubnet("240.0.0.0", 4, "ipv4");
FORBIDDEN.addAddress("100.100.100.200", "ipv4");
FORBIDDEN.addAddress("::", "ipv6");
FORBIDDEN.addSubnet("fe80::", 10, "ipv6");
FORBIDDEN.addSubnet("fec0::", 10, "ipv6");
FORBIDDEN.addSubnet("ff00::", 8, "ipv6");
FORBIDDEN.addAddress("fd00:ec2::254", "ipv6");
FORBIDDEN.addSubnet("64:ff9b::", 96, "ipv6");
FORBIDDEN.addSubnet("64:ff9b:1::", 48, "ipv6");
FORBIDDEN.addSubnet("2002::", 16, "ipv6");
FORBIDDEN.addSubnet("2001::", 32, "ipv6");

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

const PRIVATE = new BlockList();
PRIVATE.addSubnet("10.0.0.0", 8, "ipv4");
PRIVATE.addSubnet("172.16.0.0", 12, "ipv4");
PRIVATE.addSubnet("192.168.0.0", 16, "ipv4");
PRIVATE.addSubnet("100.64.0.0", 10, "ipv4");
PRIVATE.addSubnet("fc00::", 7, "ipv6");

/**
 * Tells whether an address is one of this machine's own that never leave it.
 *
 * @param address - An IP address in any form, or a name.
 */
export function isLoopbackAddress(address: string): boolean {
  const canonical = canonicalAddress(address);
  const version = isIP(canonical);
  return version !== 0 && LOOPBACK.check(canonical, version === 4 ? "ipv4" : "ipv6");
}

/**
 * Judges an address that a stranger wants us to send to.
 *
 * @param address - An IP address in canonical form, or a name.
 * @param port - The UDP port.
 */
export function judgeAddress(
  address: string,
  port: number,
  options: CandidatePolicyOptions = {},
): CandidateVerdict {
  const version = isIP(address);
  if (version === 0) return address.toLowerCase().endsWith(".local") ? "unresolved" : "refused";
  const family = version === 4 ? "ipv4" : "ipv6";
  const isLoopback = LOOPBACK.check(address, family);
  if (FORBIDDEN.check(address, family)) return "refused";
  if (isLoopback && options.allowLoopback !== true) return "refused";
  // The rule of browsers themselves: below 1024 live DNS, NTP, SNMP and their like; only the two web
  // ports are known to carry media, through relays on the public internet.
  if (port >= 1024) return "usable";
  const isWebPort = port === 80 || port === 443;
  return isWebPort && !isLoopback && !PRIVATE.check(address, family) ? "usable" : "refused";
}

/**
 * Judges a candidate: its address, and whether it is of a kind that we can send to at all.
 *
 * @param candidate - From {@link parseCandidate}.
 */
export function judgeCandidate(
  candidate: RemoteCandidate,
  options: CandidatePolicyOptions = {},
): CandidateVerdict {
  if (candidate.transport !== "udp" || candidate.component !== 1) return "refused";
  return judgeAddress(candidate.address, candidate.port, options);
}

/**
 * Writes an IP address in the one form in which addresses are compared: IPv6 compressed and in lower
 * case, IPv4 out of its IPv6 mapping. Names come back as they are.
 *
 * @param address - An address or a name.
 */
export function canonicalAddress(address: string): string {
  if (isIP(address) !== 6) return address;
  const { address: canonical } = new SocketAddress({ address, family: "ipv6" });
  const mapped = /^::ffff:([\d.]+)$/.exec(canonical)?.[1];
  return mapped ?? canonical;
}

function withoutPrefix(line: string): string {
  let text = line.trim();
  if (text.startsWith("a=")) text = text.slice(2);
  if (text.startsWith("candidate:")) text = text.slice("candidate:".length);
  return text.trim();
}

function extension(tokens: readonly string[], name: string): string | undefined {
  for (let index = 0; index + 1 < tokens.length; index += 2) {
    if (tokens[index] === name) return tokens[index + 1];
  }
  return undefined;
}

function integer(text: string | undefined, low: number, high: number, name: string): number {
  const value = text !== undefined && NUMBER.test(text) ? Number(text) : NaN;
  if (!(value >= low && value <= high)) throw malformed(`bad ${name}`);
  return value;
}

function malformed(detail: string): NegotiationError {
  return new NegotiationError(
    `Malformed ICE candidate: ${detail}. Send the line of RTCIceCandidate.candidate unchanged.`,
    { reason: "invalid_candidate_format" },
  );
}
