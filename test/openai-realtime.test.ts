/** The stock client of the OpenAI Realtime API, in Chromium, over WebRTC, and by its WebSocket. */

import { createRequire } from "node:module";
import path from "node:path";
import { ReplyOnPause } from "fastrtc";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { sineFrame } from "../packages/fastrtc/test/conformance-handlers.ts";
import { loudness } from "../packages/fastrtc/test/memory-call.ts";
import { frequencyOf, loudMsOf } from "../packages/fastrtc/test/pitch.ts";
import { startRealtimeServer } from "../packages/fastrtc/test/realtime-server.ts";
import type { RealtimeServer } from "../packages/fastrtc/test/realtime-server.ts";
import { launchChromium, type TestBrowser } from "./browser/launch-chromium.ts";
import { recordReceivedAudio } from "./browser/received-audio.ts";
import { until } from "./support/until.ts";

// The bundle for browsers that comes in its npm package.
const BUNDLE = path.join(
  path.dirname(createRequire(import.meta.url).resolve("@openai/agents-realtime")),
  "bundle/openai-realtime-agents.umd.js",
);

let chromium: TestBrowser;
let server: RealtimeServer | undefined;

beforeAll(async () => {
  chromium = await launchChromium();
});
afterEach(async () => {
  for (const context of chromium.browser.contexts()) await context.close();
  await server?.close();
});
afterAll(() => chromium.close());

interface InPage {
  connect(options: { url: string; kind: "webrtc" | "websocket"; key: string }): Promise<void>;
  speak(durationMs: number): Promise<void>;
  sendMessage(text: string): void;
  interrupt(): void;
  view(): { types: string[]; history: string[]; errors: string[]; audioBytes: number };
  close(): void;
}

/** What is put into the page. */
declare const caller: InPage;

describe("the stock OpenAI Realtime client in Chromium", () => {
  it("is heard, answered and interrupted over WebRTC", async () => {
    const heardMs: number[] = [];
    server = await startRealtimeServer({
      handler: new ReplyOnPause(
        function* (audio) {
          heardMs.push(loudMsOf(audio.samples, audio.sampleRate));
          yield sineFrame(700, 500).withText("One two three.");
          yield sineFrame(700, 4000).withText("Four five six.");
        },
        { model: loudness, inputSampleRate: 16_000 },
      ),
    });
    const page = await open();
    const received = await recordReceivedAudio(page);
    await load(page, server.url);
    const url = `${server.url}/v1/realtime/calls?model=m`;
    await page.evaluate((given) => caller.connect({ url: given, kind: "webrtc", key: "k" }), url);
    expect(server.stream.sessionCount).toBe(1);

    await page.evaluate(() => caller.speak(600));
    await told(page, "output_audio_buffer.started");
    await page.waitForTimeout(1200);
    await page.evaluate(() => caller.speak(700));
    await told(page, "output_audio_buffer.cleared");

    const { types, errors, history } = await view(page);
    expect(errors).toEqual([]);
    expect(types).not.toContain("response.output_audio.delta");
    const order = [
      "input_audio_buffer.speech_started",
      "input_audio_buffer.committed",
      "response.created",
      "response.output_audio_transcript.delta",
      "output_audio_buffer.started",
      "response.done",
      "output_audio_buffer.cleared",
      "conversation.item.truncated",
    ];
    expect(types.filter((type, at) => order.includes(type) && types.indexOf(type) === at)).toEqual(
      order,
    );
    expect(history.some((text) => text.startsWith("One two three"))).toBe(true);
    expect(heardMs[0]).toBeGreaterThan(400);
    const { samples, sampleRate } = (await received.read()).toMono();
    expect(frequencyOf(samples, sampleRate)).toBeCloseTo(700, -1);
    await page.evaluate(() => {
      caller.close();
    });
    await until(() => server?.stream.sessionCount === 0);
  });

  it("types, and is answered and cancelled over WebRTC", async () => {
    const typed: unknown[] = [];
    server = await startRealtimeServer({
      handler: new ReplyOnPause(
        function* (_audio, { turn }) {
          typed.push(turn.transcript);
          yield sineFrame(700, 4000).withText("A long answer.");
        },
        { model: loudness },
      ),
    });
    const page = await open();
    await load(page, server.url);
    const url = `${server.url}/v1/realtime/calls`;
    await page.evaluate((given) => caller.connect({ url: given, kind: "webrtc", key: "k" }), url);
    await page.evaluate(() => {
      caller.sendMessage("hello");
    });
    await told(page, "output_audio_buffer.started");
    await page.evaluate(() => {
      caller.interrupt();
    });
    await told(page, "output_audio_buffer.cleared");
    expect(typed).toEqual(["hello"]);
    expect((await view(page)).errors).toEqual([]);
  });

  it("is let in by a key of its own, for WebRTC and for a WebSocket", async () => {
    const users: unknown[] = [];
    server = await startRealtimeServer({
      authenticate: (request: Request) =>
        request.headers.get("authorization") === "Bearer secret" ? { name: "Ada" } : undefined,
      handler: new ReplyOnPause(
        function* (_audio, { context }) {
          users.push(context.user);
          yield sineFrame(700, 200).withText("Hello.");
        },
        { model: loudness },
      ),
    });
    const secret = await fetch(`${server.url}/v1/realtime/client_secrets`, {
      method: "POST",
      headers: { authorization: "Bearer secret", "content-type": "application/json" },
      body: JSON.stringify({ session: { type: "realtime", instructions: "Be kind." } }),
    });
    const { value } = (await secret.json()) as { value: string };
    expect(value).toMatch(/^ek_/);
    for (const kind of ["webrtc", "websocket"] as const) {
      const page = await open();
      await load(page, server.url);
      const url =
        kind === "webrtc" ? `${server.url}/v1/realtime/calls` : `${server.socketUrl}?model=m`;
      const refusal = await page
        .evaluate((given) => caller.connect({ ...given, key: "ek_wrong" }), { url, kind })
        .then(
          () => undefined,
          (error: unknown) => String(error),
        );
      expect(refusal).toBeDefined();
      if (kind === "webrtc") expect(refusal).toContain("Incorrect API key");
      await page.evaluate((given) => caller.connect(given), { url, kind, key: value });
      await page.evaluate(() => {
        caller.sendMessage("hello");
      });
      await told(page, "response.done");
      expect((await view(page)).errors).toEqual([]);
    }
    expect(users).toEqual([{ name: "Ada" }, { name: "Ada" }]);
  });
});

function view(page: Page): Promise<ReturnType<InPage["view"]>> {
  return page.evaluate(() => caller.view());
}

async function told(page: Page, type: string): Promise<void> {
  await page.waitForFunction((wanted) => caller.view().types.includes(wanted), type, {
    timeout: 15_000,
  });
}

function open(): Promise<Page> {
  return chromium.newPage();
}

async function load(page: Page, url: string): Promise<void> {
  // Any page of the server's origin will do, also the one that says that there is none.
  await page.goto(`${url}/nothing`);
  await page.addScriptTag({ path: BUNDLE });
  await page.evaluate(installCaller);
}

// Runs in the page, so it must not refer to anything outside itself.
function installCaller(): void {
  interface Session {
    readonly transport: { on(type: string, listener: (event: { type: string }) => void): void };
    readonly history: readonly {
      readonly type: string;
      readonly content?: readonly { readonly transcript?: string | null }[];
    }[];
    on(type: "error", listener: (event: { error: unknown }) => void): void;
    on(type: "audio", listener: (event: { data: ArrayBuffer }) => void): void;
    connect(options: object): Promise<void>;
    sendMessage(text: string): void;
    interrupt(): void;
    close(): void;
  }
  const { OpenAIAgentsRealtime: sdk } = window as unknown as {
    OpenAIAgentsRealtime: {
      RealtimeAgent: new (options: object) => object;
      RealtimeSession: new (agent: object, options: object) => Session;
      OpenAIRealtimeWebRTC: new (options: object) => object;
    };
  };
  let session: Session | undefined;
  let types: string[] = [];
  let audioBytes = 0;
  const errors: string[] = [];
  const audio = new AudioContext({ sampleRate: 48_000 });
  const voice = new OscillatorNode(audio, { frequency: 300 });
  const gain = new GainNode(audio, { gain: 0 });
  const microphone = audio.createMediaStreamDestination();
  voice.connect(gain).connect(microphone);
  voice.start();

  const inPage: InPage = {
    connect: async ({ url, kind, key }) => {
      await audio.resume();
      types = [];
      const agent = new sdk.RealtimeAgent({ name: "a", instructions: "Be brief." });
      const transport =
        kind === "websocket"
          ? kind
          : new sdk.OpenAIRealtimeWebRTC({
              mediaStream: microphone.stream,
              useInsecureApiKey: true,
            });
      session = new sdk.RealtimeSession(agent, { transport, model: "m" });
      session.transport.on("*", ({ type }) => types.push(type));
      session.on("error", ({ error }) => errors.push(JSON.stringify(error)));
      session.on("audio", ({ data }) => (audioBytes += data.byteLength));
      await session.connect({ apiKey: key, url });
      errors.length = 0;
    },
    speak: async (durationMs) => {
      gain.gain.value = 0.8;
      await new Promise((resolve) => setTimeout(resolve, durationMs));
      gain.gain.value = 0;
    },
    sendMessage: (text) => session?.sendMessage(text),
    interrupt: () => session?.interrupt(),
    view: () => ({
      types,
      errors,
      audioBytes,
      history: (session?.history ?? []).flatMap(({ content = [] }) =>
        content.map(({ transcript }) => transcript ?? ""),
      ),
    }),
    close: () => session?.close(),
  };
  Object.assign(window, { caller: inPage });
}
