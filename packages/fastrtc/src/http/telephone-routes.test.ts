import { describe, expect, it } from "vitest";

import { InvalidOptionError } from "../errors.ts";
import type { CarrierRequest } from "../session/entry/telephone-entry.ts";
import { twilio } from "../transport/telephone/twilio.ts";
import { createTelephoneRoutes } from "./telephone-routes.ts";
import type { TelephoneRoutes } from "./telephone-routes.ts";

interface Scene extends TelephoneRoutes {
  readonly arrivals: { readonly arrival: CarrierRequest; readonly body?: string }[];
  readonly post: (path: string, url: string, body?: string) => Promise<Response>;
}

function scene(publicUrl: string | undefined, publicOrigin?: string): Scene {
  const arrivals: { readonly arrival: CarrierRequest; readonly body?: string }[] = [];
  const first = twilio(publicUrl === undefined ? {} : { publicUrl });
  const routes = createTelephoneRoutes({
    carriers: [first, { ...first, name: "other" }],
    entry: {
      announce: (arrival, body) => {
        arrivals.push({ arrival, body });
        return Promise.resolve(new Response("ok"));
      },
      admit: (arrival) => {
        arrivals.push({ arrival });
        return Promise.resolve(() => undefined);
      },
    },
    clientAddress: (_request, { remoteAddress }) => `behind ${remoteAddress ?? "?"}`,
    publicOrigin: () => publicOrigin,
  });
  const post = (path: string, url: string, body = "a=1"): Promise<Response> =>
    routes.webhooks
      .find((route) => route.path === path)!
      .respond(new Request(url, { method: "POST", body }), {
        mountPath: "/voice",
        remoteAddress: "192.0.2.1",
      });
  return { ...routes, arrivals, post };
}

describe("createTelephoneRoutes", () => {
  it("gives each carrier its routes, and the first one FastRTC's", () => {
    const { webhooks, sockets } = scene("https://voice.example.com");
    expect(webhooks.map(({ path }) => path)).toEqual([
      "/telephone/twilio/incoming",
      "/telephone/other/incoming",
      "/telephone/incoming",
    ]);
    expect(sockets.map(({ path }) => path)).toEqual([
      "/telephone/twilio/handler",
      "/telephone/twilio/handler/*",
      "/telephone/other/handler",
      "/telephone/other/handler/*",
      "/telephone/handler",
      "/telephone/handler/*",
    ]);
  });

  it("takes the origin from the carrier, and path and query as they came", async () => {
    const { arrivals, post } = scene("https://voice.example.com", "https://evil.example");
    await post("/telephone/incoming", "http://10.0.0.1/voice/telephone/incoming?a=b+c%20d", "x=1");
    await post("/telephone/other/incoming", "http://10.0.0.1/voice/telephone/other/incoming");
    expect(arrivals.map(({ arrival, body }) => [arrival.carrier.name, body])).toEqual([
      ["twilio", "x=1"],
      ["other", "a=1"],
    ]);
    const [first, second] = arrivals.map(({ arrival }) => arrival.routes);
    expect(first?.webhookUrl).toBe("https://voice.example.com/voice/telephone/incoming?a=b+c%20d");
    expect(first?.mediaUrl).toBe("wss://voice.example.com/voice/telephone/handler");
    expect(second?.mediaUrl).toBe("wss://voice.example.com/voice/telephone/other/handler");
    expect(arrivals[0]?.arrival.remoteAddress).toBe("behind 192.0.2.1");
  });

  it("takes the origin from a trusted proxy where the carrier has none, never from Host", async () => {
    const trusted = scene(undefined, "https://proxy.example");
    await trusted.post("/telephone/incoming", "http://evil.example/voice/telephone/incoming");
    expect(trusted.arrivals[0]?.arrival.routes.mediaUrl).toBe(
      "wss://proxy.example/voice/telephone/handler",
    );
    const untold = scene(undefined);
    await untold.post("/telephone/incoming", "http://evil.example/voice/telephone/incoming");
    const { routes } = untold.arrivals[0]!.arrival;
    expect(() => routes.mediaUrl).toThrow(InvalidOptionError);
    expect(() => routes.webhookUrl).toThrow("or the stream a trustProxy.");
  });

  it("refuses a webhook that is too large", async () => {
    const { post, arrivals } = scene("https://voice.example.com");
    const url = "http://10.0.0.1/voice/telephone/incoming";
    await expect(post("/telephone/incoming", url, "x".repeat(100_001))).rejects.toMatchObject({
      status: 413,
    });
    expect(arrivals).toEqual([]);
  });

  it("asks the carrier's socket in with the same addresses", async () => {
    const { sockets, arrivals } = scene("https://voice.example.com");
    const route = sockets.find(({ path }) => path === "/telephone/handler/*")!;
    await route.accept(new Request("http://10.0.0.1/voice/telephone/handler/token"), {
      mountPath: "/voice",
    });
    expect(arrivals[0]?.arrival.routes.mediaUrl).toBe(
      "wss://voice.example.com/voice/telephone/handler",
    );
  });
});
