/** Browser clients that were written for Python's FastRTC, unchanged. */

import {
  AdditionalOutputs,
  getCurrentContext,
  ReplyOnPause,
  silentLogger,
  Stream,
  WebRTCError,
  type AudioFrame,
  type StreamOptions,
} from "fastrtc";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  FastRTCPage,
  type FastRTCClientOptions,
  type FastRTCClientView,
} from "./browser/fastrtc-client.ts";
import { launchChromium, type TestBrowser } from "./browser/launch-chromium.ts";
import { recordReceivedAudio, type ReceivedAudio } from "./browser/received-audio.ts";
import { startApp, type AppServer } from "./support/app-server.ts";
import { similarity } from "./support/correlation.ts";
import { spokenSentences, withSilence } from "./support/spoken-sentences.ts";

const [spoken, other] = spokenSentences(2) as [AudioFrame, AudioFrame];
const speech = Buffer.from(withSilence(spoken, 300, 4500).toBytes()).toString("base64");

let chromium: TestBrowser;
let stream: Stream;
let app: AppServer;
let client: FastRTCPage;
let received: ReceivedAudio;

beforeAll(async () => {
  chromium = await launchChromium();
});
afterEach(async () => {
  for (const context of chromium.browser.contexts()) await context.close();
  await stream.close();
  await app.close();
});
afterAll(() => chromium.close());

/** Opens an empty page; its own origin has the stream, unless it gets one of its own. */
async function open(options: Partial<StreamOptions>, pageUrl?: string): Promise<void> {
  stream = new Stream({
    handler: new ReplyOnPause(echo),
    modality: "audio",
    logger: silentLogger,
    ...options,
  });
  app = await startApp(stream);
  const page = await chromium.newPage();
  received = await recordReceivedAudio(page);
  client = await FastRTCPage.install(page);
  await page.goto(pageUrl ?? app.url);
}

function* echo(audio: AudioFrame): Generator<AudioFrame | AdditionalOutputs> {
  yield new AdditionalOutputs({ role: "user", content: getCurrentContext().webrtcId });
  yield audio;
}

const options = (given: Partial<FastRTCClientOptions> = {}): FastRTCClientOptions => ({
  url: app.url,
  webrtcId: "me",
  candidates: "complete",
  outputs: true,
  speech,
  ...given,
});

async function viewWhen(
  isReady: (view: FastRTCClientView) => boolean,
  webrtcId = "me",
): Promise<FastRTCClientView> {
  await expect
    .poll(async () => isReady(await client.view(webrtcId)), { timeout: 20_000, interval: 100 })
    .toBe(true);
  return client.view(webrtcId);
}

const logs = (view: FastRTCClientView): unknown[] =>
  view.messages.filter(({ type }) => type === "log").map(({ data }) => data);

/** Waits until the reply has been heard, and compares it. */
async function expectReplyHeard(): Promise<void> {
  await expect
    .poll(async () => similarity(spoken, await received.read()), { timeout: 20_000, interval: 500 })
    .toBeGreaterThan(0.6);
  expect(similarity(other, await received.read())).toBeLessThan(0.5);
}

describe("a client that does not trickle", () => {
  it("is asked for its inputs each turn, and reads log, outputs and reply", async () => {
    const inputs: unknown[] = [];
    await open({
      handler: new ReplyOnPause(
        function* (audio, call) {
          inputs.push(call.inputs);
          yield* echo(audio);
        },
        { needsArgs: true },
      ),
    });
    const chatbot = [{ role: "user", content: "Hello" }];
    const reply = await client.connect(options({ inputs: { chatbot } }));
    expect(reply.status).toBe(200);
    // FastRTC's clients read the first and the last, and pass by what else there is.
    expect(Object.keys(reply.body).sort()).toEqual(["sdp", "session_token", "type"]);
    expect(reply.body["type"]).toBe("answer");
    expect(reply.body["sdp"]).toContain("a=candidate:");

    const view = await viewWhen(({ outputs }) => outputs.length >= 1);
    await expectReplyHeard();
    expect(view.outputs[0]).toEqual({ role: "user", content: "me" });
    expect(inputs[0]).toEqual({ chatbot });
    expect(view.replies.find(({ to }) => to === "input_hook")).toMatchObject({ status: 200 });
    const moments = view.messages
      .map(({ type, data }) => (type === "log" ? data : type))
      .filter((moment) => typeof moment !== "string" || !moment.startsWith("Server received"));
    expect(moments.slice(0, 5)).toEqual([
      "started_talking",
      "pause_detected",
      "send_input",
      "fetch_output",
      "response_starting",
    ]);
  });
});

describe("a client that trickles", () => {
  it("connects though its candidates overtake the offer, and the empty last one is taken", async () => {
    await open({
      // Makes the offer wait on the server, so that candidates arrive before it is answered.
      serverRtcConfiguration: async () => {
        await new Promise((resolve) => setTimeout(resolve, 400));
        return { iceServers: [] };
      },
    });
    await client.connect(options({ candidates: "trickle" }));
    await viewWhen(({ channel }) => channel === "open");
    await expectReplyHeard();

    const view = await viewWhen(({ posted }) => posted.includes(""));
    expect(view.posted.length).toBeGreaterThanOrEqual(2);
    const replies = view.replies.filter(({ to }) => to === "ice-candidate");
    expect(replies).toHaveLength(view.posted.length);
    for (const reply of replies) {
      expect(reply).toMatchObject({ status: 200, body: { status: "success" } });
    }
    expect(logs(view)).toContain("started_talking");
  });
});

describe("a client of another origin", () => {
  it("connects without ever naming a candidate of its own, where CORS allows every origin", async () => {
    const elsewhere = await startApp();
    try {
      await open({ cors: { origins: "*" } }, elsewhere.url);
      expect(new URL(app.url).origin).not.toBe(new URL(elsewhere.url).origin);
      await client.connect(options({ candidates: "none" }));
      const view = await viewWhen(({ outputs }) => outputs.length >= 1);
      expect(view.state).toBe("connected");
      expect(view.posted).toEqual([]);
      await expectReplyHeard();
    } finally {
      await elsewhere.close();
    }
  });

  it("is kept out where CORS does not allow it", async () => {
    const elsewhere = await startApp();
    try {
      await open({}, elsewhere.url);
      await expect(client.connect(options())).rejects.toThrow("Failed to fetch");
      expect(stream.sessionCount).toBe(0);
    } finally {
      await elsewhere.close();
    }
  });
});

describe("every client", () => {
  it("reads why it was refused: a taken id first, then the limit", async () => {
    await open({ concurrencyLimit: 1 });
    await client.connect(options());
    await viewWhen(({ channel }) => channel === "open");
    const again = await client.connect(options());
    expect(again.body).toMatchObject({
      status: "failed",
      meta: { error: "connection_already_exists" },
    });
    const further = await client.connect(options({ webrtcId: "you" }));
    expect(further.body).toMatchObject({
      status: "failed",
      meta: { error: "concurrency_limit_reached", limit: 1 },
    });
    expect(stream.sessionCount).toBe(1);
  });

  it("reads the error in `message`, its own words as an echo, and is served in the next turn", async () => {
    let turns = 0;
    await open({
      handler: new ReplyOnPause(function* (audio) {
        if (++turns === 1) throw new WebRTCError("Speak up, please.");
        yield* echo(audio);
      }),
    });
    await client.connect(options());
    const failed = await viewWhen(({ messages }) => messages.some(({ type }) => type === "error"));
    expect(failed.messages.find(({ type }) => type === "error")).toEqual({
      type: "error",
      message: "Speak up, please.",
    });
    const served = await viewWhen(({ outputs }) => outputs.length >= 1);
    expect(turns).toBe(2);
    expect(logs(served).filter((log) => log === "started_talking")).toHaveLength(2);
    await expectReplyHeard();
  });
});
