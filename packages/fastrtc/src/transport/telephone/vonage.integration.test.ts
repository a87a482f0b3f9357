import { generateKeyPairSync } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { CarrierApiStandIn } from "../../../test/carrier-api-stand-in.ts";
import { carrierHarness, connected } from "../../../test/carrier-conformance.ts";
import { CarrierServer } from "../../../test/carrier-server.ts";
import { sineFrame, Witness, WitnessHandler } from "../../../test/conformance-handlers.ts";
import { frequencyOf, loudMsOf } from "../../../test/pitch.ts";
import { openSocket } from "../../../test/socket-caller.ts";
import { describeTransport } from "../../../test/transport-conformance.ts";
import { callOverVonage } from "../../../test/vonage-stand-in.ts";
import { CloseStream } from "../../handler/close-stream.ts";
import type { Carrier } from "./carrier.ts";
import { vonage } from "./vonage.ts";

const PUBLIC_URL = "https://voice.example.com";
const SECRET = "a secret of the account's";
const CALL = { publicUrl: PUBLIC_URL, signatureSecret: SECRET, from: "15550100001", to: "100" };
const servers: CarrierServer[] = [];

async function serve(carrier: Carrier): Promise<CarrierServer> {
  const handler = new WitnessHandler(new Witness());
  const server = await CarrierServer.start({ carrier, handler, params: { language: "de-DE" } });
  servers.push(server);
  return server;
}
const webhookOf = (server: CarrierServer): string => `${server.origin}/telephone/incoming`;

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

describeTransport(
  "Vonage",
  carrierHarness({
    carrier: vonage({ publicUrl: PUBLIC_URL, signatureSecret: SECRET }),
    call: (server, isMute) => callOverVonage({ ...CALL, webhookUrl: webhookOf(server), isMute }),
  }),
);

describe("a call over Vonage", () => {
  const carrier = vonage({ publicUrl: PUBLIC_URL, signatureSecret: SECRET });

  it("tells its session who calls, and what the application passed along", async () => {
    const server = await serve(carrier);
    const caller = await connected(
      server,
      await callOverVonage({ ...CALL, webhookUrl: webhookOf(server) }),
    );
    const [context] = server.contexts();
    expect(context?.telephone).toEqual({
      carrier: "vonage",
      callId: caller.sessionId,
      from: "15550100001",
      to: "100",
    });
    expect(context?.params).toEqual({ language: "de-DE" });
  });

  it.each([8000, 24_000] as const)(
    "may have %d Hz, in frames of exactly 20 ms",
    async (sampleRate) => {
      const server = await CarrierServer.start({
        carrier: vonage({ publicUrl: PUBLIC_URL, signatureSecret: SECRET, sampleRate }),
        handler: new WitnessHandler(new Witness(), () => [sineFrame(500, 130)]),
      });
      servers.push(server);
      const caller = await callOverVonage({ ...CALL, webhookUrl: webhookOf(server) });
      if (typeof caller === "number") throw new Error(`Refused with ${caller}.`);
      while (loudMsOf(caller.playout.heard(), sampleRate) < 120) await sleep(10);
      expect(frequencyOf(caller.playout.heard(), sampleRate)).toBeCloseTo(500, -1);
      expect(caller.complaints).toEqual([]);
    },
  );

  it("is refused, webhook and socket, without the secret", async () => {
    const server = await serve(carrier);
    const forged = { ...CALL, webhookUrl: webhookOf(server), signatureSecret: "guessed" };
    expect(await callOverVonage(forged)).toBe(401);
    const url = `${server.origin.replace("http", "ws")}/telephone/handler`;
    expect(await openSocket(url, {})).toBe(401);
    expect(await openSocket(url, { headers: { authorization: "Bearer a.b.c" } })).toBe(401);
    while (server.heldResources > 0) await sleep(10);
  });
});

describe("the end of a call over Vonage", () => {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  let api: CarrierApiStandIn;
  beforeAll(async () => {
    api = await CarrierApiStandIn.start();
  });
  afterAll(async () => {
    await api.close();
  });

  it("is told to Vonage's API, with a token of the application's", async () => {
    const carrier = vonage({
      publicUrl: PUBLIC_URL,
      signatureSecret: SECRET,
      applicationId: "app-1",
      privateKey,
      apiUrl: api.url,
    });
    const handler = new WitnessHandler(new Witness(), () => [
      sineFrame(500, 100),
      new CloseStream("Goodbye."),
    ]);
    const server = await CarrierServer.start({ carrier, handler });
    servers.push(server);
    const caller = await callOverVonage({ ...CALL, webhookUrl: webhookOf(server) });
    if (typeof caller === "number") throw new Error(`Refused with ${caller}.`);
    while (!caller.isClosed) await sleep(10);
    expect(caller.complaints).toEqual([]);
    expect(api.requests).toMatchObject([
      { method: "PUT", path: `/v1/calls/${caller.sessionId}`, body: '{"action":"hangup"}' },
    ]);
    const claims = Buffer.from(api.requests[0]!.authorization.split(".")[1]!, "base64url");
    expect(JSON.parse(claims.toString())).toMatchObject({ application_id: "app-1" });
  });
});
