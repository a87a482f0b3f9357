import { describe, expect, it } from "vitest";
import { answerDirection, writeAnswer, type AnswerParameters } from "./answer.ts";
import type { InspectedOffer } from "./offer.ts";

const PARAMETERS: AnswerParameters = {
  sessionId: 7,
  sessionVersion: 1,
  iceUfrag: "abcd1234",
  icePwd: "abcdefghijklmnopqrstuvwx",
  fingerprint: "AA:BB",
  candidates: [{ foundation: "f", priority: 9, address: "192.0.2.2", port: 5000, type: "host" }],
  audioDirection: "sendrecv",
  stereo: false,
  ssrc: 42,
  cname: "cname",
  streamId: "stream",
  trackId: "track",
  maxMessageSize: 65_536,
};

const OFFER: InspectedOffer = {
  sections: [
    { kind: "audio", protocol: "UDP/TLS/RTP/SAVPF", formats: "111 0", mid: "a", accepted: true },
    { kind: "video", protocol: "UDP/TLS/RTP/SAVPF", formats: "96", mid: "v", accepted: false },
    {
      kind: "application",
      protocol: "UDP/DTLS/SCTP",
      formats: "webrtc-datachannel",
      mid: "d",
      accepted: true,
    },
  ],
  audio: {
    mid: "a",
    direction: "sendrecv",
    opus: { payloadType: 111, stereo: false, usedtx: false, maxptimeMs: undefined, nack: false },
  },
  channel: { mid: "d", port: 5000, maxMessageSize: 1000 },
  iceUfrag: "remote",
  icePwd: "remote",
  iceLite: false,
  fingerprints: [],
  candidates: [],
};

describe("answerDirection", () => {
  it.each([
    ["sendrecv", "sendrecv", "sendrecv"],
    ["sendrecv", "recvonly", "recvonly"],
    ["sendonly", "sendrecv", "recvonly"],
    ["recvonly", "sendrecv", "sendonly"],
    ["recvonly", "recvonly", "inactive"],
    ["inactive", "sendrecv", "inactive"],
  ] as const)("answers %s with %s as %s", (offered, ours, answered) => {
    expect(answerDirection(offered, ours)).toBe(answered);
  });
});

describe("writeAnswer", () => {
  const lines = writeAnswer(OFFER, PARAMETERS).split("\r\n");

  it("answers every m-line in order, and those that it refuses with port 0", () => {
    expect(lines.filter((line) => line.startsWith("m="))).toEqual([
      "m=audio 9 UDP/TLS/RTP/SAVPF 111",
      "m=video 0 UDP/TLS/RTP/SAVPF 96",
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    ]);
    expect(lines).toContain("a=group:BUNDLE a d");
  });

  it("tells the candidates once, in the first section of the bundle", () => {
    expect(lines.filter((line) => line.startsWith("a=candidate:"))).toEqual([
      "a=candidate:f 1 udp 9 192.0.2.2 5000 typ host",
    ]);
  });

  it("names stream and track, so that ontrack has a stream", () => {
    expect(lines).toContain("a=msid:stream track");
  });

  it("names neither when it sends nothing", () => {
    const text = writeAnswer(OFFER, { ...PARAMETERS, audioDirection: "recvonly" });
    expect(text).toContain("a=recvonly");
    expect(text).not.toContain("a=msid:");
  });

  it("asks for error correction", () => {
    expect(lines).toContain("a=fmtp:111 minptime=10;useinbandfec=1;stereo=0;sprop-stereo=0");
  });
});
