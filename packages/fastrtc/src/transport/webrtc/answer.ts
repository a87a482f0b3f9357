/** Writes the SDP answer (RFC 8829 section 5.3.1): pure text, from what was offered and what we have. */

import type { InspectedOffer, MediaDirection, OfferedSection } from "./offer.ts";

/** One candidate of ours. */
export interface LocalCandidate {
  readonly foundation: string;
  readonly priority: number;
  readonly address: string;
  readonly port: number;
  readonly type: string;
  readonly relatedAddress?: string;
  readonly relatedPort?: number;
}

/** What {@link writeAnswer} puts into an answer. */
export interface AnswerParameters {
  readonly sessionId: number;
  /** Goes up with each answer of a session. */
  readonly sessionVersion: number;
  readonly iceUfrag: string;
  readonly icePwd: string;
  /** SHA-256 of our certificate. */
  readonly fingerprint: string;
  readonly candidates: readonly LocalCandidate[];
  /** Whether we send audio, receive it, or both, when the offer lets us. */
  readonly audioDirection: "sendrecv" | "sendonly" | "recvonly";
  /** Whether we want to receive two channels, and may send them. */
  readonly stereo: boolean;
  readonly ssrc: number;
  readonly cname: string;
  /** Names of our stream and track, so that browsers give `ontrack` a stream. */
  readonly streamId: string;
  readonly trackId: string;
  /** The longest message that we take, in bytes. */
  readonly maxMessageSize: number;
}

/**
 * Intersects an offered direction with ours.
 *
 * @returns our direction, as it stands in the answer.
 */
export function answerDirection(
  offered: MediaDirection,
  ours: "sendrecv" | "sendonly" | "recvonly",
): MediaDirection {
  const sends = ours !== "recvonly" && (offered === "sendrecv" || offered === "recvonly");
  const receives = ours !== "sendonly" && (offered === "sendrecv" || offered === "sendonly");
  if (sends) return receives ? "sendrecv" : "sendonly";
  return receives ? "recvonly" : "inactive";
}

/** Writes the answer to an offer. */
export function writeAnswer(offer: InspectedOffer, parameters: AnswerParameters): string {
  const mids = offer.sections.flatMap((section) => (section.accepted ? (section.mid ?? []) : []));
  const lines = [
    "v=0",
    `o=- ${parameters.sessionId} ${parameters.sessionVersion} IN IP4 127.0.0.1`,
    "s=-",
    "t=0 0",
    `a=group:BUNDLE ${mids.join(" ")}`,
    `a=msid-semantic: WMS ${parameters.streamId}`,
  ];
  let isFirst = true;
  for (const section of offer.sections) {
    if (!section.accepted) {
      lines.push(...refusedSection(section));
      continue;
    }
    lines.push(
      ...(section.kind === "audio"
        ? audioSection(offer, parameters)
        : channelSection(section, parameters)),
    );
    lines.push(...transportLines(parameters, section.mid ?? "", isFirst));
    isFirst = false;
  }
  return `${lines.join("\r\n")}\r\n`;
}

function audioSection(offer: InspectedOffer, parameters: AnswerParameters): string[] {
  if (!offer.audio) return [];
  const { opus } = offer.audio;
  const direction = answerDirection(offer.audio.direction, parameters.audioDirection);
  const { ssrc, cname, streamId, trackId } = parameters;
  const stereo = parameters.stereo ? 1 : 0;
  const sends = direction === "sendrecv" || direction === "sendonly";
  return [
    `m=audio 9 UDP/TLS/RTP/SAVPF ${opus.payloadType}`,
    "c=IN IP4 0.0.0.0",
    `a=${direction}`,
    "a=rtcp-mux",
    `a=rtpmap:${opus.payloadType} opus/48000/2`,
    // What we want to receive, and may send (RFC 7587 section 7.1).
    `a=fmtp:${opus.payloadType} minptime=10;useinbandfec=1;stereo=${stereo};sprop-stereo=${stereo}`,
    ...(opus.nack ? [`a=rtcp-fb:${opus.payloadType} nack`] : []),
    ...(sends ? [`a=msid:${streamId} ${trackId}`, `a=ssrc:${ssrc} cname:${cname}`] : []),
  ];
}

function channelSection(section: OfferedSection, parameters: AnswerParameters): string[] {
  return [
    `m=application 9 ${section.protocol} webrtc-datachannel`,
    "c=IN IP4 0.0.0.0",
    "a=sctp-port:5000",
    `a=max-message-size:${parameters.maxMessageSize}`,
  ];
}

function transportLines(parameters: AnswerParameters, mid: string, isFirst: boolean): string[] {
  return [
    `a=mid:${mid}`,
    `a=ice-ufrag:${parameters.iceUfrag}`,
    `a=ice-pwd:${parameters.icePwd}`,
    `a=fingerprint:sha-256 ${parameters.fingerprint}`,
    "a=setup:passive",
    // Bundled sections share the first one's candidates (RFC 9143 section 7.3.3).
    ...(isFirst ? [...parameters.candidates.map(candidateLine), "a=end-of-candidates"] : []),
  ];
}

function candidateLine(candidate: LocalCandidate): string {
  const related =
    candidate.relatedAddress === undefined
      ? ""
      : ` raddr ${candidate.relatedAddress} rport ${candidate.relatedPort ?? 0}`;
  return `a=candidate:${candidate.foundation} 1 udp ${candidate.priority} ${candidate.address} ${candidate.port} typ ${candidate.type}${related}`;
}

function refusedSection(section: OfferedSection): string[] {
  return [
    `m=${section.kind} 0 ${section.protocol} ${section.formats}`,
    "c=IN IP4 0.0.0.0",
    "a=inactive",
    ...(section.mid === undefined ? [] : [`a=mid:${section.mid}`]),
  ];
}
