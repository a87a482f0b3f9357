import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";

import { sineFrame } from "../../test/conformance-handlers.ts";
import { loudness } from "../../test/memory-call.ts";
import { RealtimeCaller } from "../../test/realtime-caller.ts";
import { startRealtimeServer } from "../../test/realtime-server.ts";
import type { RealtimeServer } from "../../test/realtime-server.ts";
import { ReplyOnPause } from "../handler/reply-on-pause.ts";
import { getRealtimeSession } from "../session/entry/realtime/realtime-session.ts";
import type { StreamOptions } from "../stream-options.ts";

const servers: RealtimeServer[] = [];
const seen: unknown[] = [];

afterEach(async () => {
  seen.length = 0;
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(options: Partial<StreamOptions> = {}): Promise<RealtimeServer> {
  const server = await startRealtimeServer({
    ...options,
    handler: new ReplyOnPause(
      function* (_audio, { context }) {
        const { instructions, voice } = getRealtimeSession()!;
        seen.push({ user: context.user, params: context.params, instructions, voice });
        yield sineFrame(500, 100);
      },
      { model: loudness },
    ),
  });
  servers.push(server);
  return server;
}

const AUTHENTICATE = {
  authenticate: (request: Request) => {
    const key = request.headers.get("authorization") ?? "";
    return key.startsWith("Bearer key-of-") ? key.slice("Bearer key-of-".length) : undefined;
  },
};

function post(
  url: string,
  body: BodyInit,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, { method: "POST", body, headers });
}

/** The HTTP status with which an upgrade is refused. */
async function refusal(url: string, protocols: string[] = []): Promise<unknown> {
  const socket = new WebSocket(url, protocols);
  socket.on("error", () => undefined);
  const [, response] = (await once(socket, "unexpected-response")) as [
    unknown,
    { statusCode: number; resume(): void },
  ];
  response.resume();
  return response.statusCode;
}

describe("WS /v1/realtime", () => {
  it("lets in by a header or by a browser's subprotocol, which it does not choose", async () => {
    const server = await serve(AUTHENTICATE);
    const byHeader = new RealtimeCaller(server.socketUrl, ["realtime"], {
      headers: { authorization: "Bearer key-of-ada" },
    });
    const byProtocol = new RealtimeCaller(server.socketUrl, [
      "realtime",
      "openai-insecure-api-key.key-of-bo",
      "openai-agents-sdk.0.20.0",
    ]);
    for (const caller of [byHeader, byProtocol]) {
      await caller.start();
      expect(caller.socket.protocol).toBe("realtime");
      caller.send({ type: "response.create" });
      await caller.next("response.done");
    }
    expect(seen).toMatchObject([{ user: "ada" }, { user: "bo" }]);
  });

  it("refuses who is not known, and what is not spoken, before it is open", async () => {
    const server = await serve(AUTHENTICATE);
    expect(await refusal(server.socketUrl, ["realtime"])).toBe(401);
    expect(await refusal(server.socketUrl, ["realtime", "openai-insecure-api-key.x"])).toBe(401);
    expect(await refusal(`${server.socketUrl}?call_id=rtc_1`)).toBe(404);
    expect(await refusal(`${server.socketUrl}?intent=transcription`)).toBe(404);
  });

  it("gives the handler what stands in the URL and in session.update", async () => {
    const server = await serve();
    const caller = await new RealtimeCaller(`${server.socketUrl}?model=big&language=de`).start();
    expect(caller.events[0]!["session"]).toMatchObject({ model: "big" });
    caller.send({
      type: "session.update",
      session: { instructions: "Be brief.", audio: { output: { voice: "cedar" } } },
    });
    caller.send({ type: "response.create" });
    await caller.next("response.done");
    expect(seen).toEqual([
      { user: undefined, params: { language: "de" }, instructions: "Be brief.", voice: "cedar" },
    ]);
  });

  it("bears malformed, binary and very long messages, and goes on", async () => {
    const server = await serve();
    const caller = await new RealtimeCaller(server.socketUrl).start();
    caller.sendText("{");
    caller.socket.send(Buffer.from([1, 2, 3]));
    caller.send({ type: "input_audio_buffer.append", audio: "*" });
    await caller.next("error", 3);
    caller.send({
      type: "input_audio_buffer.append",
      audio: Buffer.alloc(7_500_000).toString("base64"),
    });
    const begin = performance.now();
    caller.send({ type: "conversation.item.retrieve", item_id: "none", event_id: "late" });
    await caller.next("error", 4);
    // 156 s of audio must not be worked on in one go.
    expect(performance.now() - begin).toBeLessThan(1000);
    caller.send({ type: "input_audio_buffer.clear" });
    await caller.next("input_audio_buffer.cleared");
    caller.send({ type: "response.create" });
    await caller.next("response.done");
    expect(caller.isClosed).toBe(false);
  });

  it("ends a client that sends more than a message may have", async () => {
    const server = await serve();
    const caller = await new RealtimeCaller(server.socketUrl).start();
    const other = await new RealtimeCaller(server.socketUrl).start();
    caller.sendText("x".repeat(17 * 1024 * 1024));
    while (!caller.isClosed) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(caller.closeCode).toBe(1009);
    other.send({ type: "response.create" });
    await other.next("response.done");
  });
});

describe("POST /v1/realtime/client_secrets", () => {
  it("gives a key that stands for whoever asked, with what they set", async () => {
    const server = await serve(AUTHENTICATE);
    const url = `${server.url}/v1/realtime/client_secrets`;
    const json = { "content-type": "application/json" };
    expect((await post(url, "{}", json)).status).toBe(401);
    const response = await post(
      url,
      JSON.stringify({
        expires_after: { anchor: "created_at", seconds: 60 },
        session: { type: "realtime", instructions: "Be kind." },
      }),
      { ...json, authorization: "Bearer key-of-ada" },
    );
    const secret = (await response.json()) as { value: string; expires_at: number };
    expect(secret).toMatchObject({
      session: { type: "realtime", object: "realtime.session", instructions: "Be kind." },
    });
    expect(secret.expires_at - Date.now() / 1000).toBeLessThanOrEqual(60);
    const caller = new RealtimeCaller(server.socketUrl, [
      "realtime",
      `openai-insecure-api-key.${secret.value}`,
    ]);
    await caller.start();
    caller.send({ type: "response.create" });
    await caller.next("response.done");
    expect(seen).toMatchObject([{ user: "ada", instructions: "Be kind." }]);
  });

  it("gives no key for a key, which would live for ever", async () => {
    const server = await serve(AUTHENTICATE);
    const url = `${server.url}/v1/realtime/client_secrets`;
    const ask = (key: string): Promise<Response> =>
      post(url, "{}", { "content-type": "application/json", authorization: `Bearer ${key}` });
    const { value } = (await (await ask("key-of-ada")).json()) as { value: string };
    expect((await ask(value)).status).toBe(401);
  });
});

describe("POST /v1/realtime/calls", () => {
  it.each([
    ["application/json", "{}", 415],
    ["application/sdp", "", 400],
    ["application/sdp", "v=0", 400],
    ["multipart/form-data; boundary=x", "nonsense", 400],
  ])("refuses %s %j with an error as OpenAI's", async (type, body, status) => {
    const server = await serve();
    const response = await post(`${server.url}/v1/realtime/calls`, body, { "content-type": type });
    expect(response.status).toBe(status);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    expect(Object.keys(error)).toEqual(["message", "type", "code", "param"]);
    expect(error).toMatchObject({ type: "invalid_request_error", param: null });
    expect(server.stream.sessionCount).toBe(0);
  });

  it("takes an offer and a session in a form, and hangs up by id", async () => {
    const server = await serve();
    const form = new FormData();
    form.set("sdp", OFFER);
    form.set("session", JSON.stringify({ type: "realtime", instructions: "Be kind." }));
    const response = await post(`${server.url}/v1/realtime/calls`, form);
    expect(response.status).toBe(201);
    expect(response.headers.get("content-type")).toBe("application/sdp");
    expect(await response.text()).toContain("a=msid:");
    const location = response.headers.get("location")!;
    expect(location).toMatch(/^\/v1\/realtime\/calls\/rtc_[\w-]+$/);
    expect(server.stream.sessionCount).toBe(1);
    expect((await post(`${server.url}${location}/accept`, "")).status).toBe(404);
    expect((await post(`${server.url}/v1/realtime/calls/rtc_x/hangup`, "")).status).toBe(404);
    const foreign = `${server.url}/v1/realtime/calls/${location.split("_")[1]}/hangup`;
    expect((await post(foreign, "")).status).toBe(404);
    expect((await post(`${server.url}${location}/hangup`, "")).status).toBe(200);
    expect(server.stream.sessionCount).toBe(0);
  });

  it("refuses a form that the page of another site posts, which browsers do not ask about", async () => {
    const server = await serve();
    const form = (): FormData => {
      const filled = new FormData();
      filled.set("sdp", OFFER);
      return filled;
    };
    const url = `${server.url}/v1/realtime/calls`;
    const refused = await post(url, form(), { origin: "https://evil.example" });
    expect(refused.status).toBe(403);
    expect(server.stream.sessionCount).toBe(0);
    expect((await post(url, form(), { origin: server.url })).status).toBe(201);
    const open = await serve({ cors: { origins: ["https://app.example"] } });
    const allowed = await post(`${open.url}/v1/realtime/calls`, form(), {
      origin: "https://app.example",
    });
    expect(allowed.status).toBe(201);
  });

  it("refuses a session of another kind, and who is not known", async () => {
    const server = await serve(AUTHENTICATE);
    const form = new FormData();
    form.set("sdp", OFFER);
    form.set("session", JSON.stringify({ type: "transcription" }));
    expect((await post(`${server.url}/v1/realtime/calls`, form)).status).toBe(400);
    const refused = await post(`${server.url}/v1/realtime/calls`, OFFER, {
      "content-type": "application/sdp",
    });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({
      error: { message: "Incorrect API key provided.", code: "invalid_api_key" },
    });
  });
});

const OFFER = [
  "v=0",
  "o=- 1 2 IN IP4 127.0.0.1",
  "s=-",
  "t=0 0",
  "a=group:BUNDLE 0 1",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "c=IN IP4 0.0.0.0",
  "a=ice-ufrag:abcd",
  "a=ice-pwd:abcdefghijklmnopqrstuvwx",
  `a=fingerprint:sha-256 ${Array(32).fill("AB").join(":")}`,
  "a=setup:actpass",
  "a=mid:0",
  "a=sendrecv",
  "a=rtcp-mux",
  "a=rtpmap:111 opus/48000/2",
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
  "c=IN IP4 0.0.0.0",
  "a=ice-ufrag:abcd",
  "a=ice-pwd:abcdefghijklmnopqrstuvwx",
  `a=fingerprint:sha-256 ${Array(32).fill("AB").join(":")}`,
  "a=setup:actpass",
  "a=mid:1",
  "a=sctp-port:5000",
  "a=max-message-size:262144",
  "",
].join("\r\n");
