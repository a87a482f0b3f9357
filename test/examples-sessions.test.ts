/** The examples about whose session is whose, and about sessions that go on elsewhere. */

import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { createEnergyVad, getRealtimeSession, ReplyOnPause, silentLogger, Stream } from "fastrtc";
import type { AudioFrame, RealtimeItem } from "fastrtc";
import type { RealtimeClientEvent } from "openai/resources/realtime/realtime";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { startRedisServer } from "../packages/fastrtc/test/redis-server.ts";
import { startExample } from "./support/example-process.ts";
import type { ExampleOptions } from "./support/example-process.ts";
import { NodeClient } from "./support/node-client.ts";
import type { OfferExtras } from "./support/node-client.ts";
import { recognize } from "./support/pocketsphinx.ts";
import { spokenSentences, withSilence } from "./support/spoken-sentences.ts";
import { tone, toneShares } from "./support/tone.ts";
import { until } from "./support/until.ts";

const [sentence] = spokenSentences(1) as [AudioFrame];
const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function start(name: string, options?: ExampleOptions): Promise<string> {
  const example = await startExample(name, options);
  endings.push(() => example.stop());
  return example.url;
}

async function call(url: string, offer?: OfferExtras, id?: string): Promise<NodeClient> {
  const client = new NodeClient(id);
  endings.push(() => {
    client.close();
  });
  await client.connect(url, offer);
  return client;
}

const speak = (client: NodeClient): Promise<void> => client.speak(withSilence(sentence, 400, 1200));

const outputs = (client: NodeClient): readonly unknown[] =>
  client.messagesOf("fetch_output").flatMap(({ data }) => data);

/** The words of what a client has heard. */
const words = (client: NodeClient): string =>
  client
    .messagesOf("reply")
    .map(({ data }) => (data.phase === "text" ? data.text : ""))
    .join("")
    .trim();

const hasHeardAll = (client: NodeClient): boolean =>
  client.messagesOf("reply").some(({ data }) => data.phase === "finished");

async function json(url: string, headers: Record<string, string> = {}): Promise<unknown> {
  const response = await fetch(url, { headers });
  return { status: response.status, body: (await response.json()) as unknown };
}

describe("accounts", () => {
  async function logIn(url: string, id: string): Promise<{ cookie: string }> {
    const response = await fetch(`${url}login/${id}`, { redirect: "manual" });
    expect(response.headers.get("location")).toBe("/");
    return { cookie: response.headers.get("set-cookie")!.split(";")[0]! };
  }

  it("lets in whom it knows, and takes the parameters that fit", async () => {
    const url = await start("accounts");
    const stranger = new NodeClient();
    endings.push(() => {
      stranger.close();
    });
    expect((await stranger.negotiate(url)).status).toBe(401);
    const headers = await logIn(url, "ada");
    const body = { params: { greeting: "Oi" } };
    const refusal = await stranger.negotiate(url, { headers, body });
    expect(refusal.status).toBe(400);
    expect(refusal.body).toMatchObject({ meta: { issues: [{ path: "greeting" }] } });
  });

  it("answers two at once, each as themselves, and gives what is remembered to its owner", async () => {
    const url = await start("accounts");
    const [ada, ben] = [await logIn(url, "ada"), await logIn(url, "ben")];
    const adas = await call(url, { headers: ada, body: { params: { greeting: "Welcome" } } });
    const bens = await call(url, { headers: ben });
    await Promise.all([speak(adas), speak(bens)]);
    await until(() => hasHeardAll(adas) && hasHeardAll(bens));

    expect(outputs(adas)).toEqual([{ webrtcId: adas.webrtcId, user: "ada", turn: 1 }]);
    expect(outputs(bens)).toEqual([{ webrtcId: bens.webrtcId, user: "ben", turn: 1 }]);
    expect(words(adas)).toMatch(/^Welcome Ada. You spoke for \d\.\d seconds\.$/);
    expect(words(bens)).toMatch(/^Hello Ben. You spoke for \d\.\d seconds\.$/);
    expect((await recognize(adas.heard())).text).toContain("you spoke for");

    const answers = `${url}answers/${adas.webrtcId}`;
    adas.close();
    const remembered = [
      { model: "stand-in", seconds: expect.stringMatching(/^\d\.\d$/) as string },
    ];
    expect(await json(answers, ada)).toEqual({ status: 200, body: remembered });
    expect(await json(answers, ben)).toMatchObject({ status: 404 });
    expect(await json(answers)).toMatchObject({ status: 404 });
    expect(await json(`${url}answers/nobody`, ada)).toMatchObject({ status: 404 });
  });
});

describe("redis", () => {
  it("finds a session from whichever process is asked", async () => {
    const redis = await startRedisServer();
    endings.push(() => redis.stop());
    const env = { REDIS_URL: redis.url };
    const [here, there] = await Promise.all([start("redis", { env }), start("redis", { env })]);
    const client = await call(here);
    await speak(client);
    await until(() => hasHeardAll(client));

    const path = `sessions/${client.webrtcId}`;
    const [own, other] = [await json(`${here}${path}`), await json(`${there}${path}`)];
    expect(own).toMatchObject({ body: { turns: 1, sessions: 1 } });
    expect(other).toMatchObject({ body: { turns: 1, sessions: 1 } });
    const pidOf = (reply: unknown): number =>
      (reply as { body: { answeredBy: number } }).body.answeredBy;
    expect(pidOf(own)).not.toBe(pidOf(other));

    const headers = { "content-type": "text/plain" };
    const body = "from elsewhere";
    const sent = await fetch(`${there}${path}/message`, { method: "POST", headers, body });
    expect(sent.status).toBe(204);
    await until(() => client.messagesOf("message").length > 0);
    expect(client.messagesOf("message")).toEqual([{ type: "message", data: body }]);
  });
});

describe("realtime-bridge", () => {
  it("relays both ways to a Realtime server, and stops when the caller speaks", async () => {
    const heardByModel: AudioFrame[] = [];
    const histories: (readonly RealtimeItem[])[] = [];
    const model = new Stream({
      handler: new ReplyOnPause(
        function* (audio) {
          heardByModel.push(audio);
          histories.push([...(getRealtimeSession()?.items ?? [])]);
          yield tone(700, 8000).withText("one two three four five six seven eight");
        },
        { model: createEnergyVad },
      ),
      modality: "audio",
      openaiRealtime: true,
      logger: silentLogger,
    });
    endings.push(() => model.close());
    const server = await model.launch({ port: 0 });
    const address = `${server.url.replace("http", "ws")}v1/realtime?model=any`;
    const client = await call(
      await start("realtime-bridge", { env: { OPENAI_REALTIME_URL: address } }),
    );
    await until(() => model.sessionCount === 1);
    await speak(client);
    await until(() => client.heardMs > 1500);
    expect(toneShares(client.heard(), [700])[0]).toBeGreaterThan(0.9);
    expect(heardByModel[0]!.durationMs).toBeGreaterThan(sentence.durationMs);

    await speak(client);
    await until(() => heardByModel.length === 2);
    expect(client.heardMs).toBeLessThan(5000);
    expect(histories[1]).toMatchObject([
      { role: "user" },
      { role: "assistant", status: "incomplete" },
      { role: "user" },
    ]);
    client.close();
    await until(() => model.sessionCount === 0);
  });

  it("drops what a faster model has sent ahead, and tells it what was heard", async () => {
    const model = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    endings.push(() => model.close());
    await once(model, "listening");
    const { port } = model.address() as AddressInfo;
    const connected = once(model, "connection");
    const env = { OPENAI_REALTIME_URL: `ws://127.0.0.1:${port}`, OPENAI_API_KEY: "sk-mine" };
    const client = await call(await start("realtime-bridge", { env }));
    const [socket, request] = (await connected) as [WebSocket, IncomingMessage];
    expect(request.headers.authorization).toBe("Bearer sk-mine");
    const events: RealtimeClientEvent[] = [];
    socket.on("message", (data: Buffer) => {
      events.push(JSON.parse(data.toString()) as RealtimeClientEvent);
    });
    const send = (event: object): unknown => socket.send(JSON.stringify(event));

    const delta = Buffer.from(tone(700, 6000).resample(24_000).toBytes()).toString("base64");
    send({ type: "response.output_audio.delta", item_id: "item_1", delta });
    await until(() => client.heardMs > 1000);
    send({ type: "input_audio_buffer.speech_started" });
    const [truncation] = await eventsOf(events, "conversation.item.truncate");
    expect(truncation).toMatchObject({ item_id: "item_1", content_index: 0 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(client.heardMs).toBeLessThan(2000);
    expect(Math.abs((truncation?.audio_end_ms ?? 0) - client.heardMs)).toBeLessThan(300);

    socket.close();
    await until(() => client.isChannelClosed);
    expect(client.messagesOf("end_stream")).toMatchObject([{ data: "The model has hung up." }]);
  });

  async function eventsOf<T extends RealtimeClientEvent["type"]>(
    events: readonly RealtimeClientEvent[],
    type: T,
  ): Promise<Extract<RealtimeClientEvent, { type: T }>[]> {
    const isOfType = (
      event: RealtimeClientEvent,
    ): event is Extract<RealtimeClientEvent, { type: T }> => event.type === type;
    await until(() => events.some(isOfType));
    return events.filter(isOfType);
  }
});
