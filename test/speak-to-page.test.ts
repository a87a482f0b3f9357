/** A person's voice goes into the built-in page, and the reply is listened to. */

import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  AdditionalOutputs,
  getCurrentContext,
  ReplyOnPause,
  silentLogger,
  Stream,
  type AudioFrame,
} from "fastrtc";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, type TestBrowser } from "./browser/launch-chromium.ts";
import { recordReceivedAudio } from "./browser/received-audio.ts";
import { startDemo } from "./support/demo-process.ts";
import { similarity } from "./support/correlation.ts";
import { EchoHandler } from "./support/echo-handler.ts";
import { spokenSentences, withSilence } from "./support/spoken-sentences.ts";

const [spoken, ...others] = spokenSentences(4) as [AudioFrame, ...AudioFrame[]];
/** What browsers do to a voice bends its waves; without that, waves can be compared. */
const AS_SPOKEN = {
  channelCount: 1,
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
};
/** A browser's jitter buffer stretches the first half second of what it plays. */
const HEARD_WELL = 0.7;
/** Of other sentences, the nearest came to 0.45. */
const NOT_HEARD = 0.5;

let chromium: TestBrowser;
let stream: Stream | undefined;

beforeAll(async () => {
  chromium = await launchChromium(withSilence(spoken, 1000, 4500));
});
afterEach(async () => {
  await stream?.close();
  for (const context of chromium.browser.contexts()) await context.close();
});
afterAll(() => chromium.close());

async function start(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByTestId("start").click();
  await waitFor(page, "state", "state", "connected");
}

function waitFor(page: Page, testId: string, key: string, value: string): Promise<unknown> {
  return page.waitForSelector(`[data-testid="${testId}"][data-${key}="${value}"]`);
}

/** The id of the client's session, as its own code knows it. */
function clientId(page: Page): Promise<string | undefined> {
  return page.evaluate(
    () => (window as unknown as { fastrtc: { webrtcId?: string } }).fastrtc.webrtcId,
  );
}

describe("speaking to the built-in page", () => {
  it("shows the turn, plays the reply of ReplyOnPause, and names the same session everywhere", async () => {
    const seen: string[] = [];
    stream = new Stream({
      handler: new ReplyOnPause(async function* (audio) {
        seen.push(getCurrentContext().webrtcId);
        yield new AdditionalOutputs({ session: getCurrentContext().webrtcId });
        await new Promise((resolve) => setTimeout(resolve, 50));
        seen.push(getCurrentContext().webrtcId);
        yield audio;
        seen.push(getCurrentContext().webrtcId);
      }),
      modality: "audio",
      trackConstraints: AS_SPOKEN,
      logger: silentLogger,
    });
    const server = await stream.launch({ port: 0 });
    const page = await chromium.newPage();
    const received = await recordReceivedAudio(page);
    await start(page, server.url);

    await waitFor(page, "turn", "turn", "speaking");
    await waitFor(page, "turn", "turn", "replying");
    await waitFor(page, "turn", "turn", "listening");
    await waitFor(page, "turn", "turn", "replying");
    const folder = await mkdtemp(path.join(tmpdir(), "screenshot-"));
    const picture = path.join(folder, "replying.png");
    await page.screenshot({ path: picture });
    expect((await stat(picture)).size).toBeGreaterThan(10_000);
    await rm(folder, { recursive: true });
    await waitFor(page, "turn", "turn", "listening");

    const id = await clientId(page);
    expect(await page.getByTestId("session-id").innerText()).toBe(id);
    expect(seen.length).toBeGreaterThanOrEqual(6);
    expect(new Set(seen)).toEqual(new Set([id]));
    const outputs = await page.getByTestId("outputs").locator("li").allInnerTexts();
    expect(outputs.length).toBeGreaterThanOrEqual(2);
    for (const output of outputs) expect(JSON.parse(output)).toEqual({ session: id });

    const heard = await received.read();
    expect(similarity(spoken, heard)).toBeGreaterThan(HEARD_WELL);
    for (const other of others) expect(similarity(other, heard)).toBeLessThan(NOT_HEARD);
  });

  it("plays the echo of a plain StreamHandler, which knows the same session in receive and emit", async () => {
    const received = new Set<string | undefined>();
    const emitted = new Set<string | undefined>();
    stream = new Stream({
      handler: new EchoHandler({
        onReceive: (_frame, id) => received.add(id),
        onEmit: (id) => emitted.add(id),
      }),
      modality: "audio",
      trackConstraints: AS_SPOKEN,
      logger: silentLogger,
    });
    const server = await stream.launch({ port: 0 });
    const page = await chromium.newPage();
    const recording = await recordReceivedAudio(page);
    await start(page, server.url);
    await page.waitForTimeout(5000);

    const heard = await recording.read();
    expect(similarity(spoken, heard)).toBeGreaterThan(HEARD_WELL);
    for (const other of others) expect(similarity(other, heard)).toBeLessThan(NOT_HEARD);
    const id = await clientId(page);
    expect(received).toEqual(new Set([id]));
    expect(emitted).toEqual(new Set([id]));
  });

  it("answers through `npm start`, whose last line says where", async () => {
    const demo = await startDemo();
    try {
      const page = await chromium.newPage();
      const received = await recordReceivedAudio(page);
      await start(page, demo.url);
      for (let turn = 0; turn < 2; turn++) {
        await waitFor(page, "turn", "turn", "replying");
        await waitFor(page, "turn", "turn", "listening");
      }
      expect(demo.lastLine()).toContain(demo.url);

      const [output] = await page.getByTestId("outputs").locator("li").allInnerTexts();
      const { webrtcId, turn } = JSON.parse(output!) as { webrtcId: string; turn: number };
      expect(webrtcId).toBe(await clientId(page));
      expect(webrtcId).toBe(await page.getByTestId("session-id").innerText());
      expect(turn).toBe(1);
      // With the browser's noise suppression, echo cancellation and gain control in between.
      const heard = await received.read();
      const nearest = Math.max(...others.map((other) => similarity(other, heard)));
      expect(nearest).toBeLessThan(NOT_HEARD);
      expect(similarity(spoken, heard)).toBeGreaterThan(1.4 * nearest);
    } finally {
      await demo.stop();
    }
  });
});
