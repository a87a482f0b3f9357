import { once } from "node:events";
import { createServer, get } from "node:http";
import type { IncomingMessage, RequestListener, Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { serve as serveHono } from "@hono/node-server";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { AuthenticationError, SessionLimitError } from "../errors.ts";
import { silentLogger } from "../observe/logger.ts";
import { FakeStreamService } from "../testing/fake-stream-service.ts";
import { listen } from "./listen.ts";
import { mountOn } from "./mount.ts";
import type { MountTarget } from "./mount.ts";
import { createRouter } from "./router.ts";
import type { RequestInfo } from "./stream-service.ts";
import { claimUpgrades } from "./server-upgrades.ts";
import type { UpgradeRoute } from "./upgrade-route.ts";
import { Upgrader } from "./upgrade.ts";
import type { UpgraderOptions } from "./upgrade.ts";

interface Seen {
  readonly url: string;
  readonly info: RequestInfo;
  readonly request: Request;
}

/** Echoes what its sockets say, and keeps what it was asked. */
function echo(path: UpgradeRoute["path"] = "/websocket/offer"): UpgradeRoute & { seen: Seen[] } {
  const seen: Seen[] = [];
  return {
    path,
    seen,
    maxMessageBytes: 1_000,
    protocols: ["second", "first"],
    async accept(request, info) {
      seen.push({ url: request.url, info, request });
      await Promise.resolve();
      const { searchParams } = new URL(request.url);
      if (searchParams.has("stranger")) throw new AuthenticationError();
      if (searchParams.has("full")) throw new SessionLimitError(1, 7);
      if (searchParams.has("broken")) throw new Error("secret");
      return (socket) => {
        socket.listen({
          onMessage: (message) => socket.send(message),
          onClosed: () => undefined,
        });
      };
    },
  };
}

const closes: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
});

async function started(server: Server): Promise<string> {
  if (!server.listening) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  closes.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

type StartApp = (mount: (app: MountTarget) => void) => Promise<string>;

const frameworks: Readonly<Record<string, StartApp>> = {
  "node:http": (mount) => {
    const server = createServer((_request, response) => response.writeHead(404).end("own 404"));
    mount(server);
    return started(server);
  },
  "Express by http.createServer(app)": (mount) => {
    const app = express();
    mount(app);
    return started(createServer(app as RequestListener));
  },
  "Express by app.listen()": async (mount) => {
    const app = express();
    mount(app);
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    return await started(server);
  },
  Fastify: async (mount) => {
    const app = fastify();
    mount(app);
    await app.listen({ port: 0, host: "127.0.0.1" });
    closes.push(() => app.close());
    return await started(app.server);
  },
  Hono: async (mount) => {
    const app = new Hono();
    mount(app);
    const server = serveHono({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server;
    await once(server, "listening");
    const origin = await started(server);
    // Hono does not tell where it listens: the first request does.
    for (const path of ["/voice", "/a", "/b", ""]) {
      await fetch(`${origin.replace("ws", "http")}${path}/config`);
    }
    return origin;
  },
};

const options: UpgraderOptions = { logger: silentLogger };
const router = () => createRouter(new FakeStreamService());

/** Opens a socket; returns what it said back to "hello", or the HTTP answer. */
async function speak(
  url: string,
  init: { readonly headers?: Record<string, string>; readonly protocols?: string[] } = {},
): Promise<string | { status: number; headers: IncomingMessage["headers"]; body: string }> {
  const socket = new WebSocket(url, init.protocols ?? [], { headers: init.headers ?? {} });
  closes.push(() => socket.terminate());
  return await new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("open", () => socket.send("hello"));
    socket.on("message", (data: Buffer) => resolve(data.toString()));
    socket.on("unexpected-response", (_request, response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, headers, body: Buffer.concat(chunks).toString() });
      });
    });
  });
}

/** Sends bytes, and returns all that comes back until the end. */
async function exchange(origin: string, text: string): Promise<string> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.write(text);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => undefined);
  await once(socket, "close");
  return Buffer.concat(chunks).toString();
}

describe.each(Object.entries(frameworks))("WebSockets on %s", (_name, startApp) => {
  it("are opened below the mount path, and only there", async () => {
    const route = echo();
    const origin = await startApp((app) =>
      mountOn(app, "/voice", router(), new Upgrader([route], options)),
    );
    expect(await speak(`${origin}/voice/websocket/offer?a=1`)).toBe("hello");
    const [seen] = route.seen;
    expect(seen?.url).toBe(`${origin.replace("ws", "http")}/voice/websocket/offer?a=1`);
    expect(seen?.info.mountPath).toBe("/voice");
    expect(seen?.info.remoteAddress).toMatch(/127\.0\.0\.1$/);
    expect(await speak(`${origin}/websocket/offer`)).toMatchObject({ status: 404 });
    expect(await speak(`${origin}/voice/other`)).toMatchObject({ status: 404 });
    expect(route.seen).toHaveLength(1);
  });

  it("are opened for two streams, and below a folder", async () => {
    const routes = [echo(), echo("/telephone/handler/*")] as const;
    const origin = await startApp((app) => {
      mountOn(app, "/a", router(), new Upgrader([routes[0]], options));
      mountOn(app, "/b", router(), new Upgrader([routes[1]], options));
    });
    expect(await speak(`${origin}/a/websocket/offer`)).toBe("hello");
    expect(await speak(`${origin}/b/telephone/handler/once-123`)).toBe("hello");
    expect(await speak(`${origin}/b/telephone/handler`)).toMatchObject({ status: 404 });
    expect(routes.map(({ seen }) => seen.length)).toEqual([1, 1]);
  });

  it("are the application's again after unmounting", async () => {
    const route = echo();
    let unmount = (): void => undefined;
    const origin = await startApp((app) => {
      unmount = mountOn(app, "", router(), new Upgrader([route], options));
    });
    expect(await speak(`${origin}/websocket/offer`)).toBe("hello");
    unmount();
    expect(await speak(`${origin}/websocket/offer`)).toMatchObject({ status: 404 });
  });

  it("are refused with the answer that an HTTP request would get", async () => {
    const upgrader = new Upgrader([echo()], options);
    const origin = await startApp((app) => mountOn(app, "", router(), upgrader));
    const stranger = await speak(`${origin}/websocket/offer?stranger`);
    expect(stranger).toMatchObject({ status: 401, headers: { "www-authenticate": "Bearer" } });
    const full = await speak(`${origin}/websocket/offer?full`);
    expect(full).toMatchObject({ status: 503, headers: { "retry-after": "7" } });
    expect(JSON.parse((full as { body: string }).body)).toMatchObject({
      status: "failed",
      meta: { error: "concurrency_limit_reached", limit: 1 },
    });
    const broken = await speak(`${origin}/websocket/offer?broken`);
    expect(broken).toMatchObject({ status: 500 });
    expect(JSON.stringify(broken)).not.toContain("secret");
  });
});

describe("an application's middleware", () => {
  it("decides about WebSockets too, on Express, Fastify and Hono", async () => {
    const routes = [echo(), echo(), echo()] as const;
    const expressApp = express();
    expressApp.use((request, response, next) => {
      if (request.headers.authorization === undefined) response.status(403).send("members only");
      else next();
    });
    mountOn(expressApp, "", router(), new Upgrader([routes[0]], options));
    const fastifyApp = fastify();
    fastifyApp.addHook("onRequest", async (request, reply) => {
      if (!request.headers.authorization) await reply.code(403).send("members only");
    });
    mountOn(fastifyApp, "", router(), new Upgrader([routes[1]], options));
    await fastifyApp.listen({ port: 0, host: "127.0.0.1" });
    closes.push(() => fastifyApp.close());
    const honoApp = new Hono();
    honoApp.use(async (context, next) => {
      if (!context.req.header("authorization")) return context.text("members only", 403);
      await next();
      return undefined;
    });
    mountOn(honoApp, "", router(), new Upgrader([routes[2]], options));
    const honoServer = serveHono({ fetch: honoApp.fetch, port: 0, hostname: "127.0.0.1" });
    const servers = [createServer(expressApp as RequestListener), fastifyApp.server, honoServer];
    for (const [index, server] of servers.entries()) {
      const origin = await started(server as Server);
      const headers = { authorization: "Bearer x" };
      await fetch(origin.replace("ws", "http"), { headers });
      const stranger = await speak(`${origin}/websocket/offer`);
      expect(stranger).toMatchObject({ status: 403, body: "members only" });
      expect(routes[index]?.seen).toEqual([]);
      expect(await speak(`${origin}/websocket/offer`, { headers })).toBe("hello");
    }
  });

  it("tells the client's address behind proxies that it trusts", async () => {
    const routes = [echo(), echo()] as const;
    const expressApp = express();
    expressApp.set("trust proxy", 1);
    mountOn(expressApp, "", router(), new Upgrader([routes[0]], options));
    const fastifyApp = fastify({ trustProxy: "127.0.0.1" });
    mountOn(fastifyApp, "", router(), new Upgrader([routes[1]], options));
    await fastifyApp.listen({ port: 0, host: "127.0.0.1" });
    closes.push(() => fastifyApp.close());
    const servers = [createServer(expressApp as RequestListener), fastifyApp.server];
    for (const [index, server] of servers.entries()) {
      const headers = { "x-forwarded-for": "203.0.113.9" };
      const origin = await started(server);
      expect(await speak(`${origin}/websocket/offer`, { headers })).toBe("hello");
      expect([index, routes[index]?.seen[0]?.info.remoteAddress]).toEqual([index, "203.0.113.9"]);
    }
  });

  it("finds streams below routers with parameters, also on a server with its own WebSockets", async () => {
    const route = echo();
    const app = express();
    const inner = express.Router({ mergeParams: true });
    mountOn(inner, "/voice", router(), new Upgrader([route], options));
    app.use("/tenants/:tenant", inner);
    const server = createServer(app as RequestListener);
    const origin = await started(server);
    await fetch(`${origin.replace("ws", "http")}/tenants/acme/voice/config`);
    expect(await speak(`${origin}/tenants/acme/voice/websocket/offer`)).toBe("hello");
    expect(route.seen[0]?.info.mountPath).toBe("/tenants/acme/voice");
  });

  it("says to come again where the server is not known yet", async () => {
    const app = new Hono();
    mountOn(app, "", router(), new Upgrader([echo()], options));
    const server = serveHono({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server;
    const origin = await started(server);
    expect(await speak(`${origin}/websocket/offer`)).toMatchObject({
      status: 503,
      headers: { "retry-after": "5" },
    });
    expect(await speak(`${origin}/websocket/offer`)).toBe("hello");
  });
});

describe("an application's own WebSockets", () => {
  it("work beside the stream's, in whatever order they are added", async () => {
    const server = createServer();
    const before = new WebSocketServer({ server, path: "/own" });
    before.on("connection", (socket) => socket.on("message", () => socket.send("own")));
    const route = echo();
    mountOn(server, "", router(), new Upgrader([route], options));
    const origin = await started(server);
    expect(await speak(`${origin}/own`)).toBe("own");
    expect(await speak(`${origin}/websocket/offer`)).toBe("hello");
    // The other one refuses every path that is not its own.
    expect(await speak(`${origin}/neither`)).toMatchObject({ status: 400 });
    expect(route.seen).toHaveLength(1);
  });
});

describe("an upgrade", () => {
  async function start(more: UpgraderOptions = {}): Promise<string> {
    const upgrader = new Upgrader([echo()], { ...options, ...more });
    const server = await listen(router(), { port: 0, host: "127.0.0.1" }, upgrader);
    closes.push(() => server.close());
    return `ws://127.0.0.1:${server.port}`;
  }

  const handshake = (lines: Readonly<Record<string, string | null>>, method = "GET"): string =>
    [
      `${method} /websocket/offer HTTP/1.1`,
      ...Object.entries({
        host: "test",
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        ...lines,
      } as Readonly<Record<string, string | null>>).flatMap(([name, value]) =>
        value === null ? [] : [`${name}: ${value}`],
      ),
      "\r\n",
    ].join("\r\n");

  it.each([
    ["another protocol", handshake({ upgrade: "h2c" }), 426],
    ["an old version", handshake({ "sec-websocket-version": "8" }), 426],
    ["no key", handshake({ "sec-websocket-key": null }), 400],
    ["a key of another length", handshake({ "sec-websocket-key": "aGk=" }), 400],
    ["another method", handshake({}, "POST"), 400],
    ["a broken host", handshake({ host: "a b" }), 400],
  ])("with %s is refused, and the client reads why", async (_what, text, status) => {
    const answer = await exchange(await start(), text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('"error":"invalid_request"');
    if (status === 426) expect(answer.toLowerCase()).toContain("sec-websocket-version: 13");
  });

  it("takes one of the subprotocols that the client offers", async () => {
    const origin = await start();
    const socket = new WebSocket(`${origin}/websocket/offer`, ["x", "first", "second"]);
    await once(socket, "open");
    expect(socket.protocol).toBe("second");
    socket.terminate();
  });

  it("of another origin is refused, unless that origin is allowed", async () => {
    const origin = await start({ cors: { origins: ["https://app.example.com"] } });
    const url = `${origin}/websocket/offer`;
    const from = (page: string) => speak(url, { headers: { origin: page } });
    expect(await from(origin.replace("ws", "http"))).toBe("hello");
    expect(await from("https://app.example.com")).toBe("hello");
    expect(await from("https://evil.example")).toMatchObject({ status: 403 });
    expect(await from("null")).toMatchObject({ status: 403 });
    expect(await speak(url)).toBe("hello");
    const behind = await start({ publicOrigin: () => "https://voice.example.com" });
    const headers = { origin: "https://voice.example.com" };
    expect(await speak(`${behind}/websocket/offer`, { headers })).toBe("hello");
  });

  it("that nobody wants is answered as a plain request, as node does", async () => {
    const origin = await start();
    const plain = await exchange(
      origin,
      "GET /config HTTP/1.1\r\nhost: test\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\n\r\n",
    );
    expect(plain).toMatch(/^HTTP\/1.1 200 /);
    const withBody = await exchange(
      origin,
      "POST /x HTTP/1.1\r\nhost: test\r\nconnection: Upgrade\r\nupgrade: h2c\r\ncontent-length: 2\r\n\r\nhi",
    );
    expect(withBody).toBe("");
  });

  it("tells the route when its client has gone before the socket was open", async () => {
    let signal: AbortSignal | undefined;
    let decide = (): void => undefined;
    let opened = 0;
    const upgrader = new Upgrader([
      {
        path: "/slow",
        async accept(request) {
          signal = request.signal;
          await new Promise<void>((resolve) => (decide = resolve));
          return () => {
            opened++;
          };
        },
      },
    ]);
    const server = createServer();
    claimUpgrades(server, (incoming, socket, head) =>
      upgrader.handle({ incoming, socket, head }, { mountPath: "" }),
    );
    const origin = await started(server);
    const request = get(origin.replace("ws", "http") + "/slow", {
      headers: {
        ...{ connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" },
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      },
    });
    request.on("error", () => undefined);
    request.on("socket", (socket) => socket.on("error", () => undefined));
    await expect.poll(() => signal).toBeDefined();
    request.socket?.resetAndDestroy();
    await expect.poll(() => signal?.aborted).toBe(true);
    decide();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(opened).toBe(0);
  });

  it("gives a socket that refuses messages which are too long, with code 1009", async () => {
    const socket = new WebSocket(`${await start()}/websocket/offer`);
    await once(socket, "open");
    socket.send(Buffer.alloc(10_000_000));
    socket.on("error", () => undefined);
    const [code] = (await once(socket, "close")) as [number];
    expect(code).toBe(1009);
  });
});
