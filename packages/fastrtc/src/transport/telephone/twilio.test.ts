import { afterEach, describe, expect, it, vi } from "vitest";

import { twilioSignature } from "../../../test/carrier-calls.ts";
import { AuthenticationError, InvalidOptionError, NegotiationError } from "../../errors.ts";
import type { CarrierCall } from "./carrier.ts";
import { twilio } from "./twilio.ts";

const TOKEN = "12345abcde67890fghij12345abcde67";
const ROUTES = {
  webhookUrl: "https://voice.example.com/telephone/incoming",
  mediaUrl: "wss://voice.example.com/telephone/handler",
};
const FORM = { AccountSid: "AC1", CallSid: "CA1", From: "+15550100001", To: "+15550100002" };
const UPGRADE = new Request("http://localhost/telephone/handler");
const CALL = { callId: "CA1", from: "+15550100001", to: "+15550100002" };

const request = (headers: Record<string, string> = {}): Request =>
  new Request("http://10.0.0.1/telephone/incoming", { method: "POST", headers });

const body = (form: Record<string, string> = FORM): string => new URLSearchParams(form).toString();

const signed = (url: string, form: Record<string, string>, token = TOKEN): Request =>
  request({ "x-twilio-signature": twilioSignature(token, url, form) });

describe("twilio", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("reads the webhook of a call that Twilio has signed", async () => {
    const carrier = twilio({ authToken: TOKEN, accountSid: "AC1" });
    const call = await carrier.announce(signed(ROUTES.webhookUrl, FORM), body(), ROUTES);
    expect(call).toEqual(CALL);
  });

  it("refuses a webhook that is forged, unsigned, or for another address", async () => {
    const carrier = twilio({ authToken: TOKEN });
    for (const forged of [
      request(),
      signed(ROUTES.webhookUrl, FORM, "another"),
      signed("https://evil.example/telephone/incoming", FORM),
      signed(ROUTES.webhookUrl, { ...FORM, From: "+1" }),
    ]) {
      await expect(carrier.announce(forged, body(), ROUTES)).rejects.toThrow(AuthenticationError);
    }
  });

  it("refuses a media socket that Twilio has not signed", async () => {
    const carrier = twilio({ authToken: TOKEN });
    await expect(carrier.authorize(signed(ROUTES.mediaUrl, {}), ROUTES)).resolves.toBeUndefined();
    for (const forged of [request(), signed(ROUTES.mediaUrl, {}, "another")]) {
      await expect(carrier.authorize(forged, ROUTES)).rejects.toThrow(AuthenticationError);
    }
  });

  it("takes unsigned requests only where it has no token, or is told to", async () => {
    for (const carrier of [twilio(), twilio({ authToken: TOKEN, validateSignature: false })]) {
      await expect(carrier.announce(request(), body(), ROUTES)).resolves.toEqual(CALL);
      await expect(carrier.authorize(request(), ROUTES)).resolves.toBeUndefined();
    }
  });

  it("does not let a variable that is not set open the door", () => {
    expect(() => twilio({ authToken: undefined })).toThrow("Invalid authToken: undefined.");
    expect(() => twilio({ authToken: "" })).toThrow(InvalidOptionError);
    expect(() => twilio({ validateSignature: true })).toThrow(InvalidOptionError);
  });

  it.each(["", "x", "CallSid=", "CallSid=CA1&AccountSid=AC2", "\u0000%%%"])(
    "refuses a webhook that tells of no call of its account's: %j",
    async (text) => {
      const carrier = twilio({ accountSid: "AC1" });
      await expect(carrier.announce(request(), text, ROUTES)).rejects.toThrow(NegotiationError);
    },
  );

  it("answers with a stream to the media socket, and passes numbers and parameters along", async () => {
    const carrier = twilio({ statusCallback: "https://voice.example.com/status?a=1&b=2" });
    const params = { language: "de", note: `"<&>'`, from: "not this" };
    const answer = await carrier.answer(CALL, ROUTES, params);
    expect(answer.headers.get("content-type")).toContain("text/xml");
    expect(await answer.text()).toBe(
      '<?xml version="1.0" encoding="UTF-8"?><Response><Connect>' +
        '<Stream url="wss://voice.example.com/telephone/handler" ' +
        'statusCallback="https://voice.example.com/status?a=1&amp;b=2">' +
        '<Parameter name="from" value="+15550100001"/><Parameter name="to" value="+15550100002"/>' +
        '<Parameter name="language" value="de"/>' +
        '<Parameter name="note" value="&quot;&lt;&amp;&gt;&apos;"/>' +
        "</Stream></Connect></Response>",
    );
  });

  it("refuses parameters that Twilio would not carry", async () => {
    const carrier = twilio();
    await expect(carrier.answer(CALL, ROUTES, { a: "x".repeat(498) })).resolves.toBeDefined();
    await expect(carrier.answer(CALL, ROUTES, { a: "x".repeat(499) })).rejects.toThrow(
      "Twilio carries names and values of up to 499 characters together.",
    );
  });

  it("refuses public addresses that are none", () => {
    expect(twilio({ publicUrl: "https://voice.example.com/" }).publicUrl).toBe(
      "https://voice.example.com",
    );
    for (const publicUrl of ["voice.example.com", "wss://a", "https://a?b", ""]) {
      expect(() => twilio({ publicUrl })).toThrow(InvalidOptionError);
    }
  });

  it("ends a call through the API only where it is told to, with what that needs", async () => {
    expect(twilio({ authToken: TOKEN, accountSid: "AC1" }).hangUp).toBeUndefined();
    for (const options of [
      { authToken: TOKEN },
      { accountSid: "AC1" },
      { accountSid: "AC1", authToken: TOKEN, apiKey: "SK1" },
    ]) {
      expect(() => twilio({ ...options, hangUp: true })).toThrow("Invalid hangUp");
    }
    const requests: [string, RequestInit][] = [];
    let answer = new Response("{}", { status: 200 });
    vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
      requests.push([url, init]);
      return Promise.resolve(answer);
    });
    const { hangUp } = twilio({
      ...{ accountSid: "AC1", apiKey: "SK1", apiSecret: "secret" },
      ...{ hangUp: true, apiUrl: "http://127.0.0.1:1/" },
    });
    const { signal } = new AbortController();
    await hangUp?.(CALL as CarrierCall, signal);
    const [url, init] = requests[0] ?? [];
    expect(url).toBe("http://127.0.0.1:1/2010-04-01/Accounts/AC1/Calls/CA1.json");
    expect(init).toMatchObject({ method: "POST", body: "Status=completed", redirect: "error" });
    expect(new Headers(init?.headers).get("authorization")).toBe(`Basic ${btoa("SK1:secret")}`);
    answer = new Response('{"code": 20404}', { status: 404 });
    await expect(hangUp?.(CALL as CarrierCall, signal)).resolves.toBeUndefined();
    answer = new Response('{"code": 20003}', { status: 401 });
    await expect(hangUp?.(CALL as CarrierCall, signal)).rejects.toThrow(
      "the carrier's API answered 401",
    );
    vi.stubGlobal("fetch", () => Promise.reject(new Error("refused")));
    await expect(hangUp?.(CALL as CarrierCall, signal)).rejects.toThrow("could not be reached");
  });
});

describe("Twilio's media socket", () => {
  const START = {
    event: "start",
    sequenceNumber: "1",
    streamSid: "MZ1",
    start: {
      streamSid: "MZ1",
      accountSid: "AC1",
      callSid: "CA1",
      tracks: ["inbound"],
      customParameters: { from: "+15550100001", to: "+15550100002", language: "de" },
      mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
    },
  };

  it("reads the start of a call", () => {
    const wire = twilio({ accountSid: "AC1" }).wire(UPGRADE);
    expect(wire.read('{"event":"connected","protocol":"Call","version":"1.0.0"}')).toBeUndefined();
    const format = { codec: "mulaw", sampleRate: 8000, channels: 1 };
    expect(wire.read(JSON.stringify(START))).toEqual({
      type: "start",
      call: {
        callId: "CA1",
        streamId: "MZ1",
        from: "+15550100001",
        to: "+15550100002",
        params: { language: "de" },
        inputFormat: format,
        outputFormat: format,
      },
    });
  });

  it("reads audio, keys, marks and the end", () => {
    const wire = twilio().wire(UPGRADE);
    wire.read(JSON.stringify(START));
    const read = (fields: object): unknown =>
      wire.read(JSON.stringify({ streamSid: "MZ1", sequenceNumber: 3, ...fields }));
    const media = { track: "inbound", chunk: "1", timestamp: "5", payload: "AQID" };
    expect(read({ event: "media", media })).toEqual({ type: "audio", data: Buffer.of(1, 2, 3) });
    expect(read({ event: "media", media: { ...media, track: "outbound" } })).toBeUndefined();
    const dtmf = { track: "inbound_track", digit: "#" };
    expect(read({ event: "dtmf", dtmf })).toEqual({ type: "dtmf", digit: "#" });
    expect(read({ event: "mark", mark: { name: "e1:3" } })).toEqual({ type: "mark", name: "e1:3" });
    expect(read({ event: "stop", stop: {} })).toEqual({ type: "stop" });
    expect(read({ event: "invented" })).toBeUndefined();
  });

  it.each([
    ["no stream", { ...START, streamSid: undefined, start: { callSid: "CA1" } }],
    ["no call", { ...START, start: { ...START.start, callSid: "" } }],
    ["another account", { ...START, start: { ...START.start, accountSid: "AC2" } }],
    ["no object", { ...START, start: 7 }],
    [
      "an unknown codec",
      { ...START, start: { ...START.start, mediaFormat: { encoding: "audio/opus" } } },
    ],
    [
      "a strange rate",
      { ...START, start: { ...START.start, mediaFormat: { sampleRate: "fast" } } },
    ],
  ])("refuses a start with %s", (_, start) => {
    const wire = twilio({ accountSid: "AC1" }).wire(UPGRADE);
    expect(() => wire.read(JSON.stringify(start))).toThrow(/^Twilio's/);
  });

  it("refuses messages for another stream", () => {
    const wire = twilio().wire(UPGRADE);
    wire.read(JSON.stringify(START));
    expect(() => wire.read('{"event":"stop","streamSid":"MZ2"}')).toThrow("another stream");
  });

  it("writes exactly the fields that Twilio takes", () => {
    const wire = twilio().wire(UPGRADE);
    wire.read(JSON.stringify(START));
    expect(wire.audio(Uint8Array.of(1, 2, 3))).toBe(
      '{"event":"media","streamSid":"MZ1","media":{"payload":"AQID"}}',
    );
    expect(wire.mark("e1:3")).toBe('{"event":"mark","streamSid":"MZ1","mark":{"name":"e1:3"}}');
    expect(wire.clear()).toBe('{"event":"clear","streamSid":"MZ1"}');
    expect([wire.hangUp(), wire.dtmf("1")]).toEqual([undefined, undefined]);
  });
});
