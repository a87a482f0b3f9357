import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";

import { callOverTwilio, twilioSignature } from "../../../test/carrier-calls.ts";
import type { CarrierCaller, TwilioCall } from "../../../test/carrier-calls.ts";
import { CarrierServer } from "../../../test/carrier-server.ts";
import {
  replyOnLoudness,
  sine,
  sineFrame,
  Witness,
  WitnessHandler,
} from "../../../test/conformance-handlers.ts";
import { begin, phoneHarness } from "../../../test/phone-conformance.ts";
import { frequencyOf, loudMsOf } from "../../../test/pitch.ts";
import { describeTransport } from "../../../test/transport-conformance.ts";
import { CloseStream } from "../../handler/close-stream.ts";
import type { StreamHandlerBase } from "../../handler/stream-handler.ts";
import type { AnyStreamOptions } from "../../stream-options.ts";
import { twilio } from "./twilio.ts";

const PUBLIC_URL = "https://voice.example.com";
const TOKEN = "12345abcde67890fghij12345abcde67";
const PATIENCE_MS = 6000;
const servers: CarrierServer[] = [];

const carrier = (): ReturnType<typeof twilio> =>
  twilio({ publicUrl: PUBLIC_URL, authToken: TOKEN });

const callTo = (server: CarrierServer, more: Partial<TwilioCall> = {}): TwilioCall => ({
  origin: server.origin,
  publicUrl: PUBLIC_URL,
  authToken: TOKEN,
  ...more,
});

async function serve(
  handler: StreamHandlerBase = new WitnessHandler(new Witness()),
  stream: Partial<AnyStreamOptions> = {},
): Promise<CarrierServer> {
  const params = { language: "de", note: `"<&>'` };
  const server = await CarrierServer.start({ handler, carrier: carrier(), params, stream });
  servers.push(server);
  return server;
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let waited = 0; !isTrue(); waited += 10) {
    if (waited >= PATIENCE_MS) throw new Error("It never came to this.");
    await sleep(10);
  }
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

describeTransport(
  "Twilio",
  phoneHarness({
    carrier,
    call: (server, streamId) =>
      callOverTwilio(callTo(server, streamId === undefined ? {} : { streamId })),
  }),
);

describe("a call over Twilio", () => {
  it("tells its session who calls, and what the application passed along", async () => {
    const server = await serve();
    const caller = await begin(server, await callOverTwilio(callTo(server)));
    const [context] = server.contexts();
    expect(context?.webrtcId).toBe(caller.streamId);
    expect(context?.telephone).toMatchObject({
      carrier: "twilio",
      from: "+15550100001",
      to: "+15550100002",
    });
    expect(context?.telephone?.callId).toMatch(/^CA/);
    expect(context?.params).toEqual({ language: "de", note: `"<&>'` });
  });

  it("has keys, and nothing that Twilio would complain about", async () => {
    const digits: string[] = [];
    const handler = new WitnessHandler(new Witness(), () => [sineFrame(500, 130)]);
    const server = await serve(handler, { onDtmf: (digit) => void digits.push(digit) });
    const caller = await begin(server, await callOverTwilio(callTo(server)));
    for (const digit of ["4", "2", "#"]) caller.standIn.press(digit);
    await until(() => digits.length === 3 && loudMsOf(caller.standIn.heard(), 8000) > 110);
    expect(digits).toEqual(["4", "2", "#"]);
    expect(frequencyOf(caller.standIn.heard(), 8000)).toBeCloseTo(500, -1);
    await until(() => caller.standIn.echoes.length >= 2);
    caller.hangUp();
    await until(() => server.sessionCount === 0);
    expect(caller.standIn.faults).toEqual([]);
  });

  it("replays a recorded conversation: a question, an answer, an interruption, another answer", async () => {
    const heard: number[] = [];
    const handler = replyOnLoudness(async function* (_audio, { reply, signal, turn }) {
      signal.addEventListener("abort", () => heard.push(reply.heard.ms));
      for (let i = 0; i < 20; i++) yield sineFrame(turn.index === 1 ? 500 : 900, 100);
    });
    const server = await serve(handler);
    const caller = await begin(server, await callOverTwilio(callTo(server)));
    const say = (hz: number, ms: number): Promise<void> => caller.say(sine(hz, ms, 8000));
    const heardMs = (): number => loudMsOf(caller.standIn.heard(), 8000);
    await say(300, 600);
    await caller.say(new Int16Array(8000));
    await until(() => heardMs() > 300);
    const flushes = caller.standIn.flushes;
    await say(300, 600);
    const atInterruption = heardMs();
    await caller.say(new Int16Array(8000));
    await until(() => heardMs() > atInterruption + 300);
    expect(caller.standIn.flushes).toBeGreaterThan(flushes);
    // What it believes to have been heard is what the telephone has played, to within 100 ms.
    expect(Math.abs((heard[0] ?? 0) - atInterruption)).toBeLessThan(100);
    expect(frequencyOf(caller.standIn.heard().subarray(-800), 8000)).toBeCloseTo(900, -2);
    // Marks of what was dropped come back in the moment of the flush, and count for nothing.
    expect(caller.standIn.echoes.some((name) => name.startsWith("e1:"))).toBe(true);
    expect(caller.standIn.faults).toEqual([]);
  });

  it("plays all that was said before it hangs up", async () => {
    const handler = new WitnessHandler(new Witness(), () => [
      sineFrame(500, 400),
      new CloseStream("Goodbye."),
    ]);
    const server = await serve(handler);
    const caller = await begin(server, await callOverTwilio(callTo(server)));
    await until(() => caller.isClosed);
    expect(caller.closeCode).toBe(1000);
    expect(loudMsOf(caller.standIn.heard(), 8000)).toBeGreaterThan(380);
  });
});

describe("strangers at Twilio's door", () => {
  it("are refused with a forged webhook, a forged socket, or no signature", async () => {
    const server = await serve();
    expect(await callOverTwilio(callTo(server, { authToken: "guessed" }))).toBe(401);
    expect(await callOverTwilio(callTo(server, { socketToken: "guessed" }))).toBe(401);
    const bare = await fetch(`${server.origin}/telephone/incoming`, { method: "POST" });
    expect(bare.status).toBe(401);
    expect(server.sessionCount).toBe(0);
    await until(() => server.heldResources === 0);
  });

  it("cannot make Host decide what is signed, or where media goes", async () => {
    const server = await serve();
    const form = { CallSid: "CA1", From: "+1", To: "+2" };
    const answer = await fetch(`${server.origin}/telephone/incoming`, {
      method: "POST",
      headers: {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": twilioSignature(TOKEN, `${PUBLIC_URL}/telephone/incoming`, form),
      },
      body: new URLSearchParams(form).toString(),
    });
    expect(await answer.text()).toContain('url="wss://voice.example.com/telephone/handler"');
  });

  async function knock(server: CarrierServer): Promise<CarrierCaller> {
    const caller = await callOverTwilio(callTo(server));
    if (typeof caller === "number") throw new Error(`Refused with ${caller}.`);
    return caller;
  }

  it.each([
    ["media before the start", '{"event":"media","media":{"payload":"AAAA"}}', 4400],
    ["10 MB", "x".repeat(10_000_000), 1009],
  ])("are closed for %s", async (_, message, code) => {
    const server = await serve();
    const neighbour = await begin(server, await callOverTwilio(callTo(server)));
    const caller = await knock(server);
    caller.send(message);
    await until(() => caller.isClosed);
    expect(caller.closeCode).toBe(code);
    expect(server.sessionCount).toBe(1);
    expect(neighbour.isClosed).toBe(false);
  });

  it("lose a message for what cannot be read, and the call for 10 MB", async () => {
    const witness = new Witness();
    const server = await serve(new WitnessHandler(witness));
    const caller = await begin(server, await callOverTwilio(callTo(server)));
    caller.send("{");
    caller.send(Buffer.alloc(160));
    caller.send('{"event":"media","streamSid":"MZ0","media":{"payload":"AAAA"}}');
    const media = JSON.stringify({ payload: "not base64!" });
    caller.send(`{"event":"media","streamSid":"${caller.streamId}","media":${media}}`);
    caller.standIn.start();
    await caller.say(sine(400, 200, 8000));
    await until(() => witness.received.size === 1);
    expect(caller.isClosed).toBe(false);
    caller.send("x".repeat(10_000_000));
    await until(() => caller.isClosed);
    expect(caller.closeCode).toBe(1009);
    await until(() => server.sessionCount === 0);
  });

  it("keep nobody out with 300 sockets that never start", async () => {
    const server = await serve();
    const url = `${server.origin.replace("http", "ws")}/telephone/handler`;
    const signature = twilioSignature(TOKEN, "wss://voice.example.com/telephone/handler", {});
    const headers = { "x-twilio-signature": signature };
    const sockets = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const socket = new WebSocket(url, { headers });
        await once(socket, "open");
        return socket;
      }),
    );
    const caller = await begin(server, await callOverTwilio(callTo(server)));
    expect(caller.isClosed).toBe(false);
    await until(() => server.heldResources <= 257);
    for (const socket of sockets) socket.terminate();
    await until(() => server.heldResources === 1);
  });
});
