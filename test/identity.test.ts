/** Who may do what with whose session, over HTTP: nothing is allocated or logged for those who may not. */

import { createEnergyVad, ReplyOnPause, silentLogger, Stream } from "fastrtc";
import type { ListeningServer, Logger } from "fastrtc";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { NodeClient } from "./support/node-client.ts";
import { postJson, type JsonReply } from "./support/post-json.ts";
import { countUdpSockets } from "./support/udp-sockets.ts";
import { until } from "./support/until.ts";

const clients: NodeClient[] = [];
const streams: { close(): Promise<void> }[] = [];
const log: string[] = [];

const logger: Logger = {
  ...silentLogger,
  warn: (text, fields) => log.push(`${text} ${JSON.stringify(fields)}`),
  error: (text, fields) => log.push(`${text} ${JSON.stringify(fields)}`),
};

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const stream of streams.splice(0)) await stream.close();
  await until(() => countUdpSockets() === 0);
  log.length = 0;
});

function createClient(webrtcId?: string): NodeClient {
  const client = new NodeClient(webrtcId);
  clients.push(client);
  return client;
}

const handler = new ReplyOnPause(
  function* () {
    // Says nothing.
  },
  { model: createEnergyVad },
);

const USERS = new Map([
  ["Bearer ada", { id: "ada" }],
  ["Bearer eve", { id: "eve" }],
]);
const as = (name: string): Record<string, string> => ({ authorization: `Bearer ${name}` });

async function launch(isOpen = false): Promise<{ url: string; stream: Stream }> {
  const stream = new Stream({
    handler,
    modality: "audio",
    params: z.object({ language: z.enum(["de", "en"]).default("en") }),
    logger,
    ...(isOpen ? {} : { authenticate: whoIs }),
  });
  streams.push(stream);
  const server: ListeningServer = await stream.launch({ port: 0 });
  return { url: server.url, stream };
}

function whoIs(request: Request): { id: string } | undefined {
  return USERS.get(request.headers.get("authorization") ?? "");
}

const hook = (
  url: string,
  body: unknown,
  headers?: Readonly<Record<string, string>>,
): Promise<JsonReply> => postJson(`${url}input_hook`, body, headers);

const outputs = async (
  url: string,
  query: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> => {
  const controller = new AbortController();
  const { signal } = controller;
  const response = await fetch(`${url}outputs?${query}`, { headers, signal });
  controller.abort();
  return response.status;
};

const candidate = (webrtcId: string, token?: unknown): unknown => ({
  type: "ice-candidate",
  webrtc_id: webrtcId,
  candidate: { candidate: "", sdpMid: "0", sdpMLineIndex: 0 },
  ...(token === undefined ? {} : { session_token: token }),
});

describe("a server that authenticates its callers", () => {
  it("lets in whom it knows, and tells the handler who that is", async () => {
    const { url, stream } = await launch();
    const stranger = await createClient().negotiate(url);
    expect(stranger.status).toBe(401);
    expect(stranger.body).toEqual({
      status: "failed",
      meta: { error: "not_authorized", message: "Not authorized." },
    });
    expect(countUdpSockets()).toBe(0);
    const client = createClient("hers");
    await client.connect(url, { headers: as("ada"), body: { params: { language: "de" } } });
    const [context] = stream.contexts();
    expect(context).toMatchObject({ user: { id: "ada" }, params: { language: "de" } });
    expect(client.sessionToken).toMatch(/^[\w-]{43}$/);
  });

  it("gives TURN credentials to those only who may come in", async () => {
    const iceServers = [{ urls: "turn:turn.test", username: "u", credential: "secret" }];
    const stream = new Stream({
      handler,
      modality: "audio",
      authenticate: whoIs,
      rtcConfiguration: () => ({ iceServers }),
    });
    streams.push(stream);
    const { url } = await stream.launch({ port: 0 });
    const config = async (headers: Record<string, string>): Promise<unknown> => {
      const response = await fetch(`${url}config`, { headers });
      return ((await response.json()) as { rtcConfiguration: unknown }).rtcConfiguration;
    };
    expect(await config(as("ada"))).toEqual({ iceServers });
    expect(await config({})).toBeNull();
  });

  it("takes inputs, candidates and reads of outputs from the session's own client only", async () => {
    const { url } = await launch();
    const hers = createClient("hers");
    await hers.connect(url, { headers: as("ada") });
    const other = createClient("other");
    await other.connect(url, { headers: as("eve") });
    const token = hers.sessionToken!;
    const inputs = { webrtc_id: "hers", inputs: { a: 1 } };

    for (const wrong of [undefined, other.sessionToken, "made-up", "x".repeat(128)]) {
      const proof = wrong === undefined ? {} : { session_token: wrong };
      expect((await hook(url, { ...inputs, ...proof }, as("eve"))).status).toBe(401);
      const offer = `${url}webrtc/offer`;
      expect((await postJson(offer, candidate("hers", wrong), as("eve"))).status).toBe(401);
      const query = new URLSearchParams({ webrtc_id: "hers", ...proof });
      expect(await outputs(url, query.toString(), as("eve"))).toBe(401);
    }
    // The right token does not help who is nobody.
    expect((await hook(url, { ...inputs, session_token: token })).status).toBe(401);
    expect(await outputs(url, `webrtc_id=hers&session_token=${token}`)).toBe(401);

    expect((await hook(url, { ...inputs, session_token: token }, as("ada"))).status).toBe(200);
    const inHeader = { ...as("ada"), "x-session-token": token };
    expect((await hook(url, inputs, inHeader)).status).toBe(200);
    expect(await outputs(url, "webrtc_id=hers", inHeader)).toBe(200);
    expect(await outputs(url, `webrtc_id=hers&session_token=${token}`, as("ada"))).toBe(200);
    const own = candidate("hers", token);
    expect((await postJson(`${url}webrtc/offer`, own)).status).toBe(200);
  });

  it("gives a session back to its own client, and to nobody else", async () => {
    const { url, stream } = await launch();
    const first = createClient("hers");
    await first.connect(url, { headers: as("ada") });
    const [context] = stream.contexts();
    context!.state["turns"] = 2;
    const token = first.sessionToken!;
    first.closeChannel();
    await until(() => stream.sessionCount === 0);

    const stolen = await createClient("hers").negotiate(url, {
      headers: as("eve"),
      body: { session_token: "made-up" },
    });
    expect(stolen.status).toBe(401);
    expect((await createClient("hers").negotiate(url, { headers: as("eve") })).status).toBe(409);
    const late = await createClient("never").negotiate(url, {
      headers: as("ada"),
      body: { session_token: token },
    });
    expect(late.status).toBe(410);

    const second = createClient("hers");
    await second.connect(url, { headers: as("ada"), body: { session_token: token } });
    const [resumed] = stream.contexts();
    expect(resumed).toMatchObject({ resumed: true, state: { turns: 2 } });
  });
});

describe("bad input", () => {
  const OFFER = { type: "offer", sdp: "v=0" };

  it.each([
    ["an id of 10 kB", { ...OFFER, webrtc_id: "x".repeat(10_000) }, 422],
    ["an id with control characters", { ...OFFER, webrtc_id: "a\u0000b\n" }, 422],
    ["an id that is no text", { ...OFFER, webrtc_id: { toString: 1 } }, 422],
    ["a token that is no text", { ...OFFER, webrtc_id: "a", session_token: 7 }, 422],
    ["a token of 10 kB", { ...OFFER, webrtc_id: "a", session_token: "x".repeat(10_000) }, 422],
    ["a body that is too big", { ...OFFER, webrtc_id: "a", params: "x".repeat(200_000) }, 413],
    ["no object", [1], 422],
  ])("%s is refused, and nothing is kept or logged", async (_name, body, status) => {
    const { url, stream } = await launch(true);
    const reply = await postJson(`${url}webrtc/offer`, body);
    expect(reply.status).toBe(status);
    expect(reply.body).toMatchObject({ status: "failed", meta: { error: "invalid_request" } });
    expect(stream.sessionCount).toBe(0);
    expect(log).toEqual([]);
  });

  it("params that do not fit name their field; keys of prototypes change nothing", async () => {
    const { url, stream } = await launch(true);
    const wrong = await createClient().negotiate(url, { body: { params: { language: "xx" } } });
    expect(wrong.status).toBe(400);
    expect(wrong.body).toMatchObject({
      meta: { error: "invalid_request", issues: [{ path: "language" }] },
    });
    const sly = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{}}}') as object;
    await createClient("sly").connect(url, { body: { params: sly } });
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    const [context] = stream.contexts();
    expect(context?.params).toEqual({ language: "en" });
    expect(Object.getPrototypeOf(context?.params)).toBe(Object.prototype);
  });

  it("a wrong token is refused by an open server too; unknown ids are 404", async () => {
    const { url } = await launch(true);
    const client = createClient("open");
    await client.connect(url);
    const body = { webrtc_id: "open", inputs: {} };
    expect((await hook(url, body)).status).toBe(200);
    expect((await hook(url, { ...body, session_token: "made-up" })).status).toBe(401);
    expect((await hook(url, { webrtc_id: "nobody", inputs: {} })).status).toBe(404);
    expect(await outputs(url, "webrtc_id=nobody")).toBe(404);
  });
});

describe("readiness", () => {
  it("is off while the stream drains, and offers are told to come back", async () => {
    const { url, stream } = await launch(true);
    const client = createClient("in");
    await client.connect(url);
    expect((await fetch(`${url}ready`)).status).toBe(200);
    const drained = stream.drain(1500);
    const ready = await fetch(`${url}ready`);
    expect([ready.status, await ready.json()]).toEqual([503, { status: "draining", sessions: 1 }]);
    const refused = await createClient().negotiate(url);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(refused.body).toMatchObject({ meta: { error: "server_closing" } });
    // Who is in goes on, and is told when the time is over.
    expect((await hook(url, { webrtc_id: "in", inputs: {} })).status).toBe(200);
    await drained;
    expect(client.messages.at(-1)).toEqual({ type: "update_connection", data: "closed" });
  });
});
