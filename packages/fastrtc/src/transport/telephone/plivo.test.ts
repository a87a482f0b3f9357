import { createHmac } from "node:crypto";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import {
  AuthenticationError,
  InvalidOptionError,
  NegotiationError,
  TransportError,
} from "../../errors.ts";
import type { CarrierWire } from "./carrier.ts";
import { isSignedByPlivo } from "./plivo-signature.ts";
import { plivo } from "./plivo.ts";

const TOKEN = "plivo_test_token";
const NONCE = "05429567804466091622";
const CALL = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab";
const FORM = `CallUUID=${CALL}&Direction=inbound&From=15550100001&To=15550100002`;
const ROUTES = {
  webhookUrl: "https://voice.example.com/plivo/answer?tenant=7",
  mediaUrl: "wss://voice.example.com/telephone/handler",
};
const carrier = plivo({ authId: "MA1", authToken: TOKEN });

const signed = (text: string): string =>
  createHmac("sha256", TOKEN).update(`${text}.${NONCE}`).digest("base64");
const webhook = (signature: string, method = "POST"): Request =>
  new Request(ROUTES.webhookUrl, {
    method,
    headers: { "x-plivo-signature-v3": signature, "x-plivo-signature-v3-nonce": NONCE },
  });

describe("isSignedByPlivo", () => {
  // Each was accepted by validateV3Signature of the npm package plivo 4.
  it.each([
    [
      "a form and a query",
      "POST",
      "https://voice.example.com/plivo/answer?tenant=7",
      FORM,
      "al4k5ZrtUeievKxWp+FHMDD9X02yAp3wiBQ8wyeorJQ=",
    ],
    [
      "a form",
      "POST",
      "https://voice.example.com/plivo/answer",
      FORM,
      "+YrUcT50RN7tBeWCmqUoB259ioE1L+KaoRoKXikH42k=",
    ],
    [
      "an empty form",
      "POST",
      "https://voice.example.com/plivo/answer",
      "",
      "5CRo12FXhme3Uy4c6RZmLaRPZWc8Ugfwac6RDcBly18=",
    ],
    [
      "a port",
      "POST",
      "https://voice.example.com:8443/plivo/answer",
      "From=1",
      "67Gl0sgDyrLO3wHClKsQQgPkB+xrNbs6H1CxO1gEH10=",
    ],
    [
      "the root",
      "POST",
      "https://voice.example.com/",
      "From=1",
      "M18I4MIThOtfrJ2avCSBaYSgNpaQShzEXreELccQyIA=",
    ],
    [
      "names in capitals first",
      "POST",
      "https://voice.example.com/p",
      "a=2&B=1",
      "SDuvsZrbnqg3EOQc5EhAa0nCs7gAqO4vVGrTVFH7bfw=",
    ],
    [
      "letters beyond ASCII",
      "POST",
      "https://voice.example.com/plivo/answer",
      "From=J%C3%BCrgen",
      "FA9B51SAb2ZLH36Gcseca+ucAUrWvMxcFmMwiJPd5Nc=",
    ],
    [
      "a query",
      "GET",
      "https://voice.example.com/plivo/answer?To=15550100002&CallUUID=a",
      "",
      "RfkrdEnierr7ntDdHd9KOCZ+i78Eu66gdTNU6A/j5fM=",
    ],
    [
      "an escaped query",
      "GET",
      "https://voice.example.com/plivo/answer?b=x%20y%2B1&a=1",
      "",
      "7FaJ3CHBgQLEGyOR5JpAknKMDTs7dqEF6ZIhon94NV0=",
    ],
  ])("agrees with Plivo on %s", (_what, method, url, form, signature) => {
    const request = { method, url, nonce: NONCE, fields: new URLSearchParams(form) };
    expect(isSignedByPlivo(request, TOKEN, signature)).toBe(true);
    expect(isSignedByPlivo(request, TOKEN, `other,${signature}`)).toBe(true);
    expect(isSignedByPlivo(request, "other", signature)).toBe(false);
    expect(isSignedByPlivo({ ...request, nonce: "1" }, TOKEN, signature)).toBe(false);
    expect(isSignedByPlivo({ ...request, url: `${url}/` }, TOKEN, signature)).toBe(false);
    expect(isSignedByPlivo(request, TOKEN, "")).toBe(false);
  });
});

describe("a Plivo webhook", () => {
  it("is read when Plivo has signed it", async () => {
    const request = webhook("al4k5ZrtUeievKxWp+FHMDD9X02yAp3wiBQ8wyeorJQ=");
    await expect(carrier.announce(request, FORM, ROUTES)).resolves.toEqual({
      callId: CALL,
      from: "15550100001",
      to: "15550100002",
    });
    await expect(carrier.announce(request, `${FORM}&x=1`, ROUTES)).rejects.toThrow(
      AuthenticationError,
    );
    await expect(
      carrier.announce(new Request(ROUTES.webhookUrl, { method: "POST" }), FORM, ROUTES),
    ).rejects.toThrow(AuthenticationError);
  });

  it("may come as a GET", async () => {
    const webhookUrl = `https://voice.example.com/plivo/answer?${FORM}`;
    await expect(
      carrier.announce(webhook(signed(webhookUrl), "GET"), "", { ...ROUTES, webhookUrl }),
    ).resolves.toMatchObject({ callId: CALL, from: "15550100001" });
  });

  it("cannot be read without a call, and announces nothing at a call's end", async () => {
    const text = (form: string): string =>
      `https://voice.example.com/plivo/answer?tenant=7.${form}`;
    await expect(
      carrier.announce(webhook(signed(text("From1"))), "From=1", ROUTES),
    ).rejects.toThrow(NegotiationError);
    const ended = webhook(signed(text("CallUUIDaHangupCauseNORMAL")));
    await expect(
      carrier.announce(ended, "CallUUID=a&HangupCause=NORMAL", ROUTES),
    ).resolves.toBeUndefined();
  });
});

describe("Plivo's answer", () => {
  const call = { callId: CALL, from: "15550100001", to: "15550100002" };
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_700_000_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const xmlOf = async (params: Record<string, string> = {}): Promise<string> =>
    (await carrier.answer(call, ROUTES, params)).text();
  const addressOf = (xml: string): string =>
    /<Stream[^>]*>wss(:[^<]+)<\/Stream>/.exec(xml)![1]!.replace(/^/, "https");
  const open = (address: string): Promise<void> => carrier.authorize(new Request(address), ROUTES);

  it("opens a stream both ways, at an address that lets one socket in", async () => {
    const xml = await xmlOf();
    expect(xml).toContain('<Response><Stream bidirectional="true" keepCallAlive="true"');
    expect(xml).toContain('audioTrack="inbound" contentType="audio/x-mulaw;rate=8000"');
    const address = addressOf(xml);
    expect(address).toMatch(/^https:\/\/voice\.example\.com\/telephone\/handler\/[\w.-]+$/);
    await expect(open(address)).resolves.toBeUndefined();
    await expect(open(address)).rejects.toThrow(AuthenticationError);
    await expect(open("https://voice.example.com/telephone/handler")).rejects.toThrow(
      AuthenticationError,
    );
  });

  it("lets nobody in a minute later", async () => {
    const address = addressOf(await xmlOf());
    vi.setSystemTime(1_700_000_060_000);
    await expect(open(address)).rejects.toThrow(AuthenticationError);
  });

  it("passes numbers and parameters along in letters and digits, as Plivo asks", async () => {
    const header = /extraHeaders="([^"]*)"/.exec(
      await xmlOf({ language: "de-DE", __proto__x: "ö" }),
    )![1]!;
    expect(header).toMatch(/^[a-z]+=[0-9a-f]+$/);
    const wire = carrier.wire(new Request(ROUTES.webhookUrl));
    const event = wire.read(startOf({}, header));
    expect(event?.type === "start" && event.call).toMatchObject({
      from: "15550100001",
      to: "15550100002",
      params: { language: "de-DE", __proto__x: "ö" },
    });
  });

  it.each([
    ["take the name of what the call has", { from: "x" }],
    ["are larger than Plivo carries", { note: "x".repeat(250) }],
  ])("is not given when the parameters %s", async (_what, params) => {
    await expect(carrier.answer(call, ROUTES, params)).rejects.toThrow(InvalidOptionError);
  });
});

function startOf(mediaFormat: object, extraHeaders?: unknown): string {
  return JSON.stringify({
    event: "start",
    sequenceNumber: 1,
    start: {
      callId: CALL,
      streamId: "S1",
      accountId: "MA1",
      tracks: ["inbound"],
      mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, ...mediaFormat },
    },
    extra_headers: extraHeaders,
  });
}

describe("Plivo's messages", () => {
  const started = (mediaFormat: object = {}): CarrierWire => {
    const wire = carrier.wire(new Request(ROUTES.webhookUrl));
    wire.read(startOf(mediaFormat));
    return wire;
  };

  it.each([
    [{}, "mulaw", 8000],
    [{ encoding: "audio/x-l16", sampleRate: "8000" }, "pcm16", 8000],
    [{ encoding: "audio/x-l16;rate=16000", sampleRate: 16_000 }, "pcm16", 16_000],
  ])("begin with the call and its audio %j", (mediaFormat, codec, sampleRate) => {
    const wire = carrier.wire(new Request(ROUTES.webhookUrl));
    const format = { codec, sampleRate, channels: 1 };
    expect(wire.read(startOf(mediaFormat))).toEqual({
      type: "start",
      call: {
        callId: CALL,
        streamId: "S1",
        from: undefined,
        to: undefined,
        params: {},
        inputFormat: format,
        outputFormat: format,
      },
    });
  });

  it.each([
    ["points", "from=15550100001;k=v"],
    ["commas", "from=15550100001, k=v,=x,y"],
    ["JSON", '{"from":"15550100001","k":"v"}'],
    ["an object", { from: "15550100001", k: "v" }],
  ])("tell what an XML of the application's own passed along, as %s", (_what, headers) => {
    const wire = carrier.wire(new Request(ROUTES.webhookUrl));
    const event = wire.read(startOf({}, headers));
    expect(event?.type === "start" && event.call).toMatchObject({
      from: "15550100001",
      params: { k: "v" },
    });
  });

  it.each(["{", "fastrtc=zz", "fastrtc=5b5d", 7, null])(
    "begin a call whose extra headers are nonsense: %j",
    (headers) => {
      const wire = carrier.wire(new Request(ROUTES.webhookUrl));
      const event = wire.read(startOf({}, headers));
      expect(event?.type === "start" && event.call.params).toEqual({});
    },
  );

  it("are audio, keys, checkpoints that were played, complaints, the end, and nothing else", () => {
    const wire = started();
    const media = { track: "inbound", timestamp: "1705312200000", chunk: 41, payload: "AQID" };
    expect(wire.read(JSON.stringify({ event: "media", streamId: "S1", media }))).toEqual({
      type: "audio",
      data: Buffer.from([1, 2, 3]),
    });
    const outbound = { ...media, track: "outbound" };
    expect(wire.read(JSON.stringify({ event: "media", media: outbound }))).toBeUndefined();
    expect(
      wire.read('{"event":"dtmf","streamId":"S1","dtmf":{"track":"inbound","digit":"5"}}'),
    ).toEqual({ type: "dtmf", digit: "5" });
    expect(wire.read('{"event":"playedStream","sequenceNumber":75,"name":"e1:1"}')).toEqual({
      type: "mark",
      name: "e1:1",
    });
    expect(wire.read('{"event":"clearedAudio","sequenceNumber":80}')).toBeUndefined();
    expect(wire.read('{"event":"playFailed","reason":"codec"}')).toEqual({
      type: "complaint",
      text: "playFailed: codec",
    });
    expect(wire.read('{"event":"error"}')).toEqual({
      type: "complaint",
      text: "error: no reason given",
    });
    expect(wire.read('{"event":"stop"}')).toEqual({ type: "stop" });
    expect(wire.read('{"event":"new"}')).toBeUndefined();
  });

  it.each([
    ["bytes", new Uint8Array(3)],
    ["no JSON", "{"],
    ["no payload", '{"event":"media","media":{}}'],
    ["a payload that is not base64", '{"event":"media","media":{"payload":"%%%%"}}'],
    ["no digit", '{"event":"dtmf","dtmf":{"digit":"x"}}'],
    ["a start without a stream", '{"event":"start","start":{"callId":"a"}}'],
    ["a start of unknown audio", startOf({ encoding: "audio/opus" })],
    ["a start at another rate", startOf({ encoding: "audio/x-l16", sampleRate: 44_100 })],
  ])("are refused with %s", (_what, message) => {
    expect(() => started().read(message)).toThrow(TransportError);
  });

  it("are refused with half a sample", () => {
    const wire = started({ encoding: "audio/x-l16", sampleRate: 16_000 });
    expect(() => wire.read('{"event":"media","media":{"payload":"AQID"}}')).toThrow(TransportError);
  });

  it("are answered with audio, checkpoints, a clear and keys", () => {
    const wire = started({ encoding: "audio/x-l16;rate=16000", sampleRate: 16_000 });
    expect(JSON.parse(wire.audio(Uint8Array.from([1, 2])) as string)).toEqual({
      event: "playAudio",
      media: { contentType: "audio/x-l16", sampleRate: 16_000, payload: "AQI=" },
    });
    expect(wire.mark("e1:1")).toBe('{"event":"checkpoint","streamId":"S1","name":"e1:1"}');
    expect(wire.clear()).toBe('{"event":"clearAudio","streamId":"S1"}');
    expect(wire.dtmf("12#")).toBe('{"event":"sendDTMF","dtmf":"12#"}');
    expect(wire.hangUp()).toBeUndefined();
  });
});

describe("plivo", () => {
  it.each([
    ["authId", { authId: "", authToken: TOKEN }],
    ["authToken", { authId: "MA1", authToken: "" }],
    ["contentType", { authId: "MA1", authToken: TOKEN, contentType: "audio/x-mulaw" as never }],
    ["publicUrl", { authId: "MA1", authToken: TOKEN, publicUrl: "example" }],
    ["apiUrl", { authId: "MA1", authToken: TOKEN, apiUrl: "example" }],
  ])("refuses a wrong %s", (option, options) => {
    expect(() => plivo(options)).toThrow(expect.objectContaining({ option }) as Error);
  });
});
