/** The built-in page's controls, by mouse, by keyboard and on a phone; its microphone beeps. */

import { silentLogger, Stream } from "fastrtc";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { launchChromium, type TestBrowser } from "./browser/launch-chromium.ts";
import { EchoHandler } from "./support/echo-handler.ts";
import { EnergyWatcher } from "./support/energy-watcher.ts";

const Inputs = z.object({
  volume: z.number().min(0).max(2).default(1),
  voice: z.enum(["alto", "bass"]).default("alto"),
  name: z.string().min(2).default("Ada"),
});

let chromium: TestBrowser;
let stream: Stream;
let watcher: EnergyWatcher;
let page: Page;

beforeAll(async () => {
  chromium = await launchChromium();
});
afterEach(async () => {
  await page.context().close();
  await stream.close();
});
afterAll(() => chromium.close());

/** Opens the page of a new stream whose handler takes the inputs and measures what it hears. */
async function open(viewport?: { width: number; height: number }): Promise<void> {
  watcher = new EnergyWatcher();
  stream = new Stream({
    handler: new EchoHandler(watcher),
    modality: "audio",
    additionalInputs: Inputs,
    // Noise suppression would take the beeps for noise.
    trackConstraints: { noiseSuppression: false, autoGainControl: false, echoCancellation: false },
    logger: silentLogger,
  });
  const server = await stream.launch({ port: 0 });
  page = await chromium.newPage(viewport ? { viewport } : {});
  await page.goto(server.url);
}

async function hasState(state: string): Promise<void> {
  await page.waitForSelector(`[data-testid="state"][data-state="${state}"]`);
}

async function waitUntil(isTrue: () => boolean): Promise<void> {
  await expect.poll(isTrue, { timeout: 10_000 }).toBe(true);
}

describe("the built-in page", () => {
  it("mutes, unmutes, stops and starts a second session", async () => {
    await open();
    await page.getByTestId("start").click();
    await hasState("connected");
    await waitUntil(() => watcher.isLoud);
    const first = await page.getByTestId("session-id").innerText();

    await page.getByTestId("mute").click();
    expect(await page.getByTestId("mute").getAttribute("aria-pressed")).toBe("true");
    await page.waitForTimeout(500);
    watcher.reset();
    // The beeps come every half second.
    await page.waitForTimeout(2000);
    expect(watcher.frames).toBeGreaterThan(20);
    expect(watcher.peak).toBeLessThan(30);

    await page.getByTestId("mute").click();
    await waitUntil(() => watcher.isLoud);

    await page.getByTestId("start").click();
    await hasState("closed");
    await waitUntil(() => stream.sessionCount === 0);
    expect(watcher.ended).toEqual([first]);

    watcher.reset();
    await page.getByTestId("start").click();
    await hasState("connected");
    await waitUntil(() => watcher.isLoud);
    const second = await page.getByTestId("session-id").innerText();
    expect(second).not.toBe(first);
    expect([...stream.contexts()].map(({ webrtcId }) => webrtcId)).toEqual([second]);
  });

  it("tells the server at once when the page is left", async () => {
    await open();
    await page.getByTestId("start").click();
    await hasState("connected");
    await waitUntil(() => stream.sessionCount === 1);
    await page.goto("about:blank");
    const leftAt = performance.now();
    await waitUntil(() => stream.sessionCount === 0);
    // Consent alone would take half a minute to expire (RFC 7675 section 5.1).
    expect(performance.now() - leftAt).toBeLessThan(5000);
  });

  it("takes the inputs of its form to the handler, before and during a session", async () => {
    await open();
    await page.getByLabel("voice").selectOption({ label: "bass" });
    await page.getByTestId("start").click();
    await hasState("connected");
    await waitUntil(() => watcher.args.voice === "bass");
    expect(watcher.args).toEqual({ volume: 1, voice: "bass", name: "Ada" });

    await page.getByLabel("volume").fill("0.5");
    await waitUntil(() => watcher.args.volume === 0.5);

    // What the schema refuses never arrives, and the page says so.
    await page.getByLabel("name").fill("X");
    await expect.poll(() => page.getByTestId("inputs-status").innerText()).toContain("not fit");
    expect(watcher.args).toEqual({ volume: 0.5, voice: "bass", name: "Ada" });
    await page.getByLabel("name").fill("Grace");
    await waitUntil(() => watcher.args.name === "Grace");
  });

  it("is used with the keyboard alone", async () => {
    await open();
    await tabTo("start");
    await page.keyboard.press("Enter");
    await hasState("connected");
    await tabTo("mute");
    await page.keyboard.press("Space");
    expect(await page.getByTestId("mute").getAttribute("aria-pressed")).toBe("true");
    await tabTo("input-volume");
    await page.keyboard.press("ArrowLeft");
    await waitUntil(() => (watcher.args.volume ?? 1) < 1);
    await tabTo("start", "Shift+Tab");
    await page.keyboard.press("Space");
    await hasState("closed");
    await waitUntil(() => stream.sessionCount === 0);
  });

  it("fits a phone held upright", async () => {
    await open({ width: 360, height: 740 });
    await page.getByTestId("start").click();
    await hasState("connected");
    await waitUntil(() => watcher.isLoud);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(360);
    for (const id of ["start", "state", "turn", "mute", "microphone"]) {
      const box = await page.getByTestId(id).boundingBox();
      expect(box, id).not.toBeNull();
      expect(box!.x, id).toBeGreaterThanOrEqual(0);
      expect(box!.x + box!.width, id).toBeLessThanOrEqual(360);
    }
    // A thumb needs some 44 pixels.
    const start = await page.getByTestId("start").boundingBox();
    expect(start!.height).toBeGreaterThanOrEqual(44);
    expect(start!.y + start!.height).toBeLessThanOrEqual(740);
  });
});

/** Presses Tab until the element with this id has the focus. */
async function tabTo(id: string, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
  for (let presses = 0; presses < 30; presses++) {
    if (await page.evaluate((wanted) => document.activeElement?.id === wanted, id)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${key} does not reach #${id}.`);
}
