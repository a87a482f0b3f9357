/** A person's voice goes into the built-in page and through a WebSocket, and the reply is heard. */

import type { FastRTCClient } from "@fastrtc/client";
import { AudioFrame, ReplyOnPause, silentLogger, Stream, type StreamOptions } from "fastrtc";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { bundleClient } from "./browser/client-bundle.ts";
import { launchChromium, type TestBrowser } from "./browser/launch-chromium.ts";
import { recordPlayedAudio } from "./browser/played-audio.ts";
import { startApp, type AppServer } from "./support/app-server.ts";
import { similarity } from "./support/correlation.ts";
import { EchoHandler } from "./support/echo-handler.ts";
import { EnergyWatcher } from "./support/energy-watcher.ts";
import { spokenSentences, withSilence } from "./support/spoken-sentences.ts";

const [spoken, ...others] = spokenSentences(4) as [AudioFrame, ...AudioFrame[]];
/** What browsers do to a voice bends its waves; without that, waves can be compared. */
const AS_SPOKEN = {
  channelCount: 1,
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
};
/** 0.998 at best; on a busy machine audio comes late, the gap shifts what follows, and it was 0.83. */
const HEARD_WELL = 0.7;
/** Of other sentences, the nearest came to 0.45. */
const NOT_HEARD = 0.5;

/** What the bundle defines in a page. */
declare const FastRTC: { readonly FastRTCClient: typeof FastRTCClient };

let chromium: TestBrowser;
let stream: Stream;
let page: Page;
let app: AppServer | undefined;

beforeAll(async () => {
  chromium = await launchChromium(withSilence(spoken, 1000, 4500));
});
afterEach(async () => {
  for (const context of chromium.browser.contexts()) await context.close();
  await stream.close();
  // Only now: a server waits for its WebSockets.
  await app?.close();
  app = undefined;
});
afterAll(() => chromium.close());

async function open(
  options: Pick<StreamOptions, "handler"> & Partial<StreamOptions>,
): Promise<void> {
  stream = new Stream({
    modality: "audio",
    trackConstraints: AS_SPOKEN,
    logger: silentLogger,
    ...options,
  });
  const { url } = await stream.launch({ port: 0 });
  page = await chromium.newPage();
  await page.goto(url);
  await page.getByTestId("transport").selectOption("websocket");
}

async function start(): Promise<void> {
  await page.getByTestId("start").click();
  await page.waitForSelector(`[data-testid="state"][data-state="connected"]`);
}

function waitForTurn(turn: string): Promise<unknown> {
  return page.waitForSelector(`[data-testid="turn"][data-turn="${turn}"]`);
}

/** Milliseconds until less than -50 dBFS is played, measured in the page. */
function untilSilent(): Promise<number> {
  return page.evaluate(async () => {
    const { fastrtc: client } = window as unknown as { fastrtc: { outputLevel: number } };
    const begin = performance.now();
    while (client.outputLevel > 0.17) await new Promise((resolve) => setTimeout(resolve, 10));
    return performance.now() - begin;
  });
}

describe("the built-in page over a WebSocket", () => {
  it("hears its own voice back, under one session id", async () => {
    const ids = new Set<string | undefined>();
    const transports = new Set<string>();
    await open({ handler: new EchoHandler({ onReceive: (_frame, id) => ids.add(id) }) });
    const played = await recordPlayedAudio(page);
    await start();
    for (const context of stream.contexts()) transports.add(context.transport);
    await page.waitForTimeout(6000);
    const heard = await played.read();
    expect(similarity(spoken, heard)).toBeGreaterThan(HEARD_WELL);
    for (const other of others) expect(similarity(other, heard)).toBeLessThan(NOT_HEARD);
    expect(ids).toEqual(new Set([await page.getByTestId("session-id").innerText()]));
    expect(transports).toEqual(new Set(["websocket"]));
  });

  it("is silent soon after the user speaks into a reply", async () => {
    await open({
      handler: new ReplyOnPause(function* () {
        const samples = Int16Array.from(
          { length: 24_000 * 30 },
          (_, index) => 8000 * Math.sin((2 * Math.PI * 440 * index) / 24_000),
        );
        yield new AudioFrame({ samples, sampleRate: 24_000 });
      }),
    });
    await start();
    await waitForTurn("replying");
    await page.waitForFunction(
      () => (window as unknown as { fastrtc: { outputLevel: number } }).fastrtc.outputLevel > 0.5,
    );
    // The microphone's sentence comes again and interrupts the tone.
    await waitForTurn("speaking");
    // The server waits until it is sure that this is speech; then what is queued must not be heard.
    expect(await untilSilent()).toBeLessThan(500);
  });

  it("mutes and unmutes", async () => {
    const watcher = new EnergyWatcher();
    await open({ handler: new EchoHandler(watcher) });
    await start();
    await expect.poll(() => watcher.isLoud, { timeout: 10_000 }).toBe(true);
    await page.getByTestId("mute").click();
    await page.waitForTimeout(500);
    watcher.reset();
    await page.waitForTimeout(8000);
    expect(watcher.frames).toBeGreaterThan(300);
    expect(watcher.peak).toBeLessThan(30);
    await page.getByTestId("mute").click();
    await expect.poll(() => watcher.isLoud, { timeout: 10_000 }).toBe(true);
    await page.getByTestId("start").click();
    await expect.poll(() => stream.sessionCount).toBe(0);
  });

  it("sends the form's parameters, and shows at the field what the server has against them", async () => {
    await open({
      handler: new EchoHandler(),
      params: z.object({ room: z.string().min(3), floor: z.number().default(2) }),
    });
    await page.getByLabel("room").fill("xy");
    await page.getByTestId("start").click();
    await expect.poll(() => page.locator("#param-room-issue").innerText()).not.toBe("");
    expect(stream.sessionCount).toBe(0);
    await page.getByLabel("room").fill("blue");
    await start();
    expect([...stream.contexts()].map(({ params }) => params)).toEqual([
      { room: "blue", floor: 2 },
    ]);
  });

  it("lets the handler read every text, also one that looks like a message of the wire", async () => {
    const texts: string[] = [];
    class Listener extends EchoHandler {
      override copy(): Listener {
        return new Listener();
      }
      override onMessage(text: string): void {
        texts.push(text);
      }
    }
    await open({ handler: new Listener() });
    await start();
    const sent = ["plain words", '{"any":"thing"}', '{"event":"stop"}'];
    await page.evaluate((all) => {
      const { fastrtc: client } = window as unknown as {
        fastrtc: { send(message: string): void };
      };
      for (const text of all) client.send(text);
    }, sent);
    await expect.poll(() => texts).toEqual(sent);
  });
});

describe("a page of one's own", () => {
  it("needs no file for the worklet where scripts may come from blob:", async () => {
    const watcher = new EnergyWatcher();
    stream = new Stream({
      handler: new EchoHandler(watcher),
      modality: "audio",
      trackConstraints: AS_SPOKEN,
      logger: silentLogger,
    });
    app = await startApp(stream);
    page = await chromium.newPage();
    await page.goto(app.url);
    await page.addScriptTag({ content: await bundleClient() });
    await page.evaluate(async () => {
      const client = new FastRTC.FastRTCClient({ transport: "websocket" });
      Object.assign(window, { fastrtc: client });
      await client.connect();
    });
    await expect.poll(() => watcher.isLoud, { timeout: 10_000 }).toBe(true);
    await page.waitForFunction(
      () => (window as unknown as { fastrtc: { outputLevel: number } }).fastrtc.outputLevel > 0.3,
    );
  });
});
