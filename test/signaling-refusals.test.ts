/** What a server refuses, in which words, and that it holds nothing for what it has refused. */

import { request } from "node:http";
import { silentLogger, Stream, type ListeningServer } from "fastrtc";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EchoHandler } from "./support/echo-handler.ts";
import { NodeClient } from "./support/node-client.ts";
import { postJson, type JsonReply } from "./support/post-json.ts";
import { countUdpSockets } from "./support/udp-sockets.ts";
import { until } from "./support/until.ts";

const clients: NodeClient[] = [];
let stream: Stream;
let server: ListeningServer;

beforeEach(async () => {
  stream = new Stream({
    handler: new EchoHandler(),
    modality: "audio",
    concurrencyLimit: 1,
    logger: silentLogger,
  });
  server = await stream.launch({ port: 0 });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await stream.close();
  await until(() => countUdpSockets() === 0);
});

function createClient(webrtcId?: string): NodeClient {
  const client = new NodeClient(webrtcId);
  clients.push(client);
  return client;
}

const post = (body: unknown): Promise<JsonReply> => postJson(`${server.url}webrtc/offer`, body);

const candidate = (line: string, webrtcId: string): unknown => ({
  candidate: { candidate: line, sdpMid: "0", sdpMLineIndex: 0 },
  webrtc_id: webrtcId,
  type: "ice-candidate",
});

const HOST_CANDIDATE = "candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host";

function expectFailure(reply: JsonReply, status: number, error: string): void {
  expect(reply.body).toMatchObject({ status: "failed", meta: { error } });
  expect(reply.status).toBe(status);
  expect(reply.headers.get("content-type")).toBe("application/json");
}

/** Offers that no server can answer. */
const BAD_OFFERS: readonly (readonly [
  what: string,
  status: number,
  alter: (sdp: string) => string,
])[] = [
  ["without SDP in it", 400, () => "hello"],
  ["without media", 400, (sdp) => sdp.slice(0, sdp.indexOf("m="))],
  ["without a fingerprint", 400, (sdp) => sdp.replaceAll(/^a=fingerprint:.*\r\n/gm, "")],
  ["without ICE", 400, (sdp) => sdp.replaceAll(/^a=ice-(ufrag|pwd):.*\r\n/gm, "")],
  ["without Opus", 415, (sdp) => sdp.replaceAll("opus/48000/2", "speex/16000")],
  ["with a video track that nobody wants", 415, (sdp) => `${sdp}${VIDEO}`],
];

const VIDEO = [
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "c=IN IP4 0.0.0.0",
  "a=mid:7",
  "a=sendrecv",
  "a=rtcp-mux",
  "a=rtpmap:96 VP8/90000",
  "",
].join("\r\n");

describe("an offer that cannot be answered", () => {
  it.each(BAD_OFFERS)(
    "%s is refused with %d, and its place stays free",
    async (_, status, alter) => {
      const client = createClient();
      const sdp = alter(await client.offer());
      const reply = await post({ sdp, type: "offer", webrtc_id: client.webrtcId });
      expectFailure(reply, status, "invalid_offer");
      expect(stream.sessionCount).toBe(0);
      await until(() => countUdpSockets() === 0);

      // The limit is one: a place that leaked would refuse this one.
      await createClient(client.webrtcId).connect(server.url);
      expect(stream.sessionCount).toBe(1);
    },
  );

  it("is refused for a body that is none", async () => {
    expectFailure(await post({ type: "offer", webrtc_id: "a" }), 422, "invalid_request");
    expectFailure(await post({ sdp: "", type: "offer", webrtc_id: "a" }), 422, "invalid_request");
    expectFailure(await post({ sdp: "v=0", type: "offer" }), 422, "invalid_request");
    expectFailure(await post({ sdp: "v=0", webrtc_id: "a" }), 422, "invalid_request");
    expectFailure(
      await post({ sdp: "v=0", type: "pranswer", webrtc_id: "a" }),
      422,
      "invalid_request",
    );
    expectFailure(await post(["offer"]), 422, "invalid_request");
    expectFailure(
      await post({ type: "offer", sdp: "x", webrtc_id: "a\n" }),
      422,
      "invalid_request",
    );
    expectFailure(
      await post({ type: "offer", sdp: "x", webrtc_id: "a".repeat(129) }),
      422,
      "invalid_request",
    );
    expect(stream.sessionCount).toBe(0);
    expect(countUdpSockets()).toBe(0);
  });

  it("is refused beyond 64 kB, and not read beyond 100 kB", async () => {
    const sdp = (await createClient().offer()).padEnd(65_537, "\n");
    expectFailure(await post({ sdp, type: "offer", webrtc_id: "a" }), 413, "invalid_request");
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const pending = request(`${server.url}webrtc/offer`, {
        method: "POST",
        headers: { "content-type": "application/json" },
      });
      pending.on("response", (response) => {
        resolve(response.statusCode);
        pending.destroy();
      });
      pending.on("error", reject);
      // A body of unknown length that never ends.
      pending.write("x".repeat(120_000));
    });
    expect(status).toBe(413);
    expect(stream.sessionCount).toBe(0);
  });
});

describe("the limit", () => {
  it("of one means one, says when to come back, and frees the place with its session", async () => {
    const first = createClient();
    await first.connect(server.url);
    const second = createClient();
    const reply = await second.negotiate(server.url);
    expectFailure(reply, 503, "concurrency_limit_reached");
    expect(reply.body).toMatchObject({ meta: { limit: 1 } });
    expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(stream.sessionCount).toBe(1);

    first.closeChannel();
    await until(() => stream.sessionCount === 0);
    await createClient().connect(server.url);
  });

  it("lets one of five through that come at the same moment", async () => {
    const five = Array.from({ length: 5 }, () => createClient());
    await Promise.all(five.map((client) => client.offer()));
    const replies = await Promise.all(five.map((client) => client.negotiate(server.url)));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 503, 503, 503, 503]);
    expect(stream.sessionCount).toBe(1);
  });

  it("is asked after the id: a taken id is a conflict", async () => {
    const client = createClient("same");
    await client.connect(server.url);
    const reply = await createClient("same").negotiate(server.url);
    expectFailure(reply, 409, "connection_already_exists");
    expect(stream.sessionCount).toBe(1);
    expect(client.isChannelClosed).toBe(false);
  });
});

describe("a candidate", () => {
  it("of no session is refused", async () => {
    expectFailure(await post(candidate(HOST_CANDIDATE, "nobody")), 404, "unknown_connection");
    expect(stream.sessionCount).toBe(0);
  });

  it("of a session that has ended is told so", async () => {
    const client = createClient();
    await client.connect(server.url);
    client.closeChannel();
    await until(() => stream.sessionCount === 0);
    const reply = await post(candidate(HOST_CANDIDATE, client.webrtcId));
    expectFailure(reply, 410, "connection_closed");
  });

  it.each(["nonsense", "candidate:1", "candidate:1 1 udp x 127.0.0.1 50000 typ host"])(
    "that reads %j is refused, and the session goes on",
    async (line) => {
      const client = createClient();
      await client.connect(server.url);
      expectFailure(await post(candidate(line, client.webrtcId)), 400, "invalid_candidate_format");
      expectFailure(
        await post({ candidate: 7, webrtc_id: client.webrtcId, type: "ice-candidate" }),
        400,
        "invalid_candidate_format",
      );
      expect((await post(candidate("", client.webrtcId))).body).toEqual({ status: "success" });
      expect(stream.sessionCount).toBe(1);
    },
  );

  it("is one of hundreds without costing a socket each", async () => {
    const client = createClient();
    const line = (port: number): string =>
      `candidate:${port} 1 udp 2122260223 192.0.2.1 ${port} typ host`;
    await client.negotiate(server.url);
    const before = countUdpSockets();
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, i) => post(candidate(line(20_000 + i), client.webrtcId))),
    );
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect(countUdpSockets()).toBe(before);
    expect(stream.sessionCount).toBe(1);
  });
});

describe("inputs and outputs", () => {
  it("of no session are refused", async () => {
    const inputs = await postJson(`${server.url}input_hook`, { webrtc_id: "nobody", a: 1 });
    expectFailure(inputs, 404, "unknown_connection");
    const outputs = await fetch(`${server.url}outputs?webrtc_id=nobody`);
    expect(outputs.status).toBe(404);
    expect(await outputs.json()).toMatchObject({ meta: { error: "unknown_connection" } });
    expect((await fetch(`${server.url}outputs`)).status).toBe(422);
  });
});
