import { generateKeyPairSync } from "node:crypto";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { streamOf, telnyxHeaders } from "../../../test/carrier-calls.ts";
import { AuthenticationError, InvalidOptionError, NegotiationError } from "../../errors.ts";
import type { CarrierCall } from "./carrier.ts";
import { telnyx } from "./telnyx.ts";
import type { TelnyxOptions } from "./telnyx.ts";

const ROUTES = {
  webhookUrl: "https://voice.example.com/telephone/incoming",
  mediaUrl: "wss://voice.example.com/telephone/handler",
};
const CALL = { callId: "v3:abc/d", from: "+15550100001", to: "+15550100002" };
const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const KEY = publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("base64");

const event = (type: string, payload: object = {}): string =>
  JSON.stringify({
    data: {
      event_type: type,
      payload: {
        call_control_id: CALL.callId,
        direction: "incoming",
        from: CALL.from,
        to: CALL.to,
        ...payload,
      },
    },
  });

const webhook = (headers: Record<string, string> = {}): Request =>
  new Request("http://10.0.0.1/telephone/incoming", { method: "POST", headers });

const upgrade = (path: string, headers: Record<string, string> = {}): Request =>
  new Request(`http://10.0.0.1${path}`, { headers });

describe("telnyx", () => {
  const requests: { url: string; fields: Record<string, unknown>; headers: Headers }[] = [];
  let answer = (): Response => new Response("{}");

  beforeEach(() => {
    requests.length = 0;
    answer = () => new Response("{}");
    vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
      const fields = JSON.parse(init.body as string) as Record<string, unknown>;
      requests.push({ url, fields, headers: new Headers(init.headers) });
      return Promise.resolve(answer());
    });
  });

  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  const carrierOf = (options: TelnyxOptions = {}) =>
    telnyx({ publicKey: KEY, apiKey: "KEY1", ...options });

  it("accepts the signature that Telnyx's own library accepts", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_700_000_000_000 });
    const carrier = carrierOf({ publicKey: "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=" });
    const request = webhook({
      "telnyx-timestamp": "1700000000",
      "telnyx-signature-ed25519":
        "F8nurusiwYTb1R6vwOp3pyxERRxzLVv0RFEXuUE32ife1cVygoWLnjOr3Kfru0CQt6acRyh+8dGz+5GldIM/DQ==",
    });
    const body = '{"data":{"event_type":"call.initiated"}}';
    // It is signed, and names no call.
    await expect(carrier.announce(request, body, ROUTES)).rejects.toThrow(NegotiationError);
    await expect(carrier.announce(request, `${body} `, ROUTES)).rejects.toThrow(
      AuthenticationError,
    );
  });

  it("reads a new call, and passes over the other events of calls", async () => {
    const carrier = carrierOf();
    const announce = (body: string): Promise<unknown> =>
      carrier.announce(webhook(telnyxHeaders(privateKey, body)), body, ROUTES);
    expect(await announce(event("call.initiated"))).toEqual(CALL);
    expect(await announce(event("call.initiated", { direction: "outgoing" }))).toBeUndefined();
    for (const type of ["call.answered", "streaming.started", "call.hangup"]) {
      expect(await announce(event(type))).toBeUndefined();
    }
  });

  it("refuses a webhook that is forged, unsigned, or was signed five minutes ago", async () => {
    const carrier = carrierOf();
    const body = event("call.initiated");
    const now = Math.floor(Date.now() / 1000);
    const other = generateKeyPairSync("ed25519").privateKey;
    for (const headers of [
      {},
      telnyxHeaders(other, body),
      telnyxHeaders(privateKey, `${body} `),
      telnyxHeaders(privateKey, body, now - 301),
      telnyxHeaders(privateKey, body, now + 301),
      { ...telnyxHeaders(privateKey, body), "telnyx-timestamp": String(now - 1) },
      { ...telnyxHeaders(privateKey, body), "telnyx-timestamp": "now" },
      { ...telnyxHeaders(privateKey, body), "telnyx-signature-ed25519": "AAAA" },
    ]) {
      await expect(carrier.announce(webhook(headers), body, ROUTES)).rejects.toThrow(
        AuthenticationError,
      );
    }
    const recent = webhook(telnyxHeaders(privateKey, body, now - 295));
    await expect(carrier.announce(recent, body, ROUTES)).resolves.toEqual(CALL);
  });

  it.each(["", "{", "[]", "null", '{"data":7}', '{"data":{"event_type":"call.initiated"}}'])(
    "refuses a webhook that cannot be read: %j",
    async (body) => {
      const carrier = telnyx({ apiKey: "KEY1" });
      await expect(carrier.announce(webhook(), body, ROUTES)).rejects.toThrow(NegotiationError);
    },
  );

  it("answers a call by a command that asks for audio both ways", async () => {
    const response = await carrierOf({ codec: "PCMA" }).answer(CALL, ROUTES, { language: "de" });
    expect(response.status).toBe(200);
    const [{ url, fields, headers } = { url: "", fields: {}, headers: new Headers() }] = requests;
    expect(url).toBe("https://api.telnyx.com/v2/calls/v3%3Aabc%2Fd/actions/answer");
    expect(headers.get("authorization")).toBe("Bearer KEY1");
    expect(fields).toEqual({
      stream_url: ROUTES.mediaUrl,
      stream_track: "inbound_track",
      stream_codec: "PCMA",
      stream_bidirectional_mode: "rtp",
      stream_bidirectional_codec: "PCMA",
      stream_bidirectional_sampling_rate: 8000,
      stream_auth_token: expect.stringMatching(/^[\w.-]+$/) as unknown,
      custom_parameters: [{ name: "language", value: "de" }],
      command_id: expect.stringMatching(/^[0-9a-f]{32}$/) as unknown,
    });
  });

  it("gives a webhook that comes twice the same command, which Telnyx carries out once", async () => {
    const carrier = carrierOf();
    await carrier.answer(CALL, ROUTES, {});
    await carrier.answer(CALL, ROUTES, {});
    await carrier.answer({ ...CALL, callId: "v3:other" }, ROUTES, {});
    const ids = requests.map(({ fields }) => fields["command_id"]);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  it("says when a command is refused, or cannot be given", async () => {
    answer = () => new Response('{"errors":[{"code":"10009"}]}', { status: 401 });
    await expect(carrierOf().answer(CALL, ROUTES, {})).rejects.toThrow(
      "Telnyx, answer: the carrier's API answered 401.",
    );
  });

  it("takes each media socket's token once, and none that is not its own", async () => {
    const carrier = carrierOf();
    await carrier.answer(CALL, ROUTES, {});
    const token = String(requests[0]?.fields["stream_auth_token"]);
    const socket = upgrade("/telephone/handler", { "x-telnyx-streaming-auth-token": token });
    await expect(carrier.authorize(socket, ROUTES)).resolves.toBeUndefined();
    const forged = upgrade("/telephone/handler", { "x-telnyx-streaming-auth-token": "a.b.c" });
    for (const refused of [socket, forged, upgrade("/telephone/handler")]) {
      await expect(carrier.authorize(refused, ROUTES)).rejects.toThrow(AuthenticationError);
    }
  });

  it("answers with TeXML, and finds its token in the path", async () => {
    const carrier = telnyx({ answer: "texml", codec: "PCMU" });
    const form = new URLSearchParams({ CallSid: CALL.callId, From: CALL.from, To: CALL.to });
    expect(await carrier.announce(webhook(), form.toString(), ROUTES)).toEqual(CALL);
    await expect(carrier.announce(webhook(), "", ROUTES)).rejects.toThrow(NegotiationError);
    const xml = await (await carrier.answer(CALL, ROUTES, { a: "1" })).text();
    expect(xml).toMatch(
      /<Response><Connect><Stream url="wss:[^"]+" bidirectionalMode="rtp" bidirectionalCodec="PCMU" codec="PCMU" bidirectionalSamplingRate="8000"><Parameter name="a" value="1"\/><\/Stream>/,
    );
    const { pathname } = new URL(streamOf(xml).url);
    expect(pathname).toMatch(/^\/telephone\/handler\/[\w.-]+$/);
    await expect(carrier.authorize(upgrade(pathname), ROUTES)).resolves.toBeUndefined();
    await expect(carrier.authorize(upgrade(pathname), ROUTES)).rejects.toThrow(AuthenticationError);
    expect(carrier.hangUp).toBeUndefined();
    expect(requests).toEqual([]);
  });

  it("ends calls through the API, and minds no call that is over already", async () => {
    const { hangUp } = carrierOf({ apiUrl: "http://127.0.0.1:1/v2/" });
    const { signal } = new AbortController();
    await hangUp?.(CALL as CarrierCall, signal);
    expect(requests[0]?.url).toBe("http://127.0.0.1:1/v2/calls/v3%3Aabc%2Fd/actions/hangup");
    answer = () => new Response('{"errors":[{"code":"90018"}]}', { status: 422 });
    await expect(hangUp?.(CALL as CarrierCall, signal)).resolves.toBeUndefined();
    answer = () => new Response('{"errors":[{"code":"90015"}]}', { status: 422 });
    await expect(hangUp?.(CALL as CarrierCall, signal)).rejects.toThrow("answered 422");
    expect(carrierOf({ hangUp: false }).hangUp).toBeUndefined();
  });

  it("refuses options that cannot work, and variables that are not set", () => {
    expect(() => telnyx({})).toThrow("Invalid apiKey: undefined.");
    expect(() => telnyx({ answer: "texml", hangUp: true })).toThrow(InvalidOptionError);
    expect(() => carrierOf({ publicKey: undefined })).toThrow("Invalid publicKey");
    expect(() => carrierOf({ publicKey: "short" })).toThrow(InvalidOptionError);
    expect(() => carrierOf({ codec: "L16" })).toThrow("Invalid byteOrder: undefined.");
    expect(() => carrierOf({ apiUrl: "api.telnyx.com" })).toThrow("Invalid apiUrl");
  });
});

describe("Telnyx's media socket", () => {
  const start = (format: object, more: object = {}): string =>
    JSON.stringify({
      event: "start",
      sequence_number: "1",
      stream_id: "s1",
      start: {
        call_control_id: "v3:1",
        from: "+1",
        to: "+2",
        custom_parameters: { a: "1" },
        media_format: format,
        ...more,
      },
    });
  const wireOf = (options: TelnyxOptions = {}) =>
    telnyx({ apiKey: "KEY1", ...options }).wire(new Request("http://localhost/"));
  const media = (fields: object): string =>
    JSON.stringify({ event: "media", stream_id: "s1", media: fields });

  it("obeys what Telnyx says that it sends, and sends what was asked for", () => {
    const wire = wireOf();
    expect(wire.read('{"event":"connected","version":"1.0.0"}')).toBeUndefined();
    expect(wire.read(start({ encoding: "PCMA", sample_rate: 8000, channels: 1 }))).toEqual({
      type: "start",
      call: {
        callId: "v3:1",
        streamId: "s1",
        from: "+1",
        to: "+2",
        params: { a: "1" },
        inputFormat: { codec: "alaw", sampleRate: 8000, channels: 1 },
        outputFormat: { codec: "mulaw", sampleRate: 8000, channels: 1 },
      },
    });
  });

  it("reads parameters also as a list of pairs", () => {
    const parameters = [{ name: "a", value: "1" }, { name: 7 }, null];
    const event = wireOf().read(start({ encoding: "PCMU" }, { custom_parameters: parameters }));
    expect(event).toMatchObject({ call: { params: { a: "1" } } });
  });

  it.each([
    start({ encoding: "G722", sample_rate: 8000 }),
    start({ encoding: "OPUS", sample_rate: 16_000 }),
    start({ encoding: "PCMU", sample_rate: 8000, channels: 2 }),
    start({ encoding: "PCMU" }, { call_control_id: "" }),
    '{"event":"start"}',
  ])("refuses a start of what it cannot carry (%#)", (message) => {
    expect(() => wireOf().read(message)).toThrow(/^Telnyx's/);
  });

  it("reads audio with its order, keys, marks, complaints and the end", () => {
    const wire = wireOf();
    wire.read(start({ encoding: "PCMU" }));
    const data = Buffer.of(1, 2, 3);
    expect(wire.read(media({ track: "inbound", chunk: "7", payload: "AQID" }))).toEqual({
      ...{ type: "audio", data, order: 7 },
    });
    expect(wire.read(media({ payload: "AQID" }))).toEqual({ type: "audio", data });
    expect(wire.read(media({ track: "outbound", payload: "AQID" }))).toBeUndefined();
    const dtmf = '{"event":"dtmf","stream_id":"s1","dtmf":{"digit":"#"}}';
    expect(wire.read(dtmf)).toEqual({ type: "dtmf", digit: "#" });
    const mark = '{"event":"mark","stream_id":"s1","mark":{"name":"e1:1"}}';
    expect(wire.read(mark)).toEqual({ type: "mark", name: "e1:1" });
    const error = '{"event":"error","payload":{"code":100002,"title":"Bad","detail":"frame"}}';
    expect(wire.read(error)).toEqual({ type: "complaint", text: "100002 Bad frame" });
    expect(wire.read('{"event":"stop","stream_id":"s1"}')).toEqual({ type: "stop" });
    expect(() => wire.read('{"event":"stop","stream_id":"s2"}')).toThrow("another stream");
    expect(wire.read('{"event":"invented"}')).toBeUndefined();
  });

  it.each([
    ["little", [1, 2, 3, 4]],
    ["big", [2, 1, 4, 3]],
  ] as const)("reads and writes L16 in %s-endian order", (byteOrder, expected) => {
    const wire = wireOf({ codec: "L16", byteOrder });
    const event = wire.read(start({ encoding: "L16", sample_rate: 16_000 }));
    const format = { codec: "pcm16", sampleRate: 16_000, channels: 1 };
    expect(event).toMatchObject({ call: { inputFormat: format, outputFormat: format } });
    const payload = Buffer.of(1, 2, 3, 4).toString("base64");
    expect(wire.read(media({ payload }))).toMatchObject({
      data: byteOrder === "big" ? Uint8Array.from(expected) : Buffer.from(expected),
    });
    const written = JSON.parse(String(wire.audio(Uint8Array.of(1, 2, 3, 4)))) as {
      media: { payload: string };
    };
    expect([...Buffer.from(written.media.payload, "base64")]).toEqual(expected);
  });

  it("writes what Telnyx takes, without a stream's name", () => {
    const wire = wireOf();
    expect(wire.audio(Uint8Array.of(1, 2, 3))).toBe('{"event":"media","media":{"payload":"AQID"}}');
    expect(wire.mark("e1:1")).toBe('{"event":"mark","mark":{"name":"e1:1"}}');
    expect(wire.clear()).toBe('{"event":"clear"}');
    expect([wire.hangUp(), wire.dtmf("1")]).toEqual([undefined, undefined]);
  });
});
