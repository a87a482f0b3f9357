import { generateKeyPairSync } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { callOverTelnyx, TelnyxApi } from "../../../test/carrier-calls.ts";
import type { CarrierCaller, TelnyxCall } from "../../../test/carrier-calls.ts";
import { CarrierServer } from "../../../test/carrier-server.ts";
import { sine, sineFrame, Witness, WitnessHandler } from "../../../test/conformance-handlers.ts";
import { begin, phoneHarness } from "../../../test/phone-conformance.ts";
import { frequencyOf, loudMsOf } from "../../../test/pitch.ts";
import { describeTransport } from "../../../test/transport-conformance.ts";
import { CloseStream } from "../../handler/close-stream.ts";
import type { StreamHandlerBase } from "../../handler/stream-handler.ts";
import { telnyx } from "./telnyx.ts";

const PUBLIC_URL = "https://voice.example.com";
const PATIENCE_MS = 6000;
const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const KEY = publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("base64");
const OK = { status: 200, body: "{}" };
const servers: CarrierServer[] = [];
let api: TelnyxApi;

const carrier = (): ReturnType<typeof telnyx> =>
  telnyx({ publicUrl: PUBLIC_URL, publicKey: KEY, apiKey: "KEY1", apiUrl: api.url });

const callTo = (server: CarrierServer, more: Partial<TelnyxCall> = {}): TelnyxCall => ({
  origin: server.origin,
  publicUrl: PUBLIC_URL,
  api,
  privateKey,
  ...more,
});

async function serve(
  handler: StreamHandlerBase = new WitnessHandler(new Witness()),
): Promise<CarrierServer> {
  const params = { language: "de" };
  const server = await CarrierServer.start({ handler, carrier: carrier(), params });
  servers.push(server);
  return server;
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let waited = 0; !isTrue(); waited += 10) {
    if (waited >= PATIENCE_MS) throw new Error("It never came to this.");
    await sleep(10);
  }
}

beforeAll(async () => {
  api = await TelnyxApi.start();
});

beforeEach(() => {
  api.commands.length = 0;
  api.answer = OK;
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

afterAll(async () => {
  await api.close();
});

describeTransport(
  "Telnyx",
  phoneHarness({
    carrier,
    call: (server, streamId) =>
      callOverTelnyx(callTo(server, streamId === undefined ? {} : { streamId })),
  }),
);

describe("a call over Telnyx", () => {
  const connect = async (
    server: CarrierServer,
    more: Partial<TelnyxCall> = {},
  ): Promise<CarrierCaller> => begin(server, await callOverTelnyx(callTo(server, more)));

  it("is answered by a command, and tells its session who calls", async () => {
    const server = await serve();
    const caller = await connect(server);
    const [command] = api.commands;
    expect(command).toMatchObject({ action: "answer", authorization: "Bearer KEY1" });
    const [context] = server.contexts();
    expect(context?.webrtcId).toBe(caller.streamId);
    expect(context?.telephone).toEqual({
      carrier: "telnyx",
      callId: command?.callId,
      from: "+15550100001",
      to: "+15550100002",
    });
    expect(context?.params).toEqual({ language: "de" });
  });

  it("carries A-law in where the caller's line has it, and mu-law out", async () => {
    const witness = new Witness();
    const server = await serve(new WitnessHandler(witness, () => [sineFrame(660, 400)]));
    const inputFormat = { codec: "alaw", sampleRate: 8000, channels: 1 } as const;
    const caller = await connect(server, { inputFormat });
    await caller.say(sine(440, 500, 8000));
    await until(() => loudMsOf(caller.standIn.heard(), 8000) > 350);
    const frames = witness.received.get(caller.streamId) ?? [];
    const heard = Int16Array.from(frames.flatMap(({ samples }) => [...samples]));
    expect(frequencyOf(heard, 16_000)).toBeCloseTo(440, -1);
    expect(frequencyOf(caller.standIn.heard(), 8000)).toBeCloseTo(660, -1);
    expect(caller.standIn.faults).toEqual([]);
  });

  it("puts the caller's pieces in order", async () => {
    const witness = new Witness();
    const server = await serve(new WitnessHandler(witness));
    const caller = await connect(server);
    const silence = new Uint8Array(160).fill(0xff);
    const loud = new Uint8Array(160).fill(0x00);
    for (const [chunk, data] of [
      [1, silence],
      [3, loud],
      [2, silence],
      [5, silence],
      [4, silence],
    ] as const) {
      caller.standIn.sendPayload(data, chunk);
    }
    await until(() => (witness.received.get(caller.streamId)?.length ?? 0) >= 5);
    const loudness = (witness.received.get(caller.streamId) ?? []).map(({ samples }) => {
      const loudSamples = samples.filter((sample) => Math.abs(sample) > 8000);
      return loudSamples.length > samples.length / 2;
    });
    expect(loudness).toEqual([false, false, true, false, false]);
    expect(witness.received.size).toBe(1);
  });

  it("is ended at Telnyx when the session ends, which the socket alone does not", async () => {
    const handler = new WitnessHandler(new Witness(), () => [
      sineFrame(500, 100),
      new CloseStream("Goodbye."),
    ]);
    const server = await serve(handler);
    const caller = await connect(server);
    await until(() => caller.isClosed && server.sessionCount === 0);
    expect(api.commands.map(({ action }) => action)).toEqual(["answer", "hangup"]);
  });

  it("is not ended again when the caller has hung up", async () => {
    const server = await serve();
    const caller = await connect(server);
    caller.hangUp();
    await until(() => server.sessionCount === 0);
    expect(api.commands.map(({ action }) => action)).toEqual(["answer"]);
  });

  it("is refused with a forged, an old or an unanswerable webhook, or without its token", async () => {
    const server = await serve();
    const old = Math.floor(Date.now() / 1000) - 301;
    const forged = generateKeyPairSync("ed25519").privateKey;
    expect(await callOverTelnyx(callTo(server, { privateKey: forged }))).toBe(401);
    expect(await callOverTelnyx(callTo(server, { timestamp: old }))).toBe(401);
    expect(await callOverTelnyx(callTo(server, { token: "a.b.c" }))).toBe(401);
    api.answer = { status: 500, body: "{}" };
    expect(await callOverTelnyx(callTo(server))).toBe(500);
    expect(server.sessionCount).toBe(0);
    await until(() => server.heldResources === 0);
  });
});
