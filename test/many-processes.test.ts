/**
 * One stream in two processes, joined by a real Redis, behind a load balancer that knows nothing of
 * sessions: what one session needs arrives wherever it arrives, and what fails fails alone.
 */

import type { ServerMessage } from "@fastrtc/protocol";
import { AudioFrame, type SessionContextData } from "fastrtc";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { startRedisServer, type RedisServer } from "../packages/fastrtc/test/redis-server.ts";
import { startCutProxy } from "./support/cut-proxy.ts";
import type {
  ManyProcessesInfo,
  ManyProcessesOptions,
  TurnReport,
} from "./support/many-processes-app.ts";
import { NodeClient } from "./support/node-client.ts";
import { OutputReader } from "./support/output-reader.ts";
import { postJson, type JsonReply } from "./support/post-json.ts";
import { startRoundRobinProxy, type RoundRobinProxy } from "./support/round-robin-proxy.ts";
import { runScript, type ScriptProcess } from "./support/run-script.ts";
import { tone, toneShares } from "./support/tone.ts";
import { until } from "./support/until.ts";

const APP = new URL("./support/many-processes-app.ts", import.meta.url);
const KEY = { authorization: "Bearer key" };
const BEEP_HZ = 700;
/** After a pause of this length in a reply, somebody would wonder. */
const GAP_MS = 100;
const DEAD_AFTER_MS = 3_000;
const LIMIT = 3;
const OPTIONS = {
  heartbeatMs: 250,
  deadAfterMs: DEAD_AFTER_MS,
  concurrencyLimit: LIMIT,
  drainMs: 2_500,
  beepHz: BEEP_HZ,
} as const satisfies Partial<ManyProcessesOptions>;

interface Server extends ManyProcessesInfo {
  readonly process: ScriptProcess;
  /** Where it is reached past the proxy. */
  readonly url: string;
}

let redis: RedisServer;
/** Two that live through all tests. */
let pair: readonly [Server, Server];
let proxy: RoundRobinProxy;
const closers: (() => unknown)[] = [];

async function startServer(redisUrl = redis.url): Promise<Server> {
  const options: ManyProcessesOptions = { ...OPTIONS, redisUrl };
  const process = runScript(APP, [JSON.stringify(options)]);
  const info = JSON.parse(await process.nextLine()) as ManyProcessesInfo;
  return { ...info, process, url: `http://127.0.0.1:${info.port}/` };
}

beforeAll(async () => {
  redis = await startRedisServer();
  pair = await Promise.all([startServer(), startServer()]);
  proxy = await startRoundRobinProxy(pair.map(({ port }) => port));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await vi.waitFor(async () => expect(await app(pair[0], "count")).toBe(0), 10_000);
});
afterAll(async () => {
  await proxy.close();
  for (const { process } of pair) await process.kill();
  await redis.stop();
});

/** Does in a process what its application can do. */
async function app(server: Server, command: string, id = "", value?: unknown): Promise<unknown> {
  const { status, body } = await postJson(`${server.url}app/${command}`, { id, value });
  if (status !== 200) throw new Error(String(body["error"]));
  return body["result"];
}

/** A client whose session begins where the URL leads. */
async function call(url: string, body: object = {}, id?: string): Promise<NodeClient> {
  const client = new NodeClient(id);
  closers.push(() => client.close());
  closers.push(() => client.closeChannel());
  await client.connect(url, { headers: KEY, body: { ...body } });
  return client;
}

/** Tries to begin a session. */
async function knock(url: string, body: object = {}, id?: string): Promise<JsonReply> {
  const client = new NodeClient(id);
  try {
    return await client.negotiate(url, { headers: KEY, body: { ...body } });
  } finally {
    client.close();
  }
}

/** What its client proves itself with. */
const proofOf = (client: NodeClient): { webrtc_id: string; session_token: string } => ({
  webrtc_id: client.webrtcId,
  session_token: client.sessionToken ?? "",
});

const setInputs = (url: string, client: NodeClient, inputs: unknown): Promise<JsonReply> =>
  postJson(`${url}input_hook`, { ...proofOf(client), inputs }, KEY);

async function readOutputs(url: string, client: NodeClient): Promise<OutputReader<TurnReport>> {
  const reader = new OutputReader<TurnReport>();
  closers.push(() => reader.close());
  return await reader.open(`${url}outputs?${new URLSearchParams(proofOf(client))}`, KEY);
}

/** Says something, and returns what the reply to it says. */
async function takeTurn(client: NodeClient): Promise<TurnReport> {
  const seen = client.messagesOf("fetch_output").length;
  await say(client);
  await until(() => client.messagesOf("fetch_output").length > seen);
  return client.messagesOf("fetch_output")[seen]?.data[0] as TurnReport;
}

async function say(client: NodeClient): Promise<void> {
  // Quiet first: what a detector by energy hears first it takes for the noise of the room.
  const [before, after] = [200, 750].map((ms) => AudioFrame.silence(ms, 48_000));
  await client.speak(AudioFrame.concat([before!, tone(300, 500), after!]));
}

/** Has a client hear a long beep; returns how to find out whether it was heard without a gap. */
async function listen(client: NodeClient): Promise<() => Promise<void>> {
  const first = client.arrivals.length;
  await takeTurn(client);
  await until(() => client.arrivals.length > first + 10);
  const begin = performance.now();
  return async () => {
    const end = performance.now();
    await until(() => (client.arrivals.at(-1) ?? 0) > end);
    const arrivals = client.arrivals.filter((at) => at >= begin);
    const gaps = arrivals.map((at, index) => at - (arrivals[index - 1] ?? begin));
    expect(Math.max(...gaps)).toBeLessThan(GAP_MS);
    expect(arrivals.length * 20).toBeGreaterThan(0.95 * (end - begin));
    expect(toneShares(client.heard(), [BEEP_HZ])[0]).toBeGreaterThan(0.9);
  };
}

const refusal = (error: string): unknown => ({ status: "failed", meta: { error } });

const lastMessage = (client: NodeClient): ServerMessage | undefined => client.messages.at(-1);

describe("a session in one of two processes", () => {
  it("takes candidates, inputs and reads of outputs that reach the other", async () => {
    const [here, there] = [proxy.at(0), proxy.at(1)];
    const client = new NodeClient();
    closers.push(() => client.close());
    closers.push(() => client.closeChannel());
    const offer = await client.offer();
    const sdp = offer.replaceAll(/^a=(candidate:|end-of-candidates).*\r\n/gm, "");
    expect((await client.negotiate(here, { headers: KEY, body: { sdp } })).status).toBe(200);
    const candidates = [...offer.matchAll(/^a=(candidate:.*)\r$/gm)].map(([, line]) => line);
    expect(candidates.length).toBeGreaterThan(0);
    for (const candidate of [...candidates, ""]) {
      const trickled = { candidate, sdpMid: "0", sdpMLineIndex: 0 };
      const body = { type: "ice-candidate", ...proofOf(client), candidate: trickled };
      expect((await postJson(`${there}webrtc/offer`, body)).status).toBe(200);
      const forged = { ...body, session_token: "made-up" };
      expect((await postJson(`${there}webrtc/offer`, forged)).status).toBe(401);
    }
    await client.connected();

    const reader = await readOutputs(there, client);
    expect((await setInputs(there, client, ["soft"])).status).toBe(200);
    expect(await takeTurn(client)).toEqual({
      ...{ pid: pair[0].pid, resumed: false },
      ...{ stored: 1, inState: 1, inputs: ["soft"] },
    });
    expect(await reader.after(0)).toMatchObject({ pid: pair[0].pid, stored: 1 });

    const id = { webrtc_id: client.webrtcId };
    for (const proof of [{}, { session_token: "made-up" }]) {
      const inputs = { ...id, ...proof, inputs: ["loud"] };
      expect((await postJson(`${there}input_hook`, inputs, KEY)).status).toBe(401);
      const query = new URLSearchParams({ ...id, ...proof });
      expect((await fetch(`${there}outputs?${query}`, { headers: KEY })).status).toBe(401);
    }
  });

  it("is reached by the application of the other: describe, send, store, close", async () => {
    const client = await call(proxy.at(0));
    const { webrtcId } = client;
    await takeTurn(client);
    const described = (await app(pair[1], "describe", webrtcId)) as SessionContextData;
    expect(described).toMatchObject({ webrtcId, userId: "ada", params: { beepMs: 300 } });
    await app(pair[1], "send", webrtcId, { from: "the other" });
    await until(() => client.messagesOf("message").length > 0);
    expect(client.messagesOf("message")[0]?.data).toEqual({ from: "the other" });
    expect(await app(pair[1], "turns", webrtcId)).toBe(1);
    await app(pair[1], "close", webrtcId);
    await until(() => client.isChannelClosed);
    expect(lastMessage(client)).toEqual({ type: "end_stream", data: "Good-bye." });
    await expect(app(pair[1], "send", webrtcId, 1)).rejects.toThrow(/No session|has ended/);
  });

  it("counts in both: the limit holds, and no id is given twice", async () => {
    const first = await call(proxy.url);
    for (const url of [proxy.at(0), proxy.at(1)]) {
      const { status, body } = await knock(url, {}, first.webrtcId);
      expect([status, body]).toMatchObject([409, refusal("connection_already_exists")]);
    }
    await call(proxy.url);
    const last = await call(proxy.url);
    for (const url of [proxy.at(0), proxy.at(1)]) {
      const { status, body, headers } = await knock(url);
      expect([status, body]).toMatchObject([
        503,
        { meta: { error: "concurrency_limit_reached", limit: LIMIT } },
      ]);
      expect(headers.get("retry-after")).toMatch(/^\d+$/);
    }
    last.closeChannel();
    await vi.waitFor(() => call(proxy.url), 5_000);
  });

  it("goes on there with its state when its client comes back by way of the other", async () => {
    const first = await call(proxy.at(0));
    await takeTurn(first);
    const back = await call(proxy.at(1), proofOf(first), first.webrtcId);
    expect(await takeTurn(back)).toMatchObject({
      ...{ pid: pair[0].pid, resumed: true },
      ...{ stored: 2, inState: 2 },
    });
    expect(back.sessionToken).toBe(first.sessionToken);
  });
});

describe("a process that ends", () => {
  it("by kill -9 loses its own sessions only, and their clients go on with the survivor", async () => {
    const [, survivor] = pair;
    const victim = await startServer();
    closers.push(() => victim.process.kill());
    const balancer = await startRoundRobinProxy([victim.port, survivor.port]);
    closers.push(() => balancer.close());
    const [lost, other] = [await call(balancer.at(0)), await call(balancer.at(1), long())];
    await takeTurn(lost);
    const before = (await app(survivor, "describe", lost.webrtcId)) as SessionContextData;
    const reader = await readOutputs(balancer.at(1), lost);
    const wasWhole = await listen(other);

    await victim.process.kill();
    // Nobody can know yet that it is dead: who asks is told to ask again.
    const early = [
      await setInputs(balancer.url, lost, []),
      await knock(balancer.url, proofOf(lost), lost.webrtcId),
    ];
    for (const { status, headers, body } of early) {
      expect([status, body]).toMatchObject([503, refusal("unavailable")]);
      expect(headers.get("retry-after")).toBe("5");
    }
    await vi.waitFor(async () => expect(await app(survivor, "count")).toBe(1), 3 * DEAD_AFTER_MS);
    await until(() => reader.isEnded);
    const late = await setInputs(balancer.url, lost, []);
    expect([late.status, late.body]).toMatchObject([404, refusal("unknown_connection")]);

    const back = await call(balancer.url, proofOf(lost), lost.webrtcId);
    expect(await takeTurn(back)).toMatchObject({
      ...{ pid: survivor.pid, resumed: true },
      // The state died with the process, the store did not.
      ...{ stored: 2, inState: 1 },
    });
    expect(await app(survivor, "describe", lost.webrtcId)).toMatchObject({
      createdAt: before.createdAt,
    });
    await wasWhole();
  });

  it("by SIGTERM takes no offers, and has a word for who is still there when time is over", async () => {
    const [, survivor] = pair;
    const leaving = await startServer();
    closers.push(() => leaving.process.kill());
    const client = await call(leaving.url);
    const { webrtcId } = client;
    expect((await fetch(`${leaving.url}ready`)).status).toBe(200);
    process.kill(leaving.pid, "SIGTERM");
    await vi.waitFor(async () => {
      expect((await fetch(`${leaving.url}ready`)).status).toBe(503);
    }, 2_000);
    const { status, body, headers } = await knock(leaving.url);
    expect([status, body]).toMatchObject([503, refusal("server_closing")]);
    expect(headers.get("retry-after")).toBe("5");
    // Who is in goes on.
    expect(await app(survivor, "describe", webrtcId)).toMatchObject({ webrtcId });
    expect(client.isChannelClosed).toBe(false);
    expect(await leaving.process.end()).toBe(0);
    await until(() => client.isChannelClosed);
    expect(lastMessage(client)).toEqual({ type: "update_connection", data: "closed" });
    expect(await app(survivor, "count")).toBe(0);
    expect((await setInputs(survivor.url, client, [])).status).toBe(404);
  });
});

describe("a process that is cut off from Redis", () => {
  it("gives up a session that its client has taken elsewhere meanwhile", async () => {
    const [, other] = pair;
    const cable = await startCutProxy(redis.url);
    closers.push(() => cable.close());
    const island = await startServer(`redis://${new URL(cable.url).host}`);
    closers.push(() => island.process.kill());
    const first = await call(island.url);
    await takeTurn(first);
    cable.cut();
    await vi.waitFor(async () => {
      expect(await app(other, "count")).toBe(0);
    }, 3 * DEAD_AFTER_MS);
    const second = await call(other.url, proofOf(first), first.webrtcId);
    expect(first.isChannelClosed).toBe(false);
    cable.mend();
    await until(() => first.isChannelClosed);
    expect(lastMessage(first)).toEqual({ type: "update_connection", data: "closed" });
    await vi.waitFor(async () => {
      expect((await setInputs(island.url, second, ["by the island"])).status).toBe(200);
    }, 5_000);
    expect(await takeTurn(second)).toMatchObject({
      ...{ pid: other.pid, resumed: true, stored: 2, inputs: ["by the island"] },
    });
  });
});

describe("Redis that goes away and comes back empty", () => {
  it("interrupts no sound, refuses what it must, and is then told everything again", async () => {
    const [here, there] = pair;
    const logs = (): Promise<string[][]> =>
      Promise.all(pair.map(async (one) => (await app(one, "log")) as string[]));
    const before = (await logs()).map((lines) => lines.length);
    const [listener, speaker] = [await call(proxy.at(0), long()), await call(proxy.at(1))];
    await takeTurn(speaker);
    const wasWhole = await listen(listener);

    await redis.kill();
    for (const url of [proxy.at(0), proxy.at(1)]) {
      const beganAt = performance.now();
      const { status, body, headers } = await knock(url);
      expect([status, body]).toMatchObject([503, refusal("unavailable")]);
      expect(headers.get("retry-after")).toBe("5");
      expect(performance.now() - beganAt).toBeLessThan(2_000);
    }
    // Where the session lives, it can be reached.
    expect((await setInputs(here.url, listener, ["still"])).status).toBe(200);
    expect((await setInputs(there.url, listener, ["not now"])).status).toBe(503);
    await expect(app(there, "send", listener.webrtcId, 1)).rejects.toThrow("does not answer");
    await expect(app(there, "turns", speaker.webrtcId)).rejects.toThrow(/Redis.*cannot be reached/);
    // A reply that cannot do without the store fails alone.
    await say(speaker);
    await until(() => speaker.messagesOf("error").length > 0);
    expect(JSON.stringify(speaker.messagesOf("error"))).not.toContain("Redis");

    await redis.start();
    const known = async (): Promise<unknown> =>
      Promise.all(pair.map((one) => app(one, "count").catch(() => "away")));
    await vi.waitFor(async () => expect(await known()).toEqual([2, 2]), 10_000);
    await vi.waitFor(async () => {
      expect((await setInputs(there.url, listener, ["again"])).status).toBe(200);
    }, 5_000);
    await wasWhole();

    // It has forgotten the turn before, and counts anew.
    expect(await takeTurn(speaker)).toMatchObject({ stored: 1, inState: 3 });
    expect(await app(here, "turns", speaker.webrtcId)).toBe(1);
    await call(proxy.url);
    const { status, body } = await knock(proxy.url);
    expect([status, body]).toMatchObject([503, refusal("concurrency_limit_reached")]);

    for (const [index, lines] of (await logs()).entries()) {
      const said = lines.slice(before[index]);
      const counts = ["trying again until it can", "is back"].map(
        (text) => said.filter((line) => line.includes(text)).length,
      );
      expect(counts).toEqual([1, 1]);
      // One line for each request that failed, and no more: the process itself repeats nothing.
      expect(said.length).toBeLessThan(10);
    }
  });
});

/** Parameters of a session whose beeps last longer than any test listens. */
function long(): object {
  return { params: { beepMs: 40_000 } };
}
