import { once } from "node:events";
import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { serve as serveHono } from "@hono/node-server";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { InvalidOptionError } from "../errors.ts";
import { aborted, FakeStreamService } from "../testing/fake-stream-service.ts";
import { mountOn } from "./mount.ts";
import type { MountTarget } from "./mount.ts";
import { createRouter } from "./router.ts";

/** An application with a route of its own, `POST /own`, on which two streams are mounted. */
interface App {
  readonly origin: string;
  close(): Promise<void>;
}

type MountAll = (app: MountTarget) => void;
type StartApp = (mountAll: MountAll) => Promise<App>;

async function started(server: Server): Promise<App> {
  if (!server.listening) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const ownListener: RequestListener = (incoming, outgoing) => {
  if (incoming.url !== "/own") {
    outgoing.writeHead(404).end("the app's own 404");
    return;
  }
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.on("end", () => outgoing.end(`own: ${Buffer.concat(chunks).toString()}`));
};

function expressApp(mountAll: MountAll, parsesFirst: boolean): Promise<App> {
  const app = express();
  if (parsesFirst) app.use(express.json());
  mountAll(app);
  if (!parsesFirst) app.use(express.json());
  app.post("/own", (request, response) => {
    response.send(`own: ${JSON.stringify(request.body)}`);
  });
  app.use((_request, response) => {
    response.status(404).send("the app's own 404");
  });
  return started(createServer(app as RequestListener));
}

const frameworks: Record<string, StartApp> = {
  "node:http": (mountAll) => {
    const server = createServer(ownListener);
    mountAll(server);
    return started(server);
  },
  "node:http, mounted before its listener": (mountAll) => {
    const server = createServer();
    mountAll(server);
    server.on("request", ownListener);
    return started(server);
  },
  "Express before its body parser": (mountAll) => expressApp(mountAll, false),
  "Express after its body parser": (mountAll) => expressApp(mountAll, true),
  Fastify: async (mountAll) => {
    const app = fastify();
    mountAll(app);
    app.post("/own", (request) => `own: ${JSON.stringify(request.body)}`);
    app.setNotFoundHandler((_request, reply) => reply.code(404).send("the app's own 404"));
    await app.listen({ port: 0, host: "127.0.0.1" });
    const { origin } = await started(app.server);
    const close = async (): Promise<void> => {
      app.server.closeAllConnections();
      await app.close();
    };
    return { origin, close };
  },
  Hono: async (mountAll) => {
    const app = new Hono();
    mountAll(app);
    app.post("/own", async (context) => context.text(`own: ${await context.req.text()}`));
    app.notFound((context) => context.text("the app's own 404", 404));
    const server = serveHono({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server;
    await once(server, "listening");
    return started(server);
  },
};

const opened: App[] = [];

afterEach(async () => {
  for (const app of opened.splice(0)) await app.close();
});

interface Setup {
  readonly origin: string;
  readonly first: FakeStreamService;
  readonly second: FakeStreamService;
  readonly unmounts: (() => void)[];
}

async function start(startApp: StartApp): Promise<Setup> {
  const first = new FakeStreamService();
  const second = new FakeStreamService();
  const unmounts: (() => void)[] = [];
  const app = await startApp((target) => {
    unmounts.push(mountOn(target, "/first", createRouter(first)));
    unmounts.push(mountOn(target, "/api/second/", createRouter(second, { page: true })));
  });
  opened.push(app);
  return { origin: app.origin, first, second, unmounts };
}

function postJson(url: string, body: unknown): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}

const offer = { type: "offer", sdp: "v=0\r\n".repeat(800), webrtc_id: "abc" };

describe.each(Object.entries(frameworks))("mounted on %s", (name, startApp) => {
  it("brings each request to the stream below whose path it is", async () => {
    const { origin, first, second } = await start(startApp);
    const response = await postJson(`${origin}/api/second/webrtc/offer`, offer);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toMatchObject({ type: "answer" });
    expect(first.calls).toEqual([]);
    expect(second.calls[0]).toMatchObject({
      body: offer,
      info: { remoteAddress: "127.0.0.1", localAddress: "127.0.0.1", mountPath: "/api/second" },
    });
    expect((await fetch(`${origin}/first/config`)).status).toBe(200);
    expect(first.calls).toHaveLength(1);
  });

  it("shows the service the request as the client sent it", async () => {
    const { origin, first } = await start(startApp);
    const headers = { authorization: "Bearer t", cookie: "a=b", "user-agent": "test" };
    await fetch(`${origin}/first/config?user=7`, { headers });
    const { request } = first.calls[0]!;
    expect(request.url).toBe(`${origin}/first/config?user=7`);
    for (const [key, value] of Object.entries(headers))
      expect(request.headers.get(key)).toBe(value);
  });

  it("leaves the application its routes, bodies and 404", async () => {
    const { origin } = await start(startApp);
    const own = await postJson(`${origin}/own`, { a: 1 });
    expect(await own.text()).toBe('own: {"a":1}');
    for (const path of ["/config", "/first", "/first/nothing", "/firsts/config"]) {
      const response = await fetch(origin + path);
      expect(response.status, path).toBe(404);
      expect(await response.text(), path).toBe("the app's own 404");
    }
  });

  it("gives its paths back when unmounted", async () => {
    const { origin, unmounts } = await start(startApp);
    unmounts[0]?.();
    const response = await fetch(`${origin}/first/config`);
    expect([response.status, await response.text()]).toEqual([404, "the app's own 404"]);
    expect((await fetch(`${origin}/api/second/config`)).status).toBe(200);
  });

  it("answers wrong methods, preflights and bodies that are not JSON", async () => {
    const { origin } = await start(startApp);
    const url = `${origin}/first/webrtc/offer`;
    const wrong = await fetch(url);
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
    expect((await fetch(url, { method: "OPTIONS" })).status).toBe(204);
    expect((await fetch(url, { method: "POST", body: "v=0" })).status).toBe(415);
    expect((await fetch(`${origin}/first/config`, { method: "HEAD" })).status).toBe(200);
  });

  it("leads from the mount path to its page", async () => {
    const { origin } = await start(startApp);
    const response = await fetch(`${origin}/api/second?x=1`, { redirect: "manual" });
    // Fastify's router takes both for the same route, and so does ours for the URL it gets.
    expect([response.status, response.headers.get("location")]).toEqual([307, "./second/?x=1"]);
    expect([200, 503]).toContain((await fetch(`${origin}/api/second/`)).status);
  });

  it("streams each output at once, and tells the service when the client goes", async () => {
    const { origin, first } = await start(startApp);
    const pings = new EventTarget();
    first.source = async function* (signal) {
      yield ["early"];
      await new Promise((resolve) => {
        pings.addEventListener("ping", resolve);
        signal.addEventListener("abort", resolve);
      });
      yield ["late"];
      await aborted(signal);
    };
    const client = new AbortController();
    const url = `${origin}/first/outputs?webrtc_id=abc`;
    const response = await fetch(url, { signal: client.signal });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const readUntil = async (end: string): Promise<void> => {
      while (!text.includes(end)) text += (await reader.read()).value ?? "";
    };
    await readUntil('data: "early"\n\n');
    expect(text).not.toContain("late");
    pings.dispatchEvent(new Event("ping"));
    await readUntil('data: "late"\n\n');
    expect(first.subscription?.aborted).toBe(false);
    client.abort();
    await reader.closed.catch(() => undefined);
    await aborted(first.subscription!);
  });

  it("aborts the request's signal when the client goes before the answer", async () => {
    const { origin, first } = await start(startApp);
    const seen = new Promise<Request>((resolve) => {
      first.addCandidate = async (_body, request) => {
        resolve(request);
        await aborted(request.signal);
      };
    });
    const client = new AbortController();
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ type: "ice-candidate", webrtc_id: "a", candidate: null });
    const url = `${origin}/first/webrtc/offer`;
    const answer = fetch(url, { method: "POST", headers, body, signal: client.signal });
    const request = await seen;
    client.abort();
    await expect(answer).rejects.toThrow();
    await aborted(request.signal);
    expect((await fetch(`${origin}/first/config`)).status).toBe(200);
  });

  // A parser in front of us reads as much as the application lets it.
  if (name === "Express after its body parser") return;

  it("refuses a big body before it has come, and does not read on", async () => {
    const { origin, first } = await start(startApp);
    const { answer, sentBytes } = await upload(origin, "/first/webrtc/offer");
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    // What both kernels buffer is taken; the rest of the 200 MB that were promised is not.
    expect(sentBytes).toBeLessThan(20_000_000);
    expect(first.calls).toEqual([]);
    expect((await fetch(`${origin}/first/config`)).status).toBe(200);
  });
});

/** Sends a chunked body until the server ends the connection, or until 200 MB are gone. */
async function upload(
  origin: string,
  path: string,
): Promise<{ answer: string; sentBytes: number }> {
  const socket = connect(Number(new URL(origin).port), "127.0.0.1");
  let answer = "";
  let sentBytes = 0;
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => (answer += text));
  socket.on("error", () => undefined);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
  );
  const chunk = `10000\r\n${" ".repeat(65_536)}\r\n`;
  const pump = (): void => {
    while (!socket.destroyed && sentBytes < 200_000_000) {
      sentBytes += 65_536;
      if (!socket.write(chunk)) {
        socket.once("drain", pump);
        return;
      }
    }
  };
  pump();
  await closed;
  return { answer, sentBytes };
}

describe("mountOn", () => {
  it.each([[undefined], [null], [{}], [express], [() => undefined], ["app"], [new Map()]])(
    "refuses %s and names what it takes",
    (app) => {
      const mount = (): unknown => mountOn(app as never, "", createRouter(new FakeStreamService()));
      expect(mount).toThrow(InvalidOptionError);
      expect(mount).toThrow(/Express.*Fastify.*Hono/);
    },
  );

  it("mounts at the root too", async () => {
    for (const startApp of Object.values(frameworks)) {
      const service = new FakeStreamService();
      const app = await startApp((target) => mountOn(target, "", createRouter(service)));
      opened.push(app);
      expect((await postJson(`${app.origin}/webrtc/offer`, offer)).status).toBe(200);
      expect(await (await postJson(`${app.origin}/own`, {})).text()).toBe("own: {}");
      expect(service.calls[0]?.info?.mountPath).toBe("");
    }
  });

  it("finds its paths below routers with parameters", async () => {
    const service = new FakeStreamService();
    const router = createRouter(service);
    const outer = express();
    const inner = express.Router({ mergeParams: true });
    mountOn(inner, "/voice", router);
    outer.use("/tenants/:tenant", inner);
    const fastifyApp = fastify();
    await fastifyApp.register(
      (instance, _options, done) => {
        mountOn(instance, "/voice", router);
        done();
      },
      { prefix: "/tenants/:tenant" },
    );
    await fastifyApp.listen({ port: 0, host: "127.0.0.1" });
    const honoApp = new Hono();
    const honoInner = new Hono();
    mountOn(honoInner, "/voice", router);
    honoApp.route("/tenants/:tenant", honoInner);
    const apps = [
      await started(createServer(outer as RequestListener)),
      { ...(await started(fastifyApp.server)), close: () => fastifyApp.close() },
      await started(serveHono({ fetch: honoApp.fetch, port: 0, hostname: "127.0.0.1" }) as Server),
    ];
    opened.push(...apps);
    for (const { origin } of apps) {
      await postJson(`${origin}/tenants/acme/voice/webrtc/offer`, offer);
      expect(service.calls.pop()?.info?.mountPath).toBe("/tenants/acme/voice");
    }
  });

  it("takes a body that a middleware of Hono has read before", async () => {
    const service = new FakeStreamService();
    const app = new Hono();
    app.use(async (context, next) => {
      if (context.req.method === "POST") await context.req.json();
      await next();
    });
    mountOn(app, "", createRouter(service));
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(offer) };
    expect((await app.request("/webrtc/offer", init)).status).toBe(200);
  });

  it("keeps the headers that other middleware of Express and Fastify has set", async () => {
    const app = express();
    app.use((_request, response, next) => {
      response.setHeader("x-request-id", "1");
      next();
    });
    mountOn(app, "", createRouter(new FakeStreamService()));
    const fastifyApp = fastify();
    fastifyApp.addHook("onRequest", (_request, reply, next) => {
      reply.header("x-request-id", "1");
      next();
    });
    mountOn(fastifyApp, "", createRouter(new FakeStreamService()));
    await fastifyApp.listen({ port: 0, host: "127.0.0.1" });
    const apps = [
      await started(createServer(app as RequestListener)),
      { ...(await started(fastifyApp.server)), close: () => fastifyApp.close() },
    ];
    opened.push(...apps);
    for (const { origin } of apps) {
      expect((await fetch(`${origin}/config`)).headers.get("x-request-id")).toBe("1");
    }
  });

  it("leaves a server as it was, in whatever order streams are unmounted", async () => {
    const server = createServer(ownListener);
    const original = server.emit.bind(server);
    const router = createRouter(new FakeStreamService());
    const unmounts = [mountOn(server, "/a", router), mountOn(server, "/b", router)];
    opened.push(await started(server));
    unmounts[0]?.();
    unmounts[1]?.();
    const response = await fetch(`${opened[0]!.origin}/a/config`);
    expect(await response.text()).toBe("the app's own 404");
    const again = mountOn(server, "/a", router);
    expect((await fetch(`${opened[0]!.origin}/a/config`)).status).toBe(200);
    again();
    expect(original("nothing listens to this")).toBe(false);
  });
});
