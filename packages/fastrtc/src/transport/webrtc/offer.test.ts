import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NegotiationError } from "../../errors.ts";
import { inspectOffer } from "./offer.ts";

const FINGERPRINT = `sha-256 ${new Array<string>(32).fill("5A").join(":")}`;
const TRANSPORT = [
  "a=ice-ufrag:gMSK",
  "a=ice-pwd:exdoluqyB2M1H1Oa7AaSEuUl",
  "a=ice-options:trickle",
  `a=fingerprint:${FINGERPRINT}`,
  "a=setup:actpass",
];
const SESSION = ["v=0", "o=- 4203954079403398176 2 IN IP4 127.0.0.1", "s=-", "t=0 0"];
const AUDIO = [
  "m=audio 58499 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126",
  "c=IN IP4 192.0.2.2",
  "a=rtcp:9 IN IP4 0.0.0.0",
  "a=candidate:4290527134 1 udp 2122194687 192.0.2.2 58499 typ host generation 0 network-id 1",
  "a=candidate:18279178 1 tcp 1518214911 192.0.2.2 9 typ host tcptype active generation 0",
  ...TRANSPORT,
  "a=mid:0",
  "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
  "a=sendrecv",
  "a=msid:stream track",
  "a=rtcp-mux",
  "a=rtpmap:111 opus/48000/2",
  "a=rtcp-fb:111 transport-cc",
  "a=fmtp:111 minptime=10;useinbandfec=1",
  "a=rtpmap:63 red/48000/2",
  "a=rtpmap:110 telephone-event/48000",
];
const CHANNEL = [
  "m=application 47768 UDP/DTLS/SCTP webrtc-datachannel",
  "c=IN IP4 192.0.2.2",
  "a=candidate:4290527134 1 udp 2122194687 192.0.2.2 47768 typ host generation 0 network-id 1",
  ...TRANSPORT,
  "a=mid:1",
  "a=sctp-port:5000",
  "a=max-message-size:262144",
];
const VIDEO = [
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "c=IN IP4 0.0.0.0",
  ...TRANSPORT,
  "a=mid:2",
  "a=sendrecv",
  "a=rtcp-mux",
  "a=rtpmap:96 VP8/90000",
];

function sdp(...lines: readonly (readonly string[])[]): string {
  return `${lines.flat().join("\r\n")}\r\n`;
}

const CHROMIUM = sdp(
  SESSION,
  ["a=group:BUNDLE 0 1", "a=msid-semantic: WMS stream"],
  AUDIO,
  CHANNEL,
);
// Firefox: one fingerprint for all at the session level, other payload types, mDNS and both components.
const FIREFOX = sdp(
  ["v=0", "o=mozilla...THIS_IS_SDPARTA-99.0 123 0 IN IP4 0.0.0.0", "s=-", "t=0 0"],
  [
    `a=fingerprint:${FINGERPRINT}`,
    "a=group:BUNDLE 0 1",
    "a=ice-options:trickle",
    "a=msid-semantic:WMS *",
  ],
  ["m=audio 43983 UDP/TLS/RTP/SAVPF 109 9 0 8 101", "c=IN IP4 0.0.0.0"],
  ["a=candidate:0 1 UDP 2122187007 f7ba7254-2039-4879-856d-3e468364675f.local 43983 typ host"],
  ["a=candidate:0 2 UDP 2122187006 f7ba7254-2039-4879-856d-3e468364675f.local 57834 typ host"],
  ["a=sendrecv", "a=end-of-candidates", "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level"],
  ["a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1", "a=fmtp:101 0-15"],
  ["a=ice-pwd:f4c0ee4a3dfa2ba8fd64ef1a1fd3b2ad", "a=ice-ufrag:7f1a2c3d", "a=mid:0", "a=rtcp-mux"],
  ["a=rtpmap:109 opus/48000/2", "a=rtpmap:101 telephone-event/8000", "a=setup:actpass"],
  ["m=application 0 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=bundle-only"],
  ["a=sendrecv", "a=ice-pwd:f4c0ee4a3dfa2ba8fd64ef1a1fd3b2ad", "a=ice-ufrag:7f1a2c3d", "a=mid:1"],
  ["a=setup:actpass", "a=sctp-port:5000", "a=max-message-size:1073741823"],
);

function refusal(text: unknown): NegotiationError {
  try {
    inspectOffer(text);
  } catch (error) {
    if (error instanceof NegotiationError) return error;
    throw error;
  }
  throw new Error("The offer was accepted.");
}

describe("inspectOffer", () => {
  it("reads Chromium's offer", () => {
    expect(inspectOffer(CHROMIUM)).toMatchObject({
      audio: {
        mid: "0",
        direction: "sendrecv",
        opus: { payloadType: 111, stereo: false, nack: false },
      },
      channel: { mid: "1", port: 5000, maxMessageSize: 262144 },
      iceUfrag: "gMSK",
      iceLite: false,
      candidates: [
        { address: "192.0.2.2", port: 58499 },
        { address: "192.0.2.2", port: 47768 },
      ],
    });
  });

  it("reads Firefox's offer", () => {
    const offer = inspectOffer(FIREFOX);
    expect(offer.audio?.opus).toMatchObject({ payloadType: 109, stereo: true });
    expect(offer.channel?.mid).toBe("1");
    expect(offer.fingerprints).toHaveLength(1);
    expect(offer.candidates.map(({ port }) => port)).toEqual([43983]);
  });

  it("takes a data channel without media, and media without a data channel", () => {
    expect(inspectOffer(sdp(SESSION, CHANNEL)).audio).toBeUndefined();
    expect(inspectOffer(sdp(SESSION, AUDIO)).channel).toBeUndefined();
  });

  it("takes an offer without candidates", () => {
    const bare = CHROMIUM.replace(/a=candidate.*\r\n/g, "");
    expect(inspectOffer(bare).candidates).toEqual([]);
  });

  it("names the track that nobody wants, with a status that says so", () => {
    const error = refusal(sdp(SESSION, ["a=group:BUNDLE 0 1 2"], AUDIO, CHANNEL, VIDEO));
    expect(error.status).toBe(415);
    expect(error.message).toContain("video");
  });

  it("leaves extra tracks out when told to, and always those that the client only wants to receive", () => {
    const text = sdp(SESSION, ["a=group:BUNDLE 0 1 2"], AUDIO, CHANNEL, VIDEO);
    const accepted = inspectOffer(text, { allowExtraTracks: true }).sections.map(
      (one) => one.accepted,
    );
    expect(accepted).toEqual([true, true, false]);
    const receiving = text.replace(
      /a=sendrecv\r\na=rtcp-mux\r\na=rtpmap:96/,
      "a=recvonly\r\na=rtcp-mux\r\na=rtpmap:96",
    );
    expect(inspectOffer(receiving).sections.map((one) => one.accepted)).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("refuses what lies outside the first section's bundle, which would need a path of its own", () => {
    const accepted = inspectOffer(sdp(SESSION, AUDIO, CHANNEL)).sections.map((one) => one.accepted);
    expect(accepted).toEqual([true, false]);
  });

  it.each([
    ["nothing", undefined],
    ["no SDP", "hello"],
    ["neither audio nor channel", sdp(SESSION)],
    ["no ICE credentials", CHROMIUM.replace(/a=ice-pwd.*\r\n/g, "")],
    ["no fingerprint", CHROMIUM.replace(/a=fingerprint.*\r\n/g, "")],
    ["a fingerprint of SHA-1", CHROMIUM.replace(/sha-256/g, "sha-1")],
    ["no rtcp-mux", CHROMIUM.replace("a=rtcp-mux\r\n", "")],
    ["no Opus", CHROMIUM.replace("opus/48000/2", "speex/16000")],
    ["a wish that we open DTLS", CHROMIUM.replace(/actpass/g, "passive")],
    ["a malformed m= line", CHROMIUM.replace("m=audio 58499", "m=audio")],
    ["a hundred sections", sdp(SESSION, ...new Array<string[]>(100).fill(CHANNEL))],
  ])("refuses an offer with %s", (_name, text) => {
    expect(refusal(text).status).toBeGreaterThanOrEqual(400);
  });

  it("refuses an offer that is too long before it reads it", () => {
    expect(refusal("v=0\r\n".repeat(20_000)).status).toBe(413);
  });

  it("takes 30 candidates, however often they are repeated, and refuses an offer with more", () => {
    const lines = (count: number): string[] =>
      Array.from(
        { length: count },
        (_, index) => `a=candidate:1 1 udp 1 10.0.0.1 ${5000 + index} typ host`,
      );
    const bare = AUDIO.filter((line) => !line.startsWith("a=candidate"));
    const twice = sdp(SESSION, [...bare, ...lines(30), ...lines(30)]);
    expect(inspectOffer(twice).candidates).toHaveLength(30);
    expect(refusal(sdp(SESSION, [...bare, ...lines(31)])).message).toContain("30 candidates");
  });

  it("throws nothing but NegotiationError, whatever is done to an offer", () => {
    const lines = CHROMIUM.split("\r\n");
    const mutation = fc.record({
      at: fc.nat(lines.length - 1),
      kind: fc.constantFrom("drop", "repeat", "replace", "cut"),
      text: fc.oneof(
        fc.string(),
        fc.constantFrom("a=mid:", "m=", "a=group:BUNDLE", "a=rtpmap:111", "a=sctp-port:x"),
      ),
    });
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 6 }), (mutations) => {
        const mutated = [...lines];
        for (const { at, kind, text } of mutations) {
          const line = mutated[at] ?? "";
          if (kind === "drop") mutated.splice(at, 1);
          else if (kind === "repeat") mutated.splice(at, 0, line);
          else mutated[at] = kind === "replace" ? text : line.slice(0, text.length);
        }
        try {
          inspectOffer(mutated.join("\r\n"));
        } catch (error) {
          expect(error).toBeInstanceOf(NegotiationError);
        }
      }),
      { seed: 11, numRuns: 1500 },
    );
  });
});
