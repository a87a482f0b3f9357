import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeStreamService } from "../testing/fake-stream-service.ts";
import { createRouter } from "./router.ts";
import type { Router } from "./router.ts";

const ORIGIN = "http://127.0.0.1";
let directory: string;
let router: Router;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "fastrtc-page-"));
  mkdirSync(join(directory, "page", "assets"), { recursive: true });
  writeFileSync(join(directory, "secret.txt"), "secret");
  writeFileSync(join(directory, "page", "index.html"), "<!doctype html><title>Page</title>");
  writeFileSync(join(directory, "page", "favicon.svg"), "<svg/>");
  writeFileSync(join(directory, "page", "assets", "index-Bx3_aZ9q.js"), "export {};");
  writeFileSync(join(directory, "page", "assets", "index-Bx3_aZ9q.css"), "body{}");
  writeFileSync(join(directory, "page", "assets", "unhashed.bin"), "01");
  const pageDirectory = pathToFileURL(join(directory, "page/"));
  router = createRouter(new FakeStreamService(), { page: true, pageDirectory });
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

async function get(path: string, init: RequestInit = {}, mountPath = ""): Promise<Response> {
  const response = await router(new Request(ORIGIN + path, init), { mountPath });
  expect(response).toBeDefined();
  return response!;
}

describe("the built-in page", () => {
  it("is not there unless asked for", async () => {
    const plain = createRouter(new FakeStreamService());
    expect(await plain(new Request(`${ORIGIN}/`))).toBeUndefined();
  });

  it("is served at the slash, fresh, and locked to itself", async () => {
    const response = await get("/");
    expect(await response.text()).toContain("<title>Page</title>");
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'self'");
    expect(response.headers.get("permissions-policy")).toContain("microphone=(self)");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
  });

  it.each([
    [
      "/assets/index-Bx3_aZ9q.js",
      "text/javascript; charset=utf-8",
      "public, max-age=31536000, immutable",
    ],
    [
      "/assets/index-Bx3_aZ9q.css",
      "text/css; charset=utf-8",
      "public, max-age=31536000, immutable",
    ],
    ["/assets/unhashed.bin", "application/octet-stream", "no-cache"],
    ["/favicon.svg", "image/svg+xml", "no-cache"],
    ["/index.html", "text/html; charset=utf-8", "no-cache"],
  ])("serves %s as %s", async (path, type, caching) => {
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("cache-control")).toBe(caching);
    const bytes = await response.arrayBuffer();
    expect(response.headers.get("content-length")).toBe(String(bytes.byteLength));
  });

  it("answers HEAD with the length and no body", async () => {
    const response = await get("/favicon.svg", { method: "HEAD" });
    expect(response.headers.get("content-length")).toBe("6");
    expect(await response.text()).toBe("");
  });

  it("says 304 to a browser that has it, also through a proxy that compresses", async () => {
    const etag = (await get("/")).headers.get("etag")!;
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const response = await get("/", { headers: { "if-none-match": known } });
      expect(response.status).toBe(304);
      expect(await response.text()).toBe("");
    }
    expect((await get("/", { headers: { "if-none-match": '"other"' } })).status).toBe(200);
  });

  it.each([
    ["/../secret.txt"],
    ["/assets/../../secret.txt"],
    ["/..%2fsecret.txt"],
    ["/assets/..%2f..%2fsecret.txt"],
    ["/assets/%2e%2e/%2e%2e/secret.txt"],
    ["/assets\\..\\..\\secret.txt"],
    ["/assets"],
    ["/assets/"],
    ["/assets/nothing.js"],
  ])("has nothing at %s", async (path) => {
    expect(await router(new Request(ORIGIN + path))).toBeUndefined();
  });

  it("leaves other methods to the application", async () => {
    expect(await router(new Request(`${ORIGIN}/`, { method: "POST" }))).toBeUndefined();
  });

  it("leads to the slash, so that its relative URLs work, whatever prefix a proxy has cut", async () => {
    const response = await get("/a/voice?x=1", {}, "/a/voice");
    expect(response.status).toBe(307);
    const location = response.headers.get("location")!;
    expect(location).toBe("./voice/?x=1");
    expect(new URL(location, "https://public.example/hidden/a/voice").pathname).toBe(
      "/hidden/a/voice/",
    );
    expect((await get("/a/voice/", {}, "/a/voice")).status).toBe(200);
  });

  it("explains itself when it has not been built", async () => {
    const pageDirectory = pathToFileURL(join(directory, "nowhere/"));
    const unbuilt = createRouter(new FakeStreamService(), { page: true, pageDirectory });
    const response = await unbuilt(new Request(`${ORIGIN}/`));
    expect(response?.status).toBe(503);
    expect(response?.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await response?.text()).toContain("npm run build");
    expect((await unbuilt(new Request(`${ORIGIN}/config`)))?.status).toBe(200);
  });
});
