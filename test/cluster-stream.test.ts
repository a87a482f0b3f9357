/** One stream in the two workers of `fastrtc start`: every request reaches its session. */

import { request } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FastrtcCli } from "./support/fastrtc-cli.ts";
import { freePort } from "./support/free-port.ts";
import { NodeClient } from "./support/node-client.ts";
import { until } from "./support/until.ts";

const APP = fileURLToPath(new URL("./support/cluster-stream-app.ts", import.meta.url));
/** The primary process gives connections to its workers in turn: both get some of these. */
const TRIES = 6;

let port: number;
let url: string;
let cli: FastrtcCli;
let client: NodeClient;

beforeEach(async () => {
  port = await freePort();
  url = `http://127.0.0.1:${port}/`;
  cli = new FastrtcCli(["start", APP, "--workers", "2", "--drain-seconds", "2", "--", `${port}`]);
  client = new NodeClient();
  await cli.waitForReports(2);
});
afterEach(async () => {
  client.close();
  await cli.close();
});

/**
 * Sends a request over a connection of its own, and returns the answer's beginning. Node does not
 * answer a connection that it has given to a worker in the moment of that one's death.
 */
function send(method: string, path: string, body?: unknown): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const sent = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, resolve);
    const onTimeout = (): unknown => sent.destroy(new Error("No answer."));
    sent.setTimeout(2_000, onTimeout).on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Sends a request, and returns the whole answer. */
async function ask(
  method: string,
  path: string,
  body?: unknown,
): Promise<{
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}> {
  const response = await send(method, path, body);
  const { statusCode: status, headers } = response;
  return { status, headers, body: await text(response) };
}

/** Reads a session's outputs, over a connection of its own, until they tell of these inputs. */
async function outputWith(inputs: readonly unknown[]): Promise<{ pid: number }> {
  const response = await send("GET", `/outputs?webrtc_id=${client.webrtcId}`);
  expect(response.statusCode).toBe(200);
  let read = "";
  for await (const chunk of response.setEncoding("utf8")) {
    read += chunk as string;
    const found = new RegExp(`^data: \\[(\\d+),\\[${inputs.join(",")}\\]\\]$`, "m").exec(read);
    if (!found) continue;
    response.destroy();
    return { pid: Number(found[1]) };
  }
  throw new Error(`The outputs ended: ${read}`);
}

it("reaches a session from every worker: candidates, inputs, outputs, the limit", async () => {
  await client.connect(url);
  for (let i = 0; i < TRIES; i++) {
    const inputs = { webrtc_id: client.webrtcId, inputs: [i] };
    expect((await ask("POST", "/input_hook", inputs)).status).toBe(200);
    const candidate = { candidate: "", sdpMid: "0", sdpMLineIndex: 0 };
    const trickled = { type: "ice-candidate", webrtc_id: client.webrtcId, candidate };
    expect((await ask("POST", "/webrtc/offer", trickled)).status).toBe(200);
  }
  const outputs = await Promise.all(Array.from({ length: TRIES }, () => outputWith([TRIES - 1])));
  expect(new Set(outputs.map(({ pid }) => pid)).size).toBe(1);

  for (let i = 0; i < TRIES; i++) {
    const stranger = new NodeClient();
    const { status, body } = await stranger.negotiate(url);
    stranger.close();
    expect([status, body]).toMatchObject([
      503,
      { meta: { error: "concurrency_limit_reached", limit: 1 } },
    ]);
  }
});

it("forgets the session of a worker that was killed, and lets the next one in", async () => {
  await client.connect(url);
  const { pid } = await outputWith([]);
  process.kill(pid, "SIGKILL");
  await vi.waitFor(async () => {
    const inputs = { webrtc_id: client.webrtcId, inputs: [1] };
    const { status, body } = await ask("POST", "/input_hook", inputs);
    expect([status, body]).toEqual([404, expect.stringContaining("unknown_connection")]);
  }, 10_000);
  client.close();
  client = new NodeClient();
  await client.connect(url);
  expect((await outputWith([])).pid).not.toBe(pid);
});

it("drains: refuses new sessions, says so, gives the running one its time, and closes it", async () => {
  await client.connect(url);
  expect((await ask("GET", "/ready")).status).toBe(200);
  cli.signal("SIGTERM");
  await vi.waitFor(async () => {
    expect((await ask("GET", "/ready")).status).toBe(503);
  }, 5_000);
  const stranger = new NodeClient();
  const sdp = await stranger.offer();
  const offer = { type: "offer", webrtc_id: stranger.webrtcId, sdp };
  for (let i = 0; i < 2; i++) {
    const refusal = await ask("POST", "/webrtc/offer", offer);
    expect([refusal.status, refusal.body]).toEqual([
      503,
      expect.stringContaining("server_closing"),
    ]);
    expect(refusal.headers["retry-after"]).toMatch(/^\d+$/);
  }
  stranger.close();
  expect(client.isChannelClosed).toBe(false);
  expect(await cli.ended).toEqual({ code: 0, signal: null });
  await until(() => client.isChannelClosed);
  expect(client.messagesOf("update_connection")).toMatchObject([{ data: "closed" }]);
});
