import { once } from "node:events";
import { Agent, get, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { InvalidOptionError } from "../errors.ts";
import { FakeStreamService } from "../testing/fake-stream-service.ts";
import { listen } from "./listen.ts";
import type { ListeningServer } from "./listen.ts";
import { createRouter } from "./router.ts";

const opened: ListeningServer[] = [];

async function start(service = new FakeStreamService(), port = 0): Promise<ListeningServer> {
  const server = await listen(createRouter(service), { port, host: "127.0.0.1" });
  opened.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

/** Sends raw bytes and returns everything that came until the server ended the connection. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => (answer += chunk.toString()));
  socket.on("error", () => undefined);
  socket.write(text);
  await new Promise((resolve) => socket.once("close", resolve));
  return answer;
}

describe("listen", () => {
  it("takes a free port and says where it is", async () => {
    const { url, port } = await start();
    expect(url).toBe(`http://127.0.0.1:${port}/`);
    expect((await fetch(`${url}config`)).status).toBe(200);
    expect((await fetch(`${url}nothing`)).status).toBe(404);
  });

  it("names the port that is taken, and the remedy", async () => {
    const { port } = await start();
    const second = start(new FakeStreamService(), port);
    await expect(second).rejects.toThrow(InvalidOptionError);
    await expect(second).rejects.toThrow(
      new RegExp(`127\\.0\\.0\\.1:${port} already.*another port`),
    );
  });

  it("refuses a port that is none and a host that is not ours", async () => {
    await expect(start(new FakeStreamService(), 70_000)).rejects.toThrow(/0 to 65535/);
    const elsewhere = listen(createRouter(new FakeStreamService()), { port: 0, host: "192.0.2.1" });
    await expect(elsewhere).rejects.toThrow(/Invalid host: "192\.0\.2\.1"/);
  });

  it("ends an event stream in good order and frees its port at once when it closes", async () => {
    const service = new FakeStreamService();
    const server = await start(service);
    const response = await fetch(`${server.url}outputs?webrtc_id=a`);
    const text = response.text();
    const before = performance.now();
    await server.close();
    expect(performance.now() - before).toBeLessThan(900);
    expect(await text).toContain('{"role":"assistant","content":"Hello"}');
    expect(service.subscription?.aborted).toBe(true);
    await start(new FakeStreamService(), server.port);
  });

  it("does not wait for idle keep-alive connections", async () => {
    const server = await start();
    const agent = new Agent({ keepAlive: true });
    const [incoming] = (await once(get(`${server.url}config`, { agent }), "response")) as [
      IncomingMessage,
    ];
    incoming.resume();
    await once(incoming, "end");
    const before = performance.now();
    await server.close();
    expect(performance.now() - before).toBeLessThan(900);
    agent.destroy();
  });

  it("lets an answer that is under way go out, and closes once only", async () => {
    const service = new FakeStreamService();
    const server = await start(service);
    let finish: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      service.setInputs = () => {
        resolve();
        return new Promise((done) => (finish = done));
      };
    });
    const headers = { "content-type": "application/json" };
    const body = '{"webrtc_id":"a"}';
    const answer = fetch(`${server.url}input_hook`, { method: "POST", headers, body });
    await asked;
    const closing = server.close();
    expect(server.close()).toBe(closing);
    finish();
    expect((await answer).status).toBe(200);
    await closing;
  });

  it("cuts what will not end", async () => {
    const server = await start();
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(
      "POST /input_hook HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n",
    );
    await once(server.server, "request");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await server.close();
    await closed;
  });

  it("survives what is not quite HTTP", async () => {
    const { port, url } = await start();
    const ask = (head: string): Promise<string> =>
      exchange(port, `${head}\r\nconnection: close\r\n\r\n`);
    expect(await ask("GET //config HTTP/1.1\r\nhost: a")).toMatch(/^HTTP\/1.1 404/);
    expect(await ask("GET /config HTTP/1.1\r\nhost: a b")).toMatch(/^HTTP\/1.1 400/);
    expect(await ask("TRACE /config HTTP/1.1\r\nhost: a")).toMatch(/^HTTP\/1.1 400/);
    expect(await ask("OPTIONS * HTTP/1.1\r\nhost: a")).toMatch(/^HTTP\/1.1 404/);
    expect(await ask("GET /config HTTP/1.0")).toMatch(/^HTTP\/1.1 200/);
    expect(await ask("GET http://a/config HTTP/1.1\r\nhost: a")).toMatch(/^HTTP\/1.1 200/);
    expect((await fetch(`${url}config`)).status).toBe(200);
  });

  it("holds an event stream back when its client does not read", async () => {
    const service = new FakeStreamService();
    let pulled = 0;
    service.source = async function* (signal) {
      while (!signal.aborted) {
        pulled += 1;
        yield ["x".repeat(100_000)];
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const server = await start(service);
    const request = httpRequest(`${server.url}outputs?webrtc_id=a`).end();
    const [incoming] = (await once(request, "response")) as [IncomingMessage];
    incoming.pause();
    let last = -1;
    // Until nothing more is pulled for 50 ms: the kernels' buffers are full then.
    while (pulled !== last) {
      last = pulled;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(pulled).toBeLessThan(200);
    incoming.resume();
    await once(incoming, "data");
    request.destroy();
  });
});

describe("toNodeHandler", () => {
  it("survives a router that throws, and cuts that request only", async () => {
    const router = createRouter(new FakeStreamService());
    let isBroken = true;
    const flaky = Object.assign(
      (...args: Parameters<typeof router>) => {
        if (isBroken) return Promise.reject(new Error("broken"));
        return router(...args);
      },
      { paths: router.paths, owns: (path: string) => router.owns(path) },
    );
    const server = await listen(flaky, { port: 0, host: "127.0.0.1" });
    opened.push(server);
    await expect(fetch(`${server.url}config`)).rejects.toThrow();
    isBroken = false;
    expect((await fetch(`${server.url}config`)).status).toBe(200);
  });
});
