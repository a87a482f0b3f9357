import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { CarrierApiStandIn } from "../../../test/carrier-api-stand-in.ts";
import { carrierHarness, connected } from "../../../test/carrier-conformance.ts";
import { CarrierServer } from "../../../test/carrier-server.ts";
import { sine, sineFrame, Witness, WitnessHandler } from "../../../test/conformance-handlers.ts";
import { frequencyOf, loudMsOf } from "../../../test/pitch.ts";
import { callOverPlivo } from "../../../test/plivo-stand-in.ts";
import { describeTransport } from "../../../test/transport-conformance.ts";
import { CloseStream } from "../../handler/close-stream.ts";
import { plivo } from "./plivo.ts";

const PUBLIC_URL = "https://voice.example.com";
const OPTIONS = { publicUrl: PUBLIC_URL, authId: "MA1", authToken: "a token" };
const CALL = { publicUrl: PUBLIC_URL, authToken: "a token", from: "15550100001", to: "100" };
const servers: CarrierServer[] = [];
const webhookOf = (server: CarrierServer): string => `${server.origin}/telephone/incoming`;

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

describeTransport(
  "Plivo",
  carrierHarness({
    carrier: plivo(OPTIONS),
    call: (server, isMute) => callOverPlivo({ ...CALL, webhookUrl: webhookOf(server), isMute }),
  }),
);

describe("a call over Plivo", () => {
  async function serve(): Promise<CarrierServer> {
    const handler = new WitnessHandler(new Witness());
    const params = { language: "de-DE" };
    const server = await CarrierServer.start({ carrier: plivo(OPTIONS), handler, params });
    servers.push(server);
    return server;
  }

  it("tells its session who calls, and what the application passed along", async () => {
    const server = await serve();
    await connected(server, await callOverPlivo({ ...CALL, webhookUrl: webhookOf(server) }));
    const [context] = server.contexts();
    expect(context?.telephone).toMatchObject({
      carrier: "plivo",
      from: "15550100001",
      to: "100",
    });
    expect(context?.params).toEqual({ language: "de-DE" });
  });

  it("is refused without the token, and at an address without one or with a used one", async () => {
    const server = await serve();
    const webhookUrl = webhookOf(server);
    expect(await callOverPlivo({ ...CALL, webhookUrl, authToken: "guessed" })).toBe(401);
    let used = "";
    const first = await callOverPlivo({ ...CALL, webhookUrl, mediaUrl: (url) => (used = url) });
    expect(typeof first).toBe("object");
    const without = new URL(used);
    without.pathname = "/telephone/handler";
    for (const url of [used, without.href, `${without.href}/x`]) {
      expect(await callOverPlivo({ ...CALL, webhookUrl, mediaUrl: () => url })).toBe(401);
    }
  });

  it.each([8000, 16_000] as const)("may have raw audio of %d Hz", async (sampleRate) => {
    const witness = new Witness();
    const server = await CarrierServer.start({
      carrier: plivo({ ...OPTIONS, contentType: `audio/x-l16;rate=${sampleRate}` }),
      handler: new WitnessHandler(witness, () => [sineFrame(500, 130)]),
    });
    servers.push(server);
    const caller = await callOverPlivo({ ...CALL, webhookUrl: webhookOf(server) });
    if (typeof caller === "number") throw new Error(`Refused with ${caller}.`);
    await caller.say(sine(440, 200, sampleRate));
    while (loudMsOf(caller.playout.heard(), sampleRate) < 120) await sleep(10);
    expect(frequencyOf(caller.playout.heard(), sampleRate)).toBeCloseTo(500, -1);
    const frames = witness.received.get(caller.sessionId) ?? [];
    const samples = Int16Array.from(frames.flatMap((frame) => [...frame.samples]));
    expect(frequencyOf(samples, 16_000)).toBeCloseTo(440, -1);
    expect(caller.complaints).toEqual([]);
  });
});

describe("the end of a call over Plivo", () => {
  let api: CarrierApiStandIn;
  beforeAll(async () => {
    api = await CarrierApiStandIn.start();
  });
  afterAll(async () => {
    await api.close();
  });

  it.each([204, 404])("is told to Plivo's API, which may answer %d", async (status) => {
    api.status = status;
    api.requests.length = 0;
    const handler = new WitnessHandler(new Witness(), () => [new CloseStream("Goodbye.")]);
    const carrier = plivo({ ...OPTIONS, apiUrl: api.url });
    const server = await CarrierServer.start({ carrier, handler });
    servers.push(server);
    const caller = await callOverPlivo({ ...CALL, webhookUrl: webhookOf(server) });
    if (typeof caller === "number") throw new Error(`Refused with ${caller}.`);
    while (!caller.isClosed || server.sessionCount > 0) await sleep(10);
    expect(api.requests).toHaveLength(1);
    expect(api.requests[0]).toMatchObject({
      method: "DELETE",
      path: expect.stringMatching(/^\/v1\/Account\/MA1\/Call\/[0-9a-f-]{36}\/$/) as string,
      authorization: `Basic ${Buffer.from("MA1:a token").toString("base64")}`,
    });
    expect(caller.complaints).toEqual([]);
  });

  it("is not told when the caller has hung up", async () => {
    api.requests.length = 0;
    const handler = new WitnessHandler(new Witness());
    const carrier = plivo({ ...OPTIONS, apiUrl: api.url });
    const server = await CarrierServer.start({ carrier, handler });
    servers.push(server);
    const call = await callOverPlivo({ ...CALL, webhookUrl: webhookOf(server) });
    const caller = await connected(server, call);
    caller.hangUp();
    while (server.sessionCount > 0) await sleep(10);
    await sleep(50);
    expect(api.requests).toEqual([]);
  });
});
