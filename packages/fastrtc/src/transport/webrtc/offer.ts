/**
 * Looks at an SDP offer before anything is allocated for it.
 *
 * In goes the text that a stranger posted, out comes the little that the answer and the transport
 * need, or a refusal. Signaling and the backend call it.
 */

import { NegotiationError } from "../../errors.ts";
import { parseCandidate, type RemoteCandidate } from "./candidate.ts";

/** A direction as SDP writes it, seen from the one who offers. */
export type MediaDirection = "sendrecv" | "sendonly" | "recvonly" | "inactive";

/** One m-line of an offer, reduced to what an answer must repeat. */
export interface OfferedSection {
  readonly kind: string;
  /** The transport protocol, repeated in the answer. */
  readonly protocol: string;
  /** The formats, repeated when the section is refused. */
  readonly formats: string;
  readonly mid: string | undefined;
  /** Whether it is answered, or refused with port 0. */
  readonly accepted: boolean;
}

/** How Opus is offered. */
export interface OfferedOpus {
  readonly payloadType: number;
  /** The offerer wants to hear stereo. */
  readonly stereo: boolean;
  /** The offerer allows discontinuous transmission. */
  readonly usedtx: boolean;
  /** Longest packet in milliseconds that the offerer takes, where it says so. */
  readonly maxptimeMs: number | undefined;
  /** The offerer resends audio on request, and takes resent audio (RFC 4585). */
  readonly nack: boolean;
}

/** What an offer asks for. */
export interface InspectedOffer {
  /** All m-lines, in order. */
  readonly sections: readonly OfferedSection[];
  /** The audio that is accepted; undefined when there is none. */
  readonly audio:
    | { readonly mid: string; readonly direction: MediaDirection; readonly opus: OfferedOpus }
    | undefined;
  /** The data channel that is accepted; undefined when there is none. */
  readonly channel:
    { readonly mid: string; readonly port: number; readonly maxMessageSize: number } | undefined;
  readonly iceUfrag: string;
  readonly icePwd: string;
  readonly iceLite: boolean;
  /** The certificate that DTLS must show; any of them (RFC 8122 section 5). */
  readonly fingerprints: readonly { readonly algorithm: string; readonly value: string }[];
  /** Candidates over UDP, at most 30, each once. */
  readonly candidates: readonly RemoteCandidate[];
}

/** Decides what {@link inspectOffer} accepts. */
export interface InspectOfferOptions {
  /**
   * Whether offered tracks that nobody wants (a second audio track, video) are left out of the answer
   * instead of failing the offer.
   *
   * @defaultValue false
   */
  readonly allowExtraTracks?: boolean;
}

const MAX_SDP_LENGTH = 64 * 1024;
const MAX_SECTIONS = 32;
const MAX_CANDIDATES = 30;
const MAX_FINGERPRINTS = 8;
/** What SCTP allows when the offer does not say (RFC 8841 section 6.1). */
const DEFAULT_MAX_MESSAGE_SIZE = 65_536;
const TOKEN = /^[!#$%&'*+\-.^_`{|}~A-Za-z0-9]{1,64}$/;
const ICE_UFRAG = /^[A-Za-z0-9+/]{4,256}$/;
const ICE_PWD = /^[A-Za-z0-9+/]{22,256}$/;
const MEDIA_LINE =
  /^(audio|video|application|text|message|image) \d{1,5}(?:\/\d{1,5})? ([A-Za-z0-9/]{1,32}) ([ -~]{1,1024})$/;
const HASHES = new Set(["sha-256", "sha-384", "sha-512"]);

interface Section {
  readonly kind: string;
  readonly protocol: string;
  readonly formats: string;
  readonly attributes: Map<string, string[]>;
}

/**
 * Checks an offer and tells what it asks for.
 *
 * @param sdp - What the client posted as `sdp`.
 * @throws {@link NegotiationError} with status 400, 413 or 415 when it cannot be answered.
 */
export function inspectOffer(sdp: unknown, options: InspectOfferOptions = {}): InspectedOffer {
  if (typeof sdp !== "string") throw refusal("the field sdp is not a string");
  if (sdp.length > MAX_SDP_LENGTH) {
    throw refusal(`it is longer than ${MAX_SDP_LENGTH} characters`, 413);
  }
  const { session, sections } = parseSections(sdp);
  const bundle = bundledMids(session);
  const audio = sections.find((section) => section.kind === "audio" && isOffered(section));
  const channel = sections.find((section) => section.protocol.endsWith("DTLS/SCTP"));
  if (!audio && !channel) throw refusal("it has neither audio nor a data channel");
  if (options.allowExtraTracks !== true) refuseExtraTracks(sections, audio);

  const first =
    audio && channel
      ? sections.find((section) => section === audio || section === channel)
      : (audio ?? channel);
  // One path carries all: a section outside the first one's bundle has no path of ours.
  const inBundle = (section: Section | undefined): section is Section =>
    section !== undefined &&
    (section === first || (isBundled(section, bundle) && isBundled(first, bundle)));
  const opus = inBundle(audio) ? offeredOpus(audio) : undefined;
  const usesAudio = opus !== undefined;
  const usesChannel = inBundle(channel);
  const value = (name: string): string | undefined =>
    attribute(first, name) ?? attribute(session, name);

  if (value("setup") === "passive") {
    throw refusal("it wants us to open DTLS; offer a=setup:actpass, as browsers do");
  }
  const iceUfrag = value("ice-ufrag");
  const icePwd = value("ice-pwd");
  if (
    iceUfrag === undefined ||
    icePwd === undefined ||
    !ICE_UFRAG.test(iceUfrag) ||
    !ICE_PWD.test(icePwd)
  ) {
    throw refusal("it has no ICE credentials (a=ice-ufrag and a=ice-pwd)");
  }
  return {
    sections: sections.map((section) => ({
      kind: section.kind,
      protocol: section.protocol,
      formats: section.formats,
      mid: section.attributes.has("mid") ? midOf(section) : undefined,
      accepted: (section === audio && usesAudio) || (section === channel && usesChannel),
    })),
    audio:
      opus && audio
        ? { mid: midOf(audio), direction: directionOf(audio, session), opus }
        : undefined,
    channel: usesChannel ? offeredChannel(channel) : undefined,
    iceUfrag,
    icePwd,
    iceLite: session.attributes.has("ice-lite"),
    fingerprints: fingerprintsOf(first, session),
    candidates: candidatesOf(sections),
  };
}

function parseSections(sdp: string): { session: Section; sections: Section[] } {
  const lines = sdp.split(/\r\n|\n|\r/);
  if (lines[0] !== "v=0") throw refusal("it does not begin with v=0");
  const session: Section = { kind: "session", protocol: "", formats: "", attributes: new Map() };
  const sections: Section[] = [];
  let current = session;
  for (const line of lines) {
    if (line.startsWith("m=")) {
      const [, kind, protocol, formats] = MEDIA_LINE.exec(line.slice(2)) ?? [];
      if (kind === undefined || protocol === undefined || formats === undefined) {
        throw refusal("it has a malformed m= line");
      }
      if (sections.length >= MAX_SECTIONS)
        throw refusal(`it has more than ${MAX_SECTIONS} m= lines`);
      current = { kind, protocol, formats, attributes: new Map() };
      sections.push(current);
    } else if (line.startsWith("a=")) {
      const colon = line.indexOf(":");
      const name = colon < 0 ? line.slice(2) : line.slice(2, colon);
      const values = current.attributes.get(name) ?? [];
      values.push(colon < 0 ? "" : line.slice(colon + 1).trim());
      current.attributes.set(name, values);
    }
  }
  return { session, sections };
}

function refuseExtraTracks(sections: readonly Section[], audio: Section | undefined): void {
  for (const section of sections) {
    const isTrack = (section.kind === "audio" || section.kind === "video") && section !== audio;
    if (isTrack && isOffered(section) && isSending(section)) {
      throw refusal(
        `it has a track of kind ${section.kind} that this stream does not take; leave it out, or set allowExtraTracks`,
        415,
      );
    }
  }
}

function isOffered(section: Section): boolean {
  return section.attributes.has("mid") && !section.attributes.has("inactive");
}

function isSending(section: Section): boolean {
  return !section.attributes.has("recvonly") && !section.attributes.has("inactive");
}

function offeredOpus(section: Section): OfferedOpus {
  if (section.protocol !== "UDP/TLS/RTP/SAVPF") {
    throw refusal(`its audio is offered as ${section.protocol}; only UDP/TLS/RTP/SAVPF is taken`);
  }
  if (!section.attributes.has("rtcp-mux")) throw refusal("its audio lacks a=rtcp-mux");
  const map = section.attributes
    .get("rtpmap")
    ?.map((text) => /^(\d{1,3}) opus\/48000\/2$/i.exec(text)?.[1])
    .find((text) => text !== undefined);
  const payloadType = Number(map);
  if (map === undefined || payloadType > 127)
    throw refusal("its audio does not offer opus/48000/2", 415);
  const parameters = formatParameters(section, map);
  const maxptime = Number(parameters.get("maxptime") ?? attribute(section, "maxptime"));
  return {
    payloadType,
    stereo: parameters.get("stereo") === "1",
    usedtx: parameters.get("usedtx") === "1",
    maxptimeMs: maxptime >= 3 && maxptime <= 120 ? maxptime : undefined,
    nack: (section.attributes.get("rtcp-fb") ?? []).some(
      (text) => text === `${map} nack` || text === "* nack",
    ),
  };
}

function formatParameters(section: Section, payloadType: string): Map<string, string> {
  const line = section.attributes.get("fmtp")?.find((text) => text.startsWith(`${payloadType} `));
  const parameters = new Map<string, string>();
  for (const pair of line?.slice(payloadType.length + 1).split(";") ?? []) {
    const [name = "", text = ""] = pair.split("=");
    parameters.set(name.trim().toLowerCase(), text.trim());
  }
  return parameters;
}

function offeredChannel(section: Section): { mid: string; port: number; maxMessageSize: number } {
  const port = Number(attribute(section, "sctp-port") ?? 5000);
  if (!Number.isInteger(port) || port < 1 || port > 0xffff)
    throw refusal("its a=sctp-port is not a port");
  const size = Number(attribute(section, "max-message-size") ?? DEFAULT_MAX_MESSAGE_SIZE);
  // Zero means that the offerer takes messages of any size (RFC 8841 section 6.1).
  return { mid: midOf(section), port, maxMessageSize: size > 0 ? size : Infinity };
}

function fingerprintsOf(
  section: Section | undefined,
  session: Section,
): InspectedOffer["fingerprints"] {
  const lines =
    section?.attributes.get("fingerprint") ?? session.attributes.get("fingerprint") ?? [];
  const fingerprints = lines.slice(0, MAX_FINGERPRINTS).flatMap((line) => {
    const [algorithm = "", value = ""] = line.split(/ +/);
    const hash = algorithm.toLowerCase();
    const isHex = /^[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){31,63}$/.test(value);
    return HASHES.has(hash) && isHex ? [{ algorithm: hash, value: value.toUpperCase() }] : [];
  });
  if (fingerprints.length === 0) throw refusal("it has no a=fingerprint of sha-256 or longer");
  return fingerprints;
}

// One path needs one component over UDP; the rest (TCP, a separate RTCP port, the copies that each
// bundled section repeats) is left out. A line that we cannot read is one path less, no reason to
// refuse a caller.
function candidatesOf(sections: readonly Section[]): RemoteCandidate[] {
  const lines = new Set(sections.flatMap((section) => section.attributes.get("candidate") ?? []));
  if (lines.size > MAX_CANDIDATES) throw refusal(`it has more than ${MAX_CANDIDATES} candidates`);
  const candidates = new Map<string, RemoteCandidate>();
  for (const line of lines) {
    const candidate = readCandidate(line);
    if (candidate?.transport !== "udp" || candidate.component !== 1) continue;
    candidates.set(`${candidate.address} ${candidate.port}`, candidate);
  }
  return [...candidates.values()];
}

function readCandidate(line: string): RemoteCandidate | undefined {
  try {
    return parseCandidate(line);
  } catch {
    return undefined;
  }
}

function bundledMids(session: Section): Set<string> {
  const group = session.attributes.get("group")?.find((text) => text.startsWith("BUNDLE"));
  return new Set(group?.split(/ +/).slice(1));
}

function isBundled(section: Section | undefined, bundle: ReadonlySet<string>): boolean {
  return bundle.has(attribute(section, "mid") ?? "");
}

function directionOf(section: Section, session: Section): MediaDirection {
  const all = ["sendrecv", "sendonly", "recvonly", "inactive"] as const;
  const own = all.find((name) => section.attributes.has(name));
  return own ?? all.find((name) => session.attributes.has(name)) ?? "sendrecv";
}

function midOf(section: Section): string {
  const mid = attribute(section, "mid");
  if (mid === undefined || !TOKEN.test(mid)) throw refusal("a section of it lacks a=mid");
  return mid;
}

function attribute(section: Section | undefined, name: string): string | undefined {
  return section?.attributes.get(name)?.[0];
}

function refusal(detail: string, status = 400): NegotiationError {
  return new NegotiationError(`The offer cannot be answered: ${detail}.`, { status });
}
