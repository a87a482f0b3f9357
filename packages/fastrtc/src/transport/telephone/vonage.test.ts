import { createHash, createHmac, generateKeyPairSync } from "node:crypto";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import {
  AuthenticationError,
  InvalidOptionError,
  NegotiationError,
  TransportError,
} from "../../errors.ts";
import type { CarrierWire } from "./carrier.ts";
import { vonage } from "./vonage.ts";

const SECRET = "vonage_test_secret_0123456789abcd";
const APPLICATION = "99999999-8888-7777-6666-555555555555";
const NOW = 1_700_000_000;
const CALL = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab";
const BODY = `{"from":"15550100001","to":"15550100002","uuid":"${CALL}","conversation_uuid":"CON-1"}`;
/** Made with node:crypto, and accepted by `verifySignature` of Vonage's own jwt package. */
const VECTOR =
  "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3MDAwMDAwMDAsImp0aSI6IjExMTExMTExLTIyMjItMzMzMy00NDQ0LTU1NTU1NTU1NTU1NSIsImlzcyI6IlZvbmFnZSIsImFwaV9rZXkiOiJhYmNkMTIzNCIsImFwcGxpY2F0aW9uX2lkIjoiOTk5OTk5OTktODg4OC03Nzc3LTY2NjYtNTU1NTU1NTU1NTU1IiwicGF5bG9hZF9oYXNoIjoiOGRkNzUyNmY2ODRlNjRhNzY1ODdlN2E0ODZhNTNmYmY5YzQ4MmE1OGI2NzlmNzA0MWZjMzM4YzFlZWFhM2ViZCJ9.7XmsBrjwAODXWq-yvJIn-bCrYLrZCsI-hIAV0CGCGzA";
const ROUTES = {
  webhookUrl: "https://voice.example.com/telephone/incoming",
  mediaUrl: "wss://voice.example.com/telephone/handler",
};

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const token = (claims: object): string => {
  const signed = `${part({ alg: "HS256" })}.${part({ iat: NOW, ...claims })}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
};
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const post = (jwt: string): Request =>
  new Request(ROUTES.webhookUrl, { method: "POST", headers: { authorization: `Bearer ${jwt}` } });
const get = (jwt: string, query: string): Request =>
  new Request(`${ROUTES.webhookUrl}?${query}`, { headers: { authorization: `Bearer ${jwt}` } });
const carrier = vonage({ publicUrl: "https://voice.example.com", signatureSecret: SECRET });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW * 1000 });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a Vonage webhook", () => {
  it("is read when Vonage has signed it and its body", async () => {
    await expect(carrier.announce(post(VECTOR), BODY, ROUTES)).resolves.toEqual({
      callId: CALL,
      from: "15550100001",
      to: "15550100002",
    });
  });

  it.each([
    ["a changed body", post(VECTOR), BODY.replace("0002", "0003")],
    ["a body that no hash covers", post(token({})), BODY],
    ["no token", new Request(ROUTES.webhookUrl, { method: "POST" }), BODY],
  ])("is refused with %s", async (_what, request, body) => {
    await expect(carrier.announce(request, body, ROUTES)).rejects.toThrow(AuthenticationError);
  });

  it("may come as a GET, whose query is hashed as JSON", async () => {
    const query = `to=15550100002&from=15550100001&uuid=${CALL}`;
    const json = `{"to":"15550100002","from":"15550100001","uuid":"${CALL}"}`;
    const call = { callId: CALL, from: "15550100001", to: "15550100002" };
    const signed = get(token({ payload_hash: sha256(json) }), query);
    await expect(carrier.announce(signed, "", ROUTES)).resolves.toEqual(call);
    await expect(carrier.announce(get(token({}), query), "", ROUTES)).resolves.toEqual(call);
    const forged = get(token({ payload_hash: sha256(json) }), `${query}&x=1`);
    await expect(carrier.announce(forged, "", ROUTES)).rejects.toThrow(AuthenticationError);
  });

  it("is refused when it is of another application than the one that was configured", async () => {
    const own = vonage({ signatureSecret: SECRET, applicationId: APPLICATION });
    const other = vonage({ signatureSecret: SECRET, applicationId: "other" });
    await expect(own.announce(post(VECTOR), BODY, ROUTES)).resolves.toBeDefined();
    await expect(other.announce(post(VECTOR), BODY, ROUTES)).rejects.toThrow(AuthenticationError);
  });

  it.each(["{", "[]", "{}", '{"uuid":""}'])("cannot be read from %s", async (body) => {
    const request = post(token({ payload_hash: sha256(body) }));
    await expect(carrier.announce(request, body, ROUTES)).rejects.toThrow(NegotiationError);
  });

  it("announces nothing when it tells what became of a call", async () => {
    const body = `{"uuid":"${CALL}","status":"completed"}`;
    const request = post(token({ payload_hash: sha256(body) }));
    await expect(carrier.announce(request, body, ROUTES)).resolves.toBeUndefined();
  });

  it("is answered with an NCCO that passes the call and the parameters along", async () => {
    const call = { callId: CALL, from: "15550100001", to: "15550100002" };
    const response = await carrier.answer(call, ROUTES, { language: "de-DE" });
    expect(response.headers.get("content-type")).toContain("application/json");
    expect(await response.json()).toEqual([
      {
        action: "connect",
        from: "15550100002",
        endpoint: [
          {
            type: "websocket",
            uri: ROUTES.mediaUrl,
            "content-type": "audio/l16;rate=16000",
            headers: {
              language: "de-DE",
              call_uuid: CALL,
              from: "15550100001",
              to: "15550100002",
            },
            authorization: { type: "vonage" },
          },
        ],
      },
    ]);
  });

  it.each([
    ["take a name that Vonage or we use", { event: "x" }],
    ["are larger than Vonage carries", { note: "é".repeat(250) }],
  ])("is not answered when the parameters %s", async (_what, params) => {
    const call = { callId: CALL, from: undefined, to: undefined };
    await expect(carrier.answer(call, ROUTES, params)).rejects.toThrow(InvalidOptionError);
  });
});

describe("a Vonage media socket", () => {
  const upgrade = (headers: Record<string, string>): Request =>
    new Request("https://voice.example.com/telephone/handler", { headers });

  it("is opened by a token of Vonage's alone", async () => {
    await expect(
      carrier.authorize(upgrade({ authorization: `Bearer ${token({})}` }), ROUTES),
    ).resolves.toBeUndefined();
    for (const headers of [
      {},
      { authorization: "Bearer x" },
      { authorization: `Basic ${token({})}` },
    ]) {
      await expect(carrier.authorize(upgrade({ ...headers }), ROUTES)).rejects.toThrow(
        AuthenticationError,
      );
    }
  });
});

describe("Vonage's messages", () => {
  const started = (rate = 16_000): CarrierWire => {
    const wire = carrier.wire(new Request(ROUTES.webhookUrl));
    wire.read(
      `{"event":"websocket:connected","content-type":"audio/l16;rate=${rate}","call_uuid":"${CALL}"}`,
    );
    return wire;
  };

  it("begin with the call, and with the parameters that the answer passed along", () => {
    const wire = carrier.wire(new Request(ROUTES.webhookUrl));
    const format = { codec: "pcm16", sampleRate: 8000, channels: 1 };
    const text = `{"event":"websocket:connected","content-type":"audio/l16;rate=8000","call_uuid":"${CALL}","from":"1","to":"2","language":"de","__proto__":"x"}`;
    const event = wire.read(text);
    expect(event).toMatchObject({
      type: "start",
      call: { callId: CALL, from: "1", to: "2", inputFormat: format, outputFormat: format },
    });
    expect(event?.type === "start" && Object.entries(event.call.params)).toEqual([
      ["language", "de"],
      ["__proto__", "x"],
    ]);
  });

  it("name a call themselves where the NCCO named none", () => {
    const wire = carrier.wire(new Request(ROUTES.webhookUrl));
    const event = wire.read(
      '{"event":"websocket:connected","content-type":"audio/l16;rate=24000"}',
    );
    expect(event?.type === "start" && event.call.callId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("are audio, keys, marks that were reached, and nothing else", () => {
    const wire = started();
    expect(wire.read(new Uint8Array(640))).toEqual({ type: "audio", data: new Uint8Array(640) });
    expect(wire.read('{"event":"websocket:dtmf","digit":"5","duration":260}')).toEqual({
      type: "dtmf",
      digit: "5",
    });
    expect(wire.read('{"event":"websocket:notify","payload":{"name":"e1:3"}}')).toEqual({
      type: "mark",
      name: "e1:3",
    });
    expect(wire.read('{"event":"websocket:cleared"}')).toBeUndefined();
    expect(wire.read('{"event":"websocket:new"}')).toBeUndefined();
    expect(wire.read("{}")).toBeUndefined();
  });

  it.each([
    ["half a sample", new Uint8Array(641)],
    ["no JSON", "{"],
    ["no object", "[]"],
    ["no digit", '{"event":"websocket:dtmf","digit":"55"}'],
    [
      "a rate that nobody asked for",
      '{"event":"websocket:connected","content-type":"audio/l16;rate=44100"}',
    ],
    ["no audio type", '{"event":"websocket:connected"}'],
  ])("are refused with %s", (_what, message) => {
    expect(() => started().read(message)).toThrow(TransportError);
  });

  it("are answered with raw audio of 20 ms, marks and a clear", () => {
    const wire = started();
    const data = Uint8Array.from([1, 2, 3, 4]);
    const sent = wire.audio(data);
    data.fill(0);
    expect(sent).toEqual(Uint8Array.from([1, 2, 3, 4]));
    expect(wire.messageMs).toBe(20);
    expect(wire.mark("e1:3")).toBe('{"action":"notify","payload":{"name":"e1:3"}}');
    expect(wire.clear()).toBe('{"action":"clear"}');
    expect(wire.hangUp()).toBeUndefined();
    expect(wire.dtmf("1")).toBeUndefined();
  });
});

describe("vonage", () => {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });

  it.each([
    ["signatureSecret", { signatureSecret: "" }],
    ["sampleRate", { signatureSecret: SECRET, sampleRate: 48_000 as 8000 }],
    ["publicUrl", { signatureSecret: SECRET, publicUrl: "voice.example.com" }],
    ["applicationId", { signatureSecret: SECRET, privateKey }],
    ["privateKey", { signatureSecret: SECRET, applicationId: "a", privateKey: "key" }],
    ["apiUrl", { signatureSecret: SECRET, apiUrl: "ftp://x" }],
  ])("refuses a wrong %s", (option, options) => {
    expect(() => vonage(options)).toThrow(expect.objectContaining({ option }) as Error);
  });

  it("leaves the end of a call to the socket's, without a key", () => {
    expect(carrier.hangUp).toBeUndefined();
    const withKey = vonage({ signatureSecret: SECRET, applicationId: APPLICATION, privateKey });
    expect(withKey.hangUp).toBeDefined();
  });
});
