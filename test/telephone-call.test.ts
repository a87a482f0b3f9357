/** A call over Twilio from its webhook to its end, against an application's own HTTP server. */

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { CloseStream, ReplyOnPause, silentLogger, Stream, twilio, type AudioFrame } from "fastrtc";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { twilioSignature } from "../packages/fastrtc/test/carrier-calls.ts";
import { callByTwilio, type TwilioCaller } from "./callers/telephone-callers.ts";
import { similarity } from "./support/correlation.ts";
import { spokenSentences } from "./support/spoken-sentences.ts";
import { until } from "./support/until.ts";

const PUBLIC_URL = "https://voice.example.com";
const AUTH_TOKEN = "12345abcde67890fghij12345abcde67";
const PATH = "/voice";
const [question, goodbye] = spokenSentences(2) as [AudioFrame, AudioFrame];

const Params = z.object({ language: z.enum(["de", "en"]), visits: z.coerce.number().int() });

const seen: unknown[] = [];
const keys: string[] = [];
let server: Server;
let stream: Pick<Stream, "close" | "mount" | "sessionCount">;
let caller: TwilioCaller | undefined;

afterEach(async () => {
  await caller?.hangUp();
  caller = undefined;
  await stream.close();
  server.closeAllConnections();
  server.close();
  seen.length = 0;
  keys.length = 0;
});

/** @param language - What the application finds out of a caller before it answers. */
async function serve(language: string): Promise<string> {
  const typed = new Stream({
    handler: new ReplyOnPause(function* (audio) {
      const { params, telephone, transport } = typed.getCurrentContext();
      seen.push({ params, telephone, transport });
      yield audio;
      yield goodbye;
      yield new CloseStream("Goodbye.");
    }),
    modality: "audio",
    params: Params,
    telephone: {
      carriers: [twilio({ publicUrl: PUBLIC_URL, authToken: AUTH_TOKEN })],
      params: ({ from }) => ({ language, visits: from === "+15550100001" ? "3" : "0" }),
    },
    onDtmf: (key) => {
      keys.push(`${typed.getCurrentContext().telephone?.carrier}: ${key}`);
    },
    logger: silentLogger,
  });
  stream = typed;
  server = createServer((_request, response) => response.writeHead(404).end());
  stream.mount(server, PATH);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const call = (origin: string, more: { authToken?: string; socketToken?: string } = {}) =>
  callByTwilio({
    origin,
    publicUrl: PUBLIC_URL,
    authToken: AUTH_TOKEN,
    path: `${PATH}/telephone/incoming`,
    ...more,
  });

describe("a call over Twilio", () => {
  it("is answered, has parameters and keys, hears all that was said, and is hung up", async () => {
    caller = await call(await serve("de"));
    const { carrier } = caller;
    await until(() => stream.sessionCount === 1);
    for (const key of ["4", "2", "#"]) carrier.standIn.press(key);
    await until(() => keys.length === 3);
    expect(keys).toEqual(["twilio: 4", "twilio: 2", "twilio: #"]);

    await caller.say(question);
    await until(() => carrier.isClosed, 20_000);
    expect(carrier.closeCode).toBe(1000);
    expect(stream.sessionCount).toBe(0);
    expect(seen).toEqual([
      {
        params: { language: "de", visits: 3 },
        telephone: {
          carrier: "twilio",
          callId: expect.stringMatching(/^CA/) as string,
          from: "+15550100001",
          to: "+15550100002",
        },
        transport: "telephone",
      },
    ]);
    const heard = await caller.heard(0);
    expect(similarity(question, heard)).toBeGreaterThan(0.9);
    expect(similarity(goodbye, heard)).toBeGreaterThan(0.9);
    // To its very end: the last fifth of the goodbye is there too.
    const end = goodbye.slice(0.8 * goodbye.durationMs);
    expect(similarity(end, heard.slice(heard.durationMs - 1000))).toBeGreaterThan(0.9);
    expect(carrier.standIn.faults).toEqual([]);
  });

  it("never begins with parameters that the schema refuses", async () => {
    caller = await call(await serve("fr"));
    const { carrier } = caller;
    await until(() => carrier.isClosed);
    expect(carrier.closeCode).toBe(4422);
    expect(stream.sessionCount).toBe(0);
    expect(seen).toEqual([]);
  });

  it("is refused where somebody else has signed the webhook or the socket", async () => {
    const origin = await serve("de");
    await expect(call(origin, { authToken: "guessed" })).rejects.toThrow("refused with 401");
    await expect(call(origin, { socketToken: "guessed" })).rejects.toThrow("refused with 401");
    // Signed for where it really is, not for where it is known to be.
    const fields = { CallSid: "CA1" };
    const url = `${origin}${PATH}/telephone/incoming`;
    const answer = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": twilioSignature(AUTH_TOKEN, url, fields),
      },
      body: new URLSearchParams(fields).toString(),
    });
    expect(answer.status).toBe(401);
    expect(stream.sessionCount).toBe(0);
  });
});
