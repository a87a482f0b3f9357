import { describe, expect, it } from "vitest";
import { InvalidOptionError, NegotiationError } from "../errors.ts";
import { FakeStreamService } from "../testing/fake-stream-service.ts";
import type { CorsOptions } from "./cors.ts";
import { createRouter } from "./router.ts";

const APP = "https://app.example.com";

async function ask(
  cors: CorsOptions | undefined,
  init: RequestInit,
  service: FakeStreamService = new FakeStreamService(),
): Promise<Response> {
  const router = createRouter(service, cors ? { cors } : {});
  const response = await router(new Request("http://127.0.0.1/webrtc/offer", init));
  return response!;
}

const preflight: RequestInit = {
  method: "OPTIONS",
  headers: {
    origin: APP,
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,x-tenant",
  },
};

const offer: RequestInit = {
  method: "POST",
  headers: { origin: APP, "content-type": "application/json" },
  body: JSON.stringify({ type: "offer", sdp: "v=0", webrtc_id: "a" }),
};

function corsHeaders(response: Response): string[] {
  return [...response.headers.keys()].filter((name) => name.startsWith("access-control-"));
}

describe("Cors", () => {
  it("permits nothing by default", async () => {
    for (const init of [preflight, offer]) {
      expect(corsHeaders(await ask(undefined, init))).toEqual([]);
    }
  });

  it("answers a preflight of a listed origin with what was asked for", async () => {
    const response = await ask({ origins: [APP] }, preflight);
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "access-control-allow-origin": APP,
      "access-control-allow-methods": "POST, OPTIONS",
      "access-control-allow-headers": "content-type,x-tenant",
      vary: "Origin",
    });
  });

  it("lets a listed origin read the answer, and tells caches that it depends on the origin", async () => {
    const response = await ask({ origins: ["http://other.example", APP] }, offer);
    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBe(APP);
    expect(response.headers.get("vary")).toBe("Origin");
  });

  it("keeps every other origin out, and its caches apart", async () => {
    for (const init of [preflight, offer]) {
      const response = await ask({ origins: ["https://example.com"] }, init);
      expect(corsHeaders(response)).toEqual([]);
      expect(response.headers.get("vary")).toBe("Origin");
    }
  });

  it("lets everybody in when asked for, but never with cookies", async () => {
    const response = await ask({ origins: "*" }, offer);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.has("access-control-allow-credentials")).toBe(false);
    expect(response.headers.has("vary")).toBe(false);
  });

  it("lets a client read its refusal too", async () => {
    const service = new FakeStreamService();
    service.failure = new NegotiationError("No.");
    const response = await ask({ origins: [APP] }, offer, service);
    expect(response.status).toBe(400);
    expect(response.headers.get("access-control-allow-origin")).toBe(APP);
  });

  it.each([
    ["https://app.example.com/"],
    ["https://app.example.com/path"],
    ["https://App.example.com"],
    ["https://app.example.com:443"],
    ["app.example.com"],
    ["https://*.example.com:*"],
    ["null"],
    ["*"],
    [7],
  ])("refuses %j as an origin", (origin) => {
    const cors = { origins: [origin as string] };
    expect(() => createRouter(new FakeStreamService(), { cors })).toThrow(InvalidOptionError);
  });

  it("refuses one origin without its brackets", () => {
    const cors = { origins: APP as "*" };
    expect(() => createRouter(new FakeStreamService(), { cors })).toThrow(/cors\.origins/);
  });

  it.each([["http://localhost:3000"], ["http://[::1]:3000"], ["capacitor://localhost"]])(
    "takes %s as an origin",
    (origin) => {
      const cors = { origins: [origin] };
      expect(() => createRouter(new FakeStreamService(), { cors })).not.toThrow();
    },
  );
});
