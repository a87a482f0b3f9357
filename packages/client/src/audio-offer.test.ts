import { describe, expect, it } from "vitest";

import { extendAudioOffer } from "./audio-offer.ts";

const offer = (...lines: string[]): string =>
  ["v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", ...lines, "m=application 9 x", ""].join("\r\n");

const RTPMAP = "a=rtpmap:111 opus/48000/2";

describe("extendAudioOffer", () => {
  it("asks for lost packets and for two channels", () => {
    expect(extendAudioOffer(offer(RTPMAP, "a=fmtp:111 minptime=10;useinbandfec=1"))).toBe(
      offer(RTPMAP, "a=rtcp-fb:111 nack", "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1"),
    );
  });

  it("asks for nothing twice", () => {
    const once = extendAudioOffer(offer(RTPMAP, "a=fmtp:111 minptime=10"));
    expect(extendAudioOffer(once)).toBe(once);
  });

  it("leaves an offer without Opus as it is", () => {
    const sdp = offer("a=rtpmap:0 PCMU/8000");
    expect(extendAudioOffer(sdp)).toBe(sdp);
  });
});
