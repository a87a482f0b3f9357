import { describe, expect, it } from "vitest";

import { AuthenticationError, InvalidOptionError, TransportError } from "../../errors.ts";
import { asteriskWebSocket } from "./asterisk-websocket.ts";
import type { CarrierWire } from "./carrier.ts";

const carrier = asteriskWebSocket({ username: "asterisk", password: "pass:word" });
const ROUTES = { webhookUrl: "https://a/telephone/incoming", mediaUrl: "wss://a/handler" };
const request = (query = "", authorization?: string): Request =>
  new Request(`http://127.0.0.1/telephone/handler${query}`, {
    headers: authorization === undefined ? {} : { authorization },
  });
const basic = (credentials: string): string =>
  `Basic ${Buffer.from(credentials).toString("base64")}`;

const START = {
  event: "MEDIA_START",
  connection_id: "voiceapp",
  channel: "WebSocket/voiceapp-0x7f",
  channel_id: "1700000000.1",
  format: "slin16",
  optimal_frame_size: 640,
  ptime: 20,
  channel_variables: { DIALSTATUS: "" },
};
const PLAIN_START =
  "MEDIA_START connection_id:voiceapp channel:WebSocket/voiceapp-0x7f channel_id:1700000000.1 format:slin16 optimal_frame_size:640 ptime:20";

function started(start: string = JSON.stringify(START)): CarrierWire {
  const wire = carrier.wire(request());
  wire.read(start);
  return wire;
}

describe("Asterisk's upgrade", () => {
  it("needs the user name and the password", async () => {
    await expect(carrier.authorize(request("", basic("asterisk:pass:word")), ROUTES)).resolves.toBe(
      undefined,
    );
    for (const wrong of [undefined, "", "Basic", "Bearer x", basic("asterisk:pass"), basic("")]) {
      await expect(carrier.authorize(request("", wrong), ROUTES)).rejects.toThrow(
        AuthenticationError,
      );
    }
  });

  it("needs nothing where anyone is allowed, which must be said", async () => {
    const open = asteriskWebSocket({ allowAnyone: true });
    await expect(open.authorize(request(), ROUTES)).resolves.toBeUndefined();
    for (const options of [{}, { username: "a" }, { username: "a", password: "" }]) {
      expect(() => asteriskWebSocket(options)).toThrow(InvalidOptionError);
    }
  });

  it("is not announced by a webhook", async () => {
    await expect(carrier.announce(request(), "", ROUTES)).rejects.toMatchObject({ status: 404 });
    await expect(
      carrier.answer({ callId: "a", from: undefined, to: undefined }, ROUTES, {}),
    ).rejects.toMatchObject({ status: 404 });
  });
});

describe.each([
  ["JSON", JSON.stringify(START)],
  ["plain text", PLAIN_START],
])("Asterisk's messages in %s", (form, start) => {
  const isJson = form === "JSON";
  const event = (json: object, plain: string): string => (isJson ? JSON.stringify(json) : plain);

  it("begin with the channel; numbers and parameters come in the address", () => {
    const wire = carrier.wire(request("?from=%2B15550100001&to=100&language=de"));
    const format = { codec: "pcm16", sampleRate: 16_000, channels: 1 };
    expect(wire.read(start)).toEqual({
      type: "start",
      call: {
        callId: "1700000000.1",
        streamId: undefined,
        from: "+15550100001",
        to: "100",
        params: { language: "de" },
        inputFormat: format,
        outputFormat: format,
      },
    });
    expect(wire.messageMs).toBe(20);
  });

  it("are audio, which is dropped before it is known what it is", () => {
    const wire = carrier.wire(request());
    expect(wire.read(new Uint8Array(640))).toBeUndefined();
    wire.read(start);
    expect(wire.read(new Uint8Array(640))).toEqual({ type: "audio", data: new Uint8Array(640) });
  });

  it("are keys, marks that were played, complaints, and nothing else", () => {
    const wire = started(start);
    const channel_id = "1";
    expect(
      wire.read(
        event({ event: "DTMF_END", channel_id, digit: "5" }, "DTMF_END digit:5 channel_id:1"),
      ),
    ).toEqual({ type: "dtmf", digit: "5" });
    expect(
      wire.read(
        event(
          { event: "MEDIA_MARK_PROCESSED", channel_id, correlation_id: "e1:3" },
          "MEDIA_MARK_PROCESSED e1:3",
        ),
      ),
    ).toEqual({ type: "mark", name: "e1:3" });
    expect(
      wire.read(
        event(
          { event: "ERROR", channel_id, error_text: "no such thing" },
          "ERROR channel_id:1 error_text:no such thing",
        ),
      ),
    ).toEqual({ type: "complaint", text: "no such thing" });
    for (const name of ["QUEUE_DRAINED", "STATUS", "MEDIA_BUFFERING_COMPLETED", "NEW"]) {
      expect(wire.read(event({ event: name, channel_id }, `${name} channel_id:1`))).toBeUndefined();
    }
  });

  it("are answered in the same form", () => {
    const wire = started(start);
    expect(wire.mark("e1:3")).toBe(
      event({ command: "MARK_MEDIA", correlation_id: "e1:3" }, "MARK_MEDIA e1:3"),
    );
    expect(wire.clear()).toBe(event({ command: "FLUSH_MEDIA" }, "FLUSH_MEDIA"));
    expect(wire.hangUp()).toBe(event({ command: "HANGUP" }, "HANGUP"));
    expect(wire.dtmf("1")).toBeUndefined();
  });

  it("stop the audio while Asterisk's queue is full, and until it is flushed or has room", () => {
    const wire = started(start);
    const data = Uint8Array.from([1, 2]);
    const [off, on] = ["MEDIA_XOFF", "MEDIA_XON"].map((name) => event({ event: name }, name));
    expect(wire.audio(data)).toEqual(data);
    expect(wire.read(off!)).toMatchObject({ type: "complaint" });
    expect(wire.audio(data)).toBeUndefined();
    expect(wire.read(on!)).toBeUndefined();
    expect(wire.audio(data)).toEqual(data);
    wire.read(off!);
    wire.clear();
    expect(wire.audio(data)).toEqual(data);
  });
});

describe("Asterisk's MEDIA_START", () => {
  it.each([
    ["ulaw", 160, "mulaw", 8000, 20],
    ["alaw", 160, "alaw", 8000, 20],
    ["slin", 320, "pcm16", 8000, 20],
    ["slin", 160, "pcm16", 8000, 10],
    ["slin24", 960, "pcm16", 24_000, 20],
    ["slin44", 1764, "pcm16", 44_100, 20],
    ["slin48", 1920, "pcm16", 48_000, 20],
    ["slin192", 7680, "pcm16", 192_000, 20],
  ])("with %s in frames of %d bytes is audio that is known", (format, size, codec, rate, ms) => {
    const wire = carrier.wire(request());
    const event = wire.read(JSON.stringify({ ...START, format, optimal_frame_size: size }));
    expect(event?.type === "start" && event.call.outputFormat).toEqual({
      codec,
      sampleRate: rate,
      channels: 1,
    });
    expect(wire.messageMs).toBe(ms);
  });

  it.each([
    ["another codec, which Asterisk passes through", { format: "opus", optimal_frame_size: 0 }],
    ["no codec", { format: undefined }],
    ["no frame size", { optimal_frame_size: 0 }],
    ["a frame that is shorter than a millisecond", { optimal_frame_size: 15 }],
    ["a frame size beyond Asterisk's own limit", { optimal_frame_size: 65_501 }],
    ["no channel", { channel_id: undefined, channel: undefined }],
  ])("is refused with %s", (_what, fields) => {
    const wire = carrier.wire(request());
    expect(() => wire.read(JSON.stringify({ ...START, ...fields }))).toThrow(TransportError);
  });

  it.each(["{", '{"event":"DTMF_END"}', "DTMF_END", "DTMF_END digit:"])(
    "is followed by nothing malformed: %s is refused",
    (message) => {
      expect(() => started().read(message)).toThrow(TransportError);
    },
  );

  it("makes no mark that Asterisk would ignore for its length", () => {
    expect(started().mark("x".repeat(128))).toBeUndefined();
    expect(started(PLAIN_START).mark("x".repeat(117))).toHaveLength(128);
    expect(started(PLAIN_START).mark("x".repeat(118))).toBeUndefined();
  });
});
