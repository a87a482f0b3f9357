/** Clients that mean harm, or are broken, on real sockets: each is shown the door, nobody else notices. */

import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import {
  INPUT_RATE,
  OUTPUT_RATE,
  sine,
  sineFrame,
  Witness,
  WitnessHandler,
} from "../../../test/conformance-handlers.ts";
import { WebSocketCaller } from "../../../test/websocket-caller.ts";
import { startWebSocketServer } from "../../../test/websocket-server.ts";
import type { WebSocketServer } from "../../../test/websocket-server.ts";

let server: WebSocketServer;
let witness: Witness;

afterEach(() => server.close());

async function start(script: ConstructorParameters<typeof WitnessHandler>[1] = () => []) {
  witness = new Witness();
  server = await startWebSocketServer({ handler: new WitnessHandler(witness, script) });
}

let ids = 0;
const rates = { inputRate: INPUT_RATE, outputRate: OUTPUT_RATE };
const connect = (): Promise<WebSocketCaller> =>
  new WebSocketCaller({ url: server.url, webrtcId: `caller-${ids++}`, ...rates }).start();

const until = (isTrue: () => boolean): Promise<void> =>
  expect.poll(isTrue, { timeout: 5_000, interval: 10 }).toBe(true);

describe("a WebSocket's client", () => {
  it.each([
    ["a text of 10 MB", "x".repeat(10_000_000)],
    ["a binary message of 10 MB", Buffer.alloc(10_000_000)],
  ])("that sends %s is closed with 1009, and its session ends", async (_what, message) => {
    await start();
    const other = await connect();
    const caller = await connect();
    caller.socket.send(message);
    await until(() => server.sessions.registry.size === 1);
    await until(() => caller.isClosed);
    expect(caller.closeCode).toBe(1009);
    await other.say(sine(400, 100, INPUT_RATE));
    expect(other.isClosed).toBe(false);
  });

  it("that announces 10 MB is closed before any of it has come", async () => {
    await start();
    const { hostname, port, pathname } = new URL(server.url);
    const socket = net.connect(Number(port), hostname);
    socket.write(
      [
        `GET ${pathname} HTTP/1.1`,
        ...["host: test", "connection: Upgrade", "upgrade: websocket"],
        ...["sec-websocket-version: 13", "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="],
        "\r\n",
      ].join("\r\n"),
    );
    await once(socket, "data");
    // A masked text frame with a length of eight bytes: RFC 6455 section 5.2.
    socket.write(Buffer.from("81ff0000000000989680", "hex"));
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString("hex")).toMatch(/^880203f1/);
    socket.destroy();
  });

  it("that sends rubbish reads what is wrong, goes on, and is closed when it does not stop", async () => {
    await start();
    const caller = await connect();
    caller.sendText("{");
    caller.sendJson({ event: "media", media: { payload: "§§§" } });
    await until(() => caller.messages.length === 2);
    expect(caller.messages.map(({ type }) => type)).toEqual(["error", "error"]);
    await caller.say(sine(400, 60, INPUT_RATE));
    await until(() => witness.received.has(caller.webrtcId));
    for (let i = 0; i < 30; i++) caller.sendText("{");
    await until(() => caller.isClosed);
    expect(caller.closeCode).toBe(4400);
  });

  it("that starts twice, or speaks before it starts, is told and closed", async () => {
    await start();
    const twice = await connect();
    twice.sendJson({ event: "start", websocket_id: "again" });
    const early = new WebSocketCaller({ url: server.url, webrtcId: "early", ...rates });
    await once(early.socket, "open");
    early.sendJson({ event: "media", media: { payload: "AAAA" } });
    await until(() => twice.isClosed && early.isClosed);
    for (const caller of [twice, early]) {
      expect(caller.closeCode).toBe(4400);
      expect(caller.messages.at(-1)?.type).toBe("error");
    }
  });

  it("that does not read is given up before what it is sent fills the memory", async () => {
    await start();
    const slow = await connect();
    const other = await connect();
    slow.socket.pause();
    const [session] = server.sessions.registry.sessions();
    expect(session?.context.webrtcId).toBe(slow.webrtcId);
    for (let sent = 0; server.sessions.registry.size === 2; sent++) {
      // The kernel takes some of it; a socket that is being closed takes no more.
      expect(sent).toBeLessThan(5_000);
      session?.context.send("x".repeat(40_000));
      await sleep(1);
    }
    await other.say(sine(400, 100, INPUT_RATE));
    expect(other.isClosed).toBe(false);
  });

  it("that never answers a close is cut after three seconds", async () => {
    await start();
    const caller = await connect();
    await until(() => server.sessions.registry.size === 1);
    caller.socket.pause();
    const [session] = server.sessions.registry.sessions();
    const begin = performance.now();
    await session?.close();
    expect(performance.now() - begin).toBeGreaterThan(2_500);
    expect(performance.now() - begin).toBeLessThan(4_500);
    expect(server.openSockets.size).toBe(0);
  });
});

it("does not let a thousand sockets without a start keep others out, and keeps few of them", async () => {
  await start(() => [sineFrame(500, 4_000)]);
  const caller = await connect();
  const idle: WebSocket[] = [];
  for (let batch = 0; batch < 20; batch++) {
    const sockets = Array.from({ length: 50 }, () => new WebSocket(server.url));
    for (const socket of sockets) socket.on("error", () => undefined);
    await Promise.all(sockets.map((socket) => once(socket, "open")));
    idle.push(...sockets);
  }
  expect(server.waitingCount).toBeLessThanOrEqual(256);
  await until(() => server.openSockets.size <= 258);
  const newcomer = await connect();
  expect(newcomer.isClosed).toBe(false);
  const gaps = caller.arrivals.map((at, index) => at - (caller.arrivals[index - 1] ?? at));
  expect(Math.max(...gaps)).toBeLessThan(400);
  for (const socket of idle) socket.terminate();
  await until(() => server.openSockets.size === 2);
  expect(server.waitingCount).toBe(0);
});
