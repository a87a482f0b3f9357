import { Stream, type AudioFrame } from "fastrtc";
import puppeteer, { type Browser } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findFirefox } from "./browser/find-firefox.ts";
import { EchoHandler } from "./support/echo-handler.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: findFirefox(),
    extraPrefsFirefox: {
      // A microphone that plays a tone, and nobody to ask for permission.
      "media.navigator.streams.fake": true,
      "media.navigator.permission.disabled": true,
      "media.autoplay.default": 0,
    },
  });
});

afterAll(() => browser.close());

interface Received {
  readonly packets: number;
  readonly energy: number;
}

// Runs in the page before its own scripts: keeps every peer connection within reach.
function keepConnections(): void {
  const all: RTCPeerConnection[] = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      all.push(this);
    }
  };
  const received = async (): Promise<Received> => {
    const reports = await Promise.all(all.map((connection) => connection.getStats()));
    for (const report of reports.flatMap((stats) => [...stats.values()] as unknown[])) {
      const stat = report as { type: string; packetsReceived: number; totalAudioEnergy: number };
      if (stat.type !== "inbound-rtp") continue;
      return { packets: stat.packetsReceived, energy: stat.totalAudioEnergy };
    }
    return { packets: 0, energy: 0 };
  };
  Object.assign(window, { received });
}

declare function received(): Promise<Received>;

describe("Firefox", () => {
  it("talks to the page, with its own kind of candidates", async () => {
    let loudest = 0;
    const note = (frame: AudioFrame): void => {
      for (const sample of frame.samples) loudest = Math.max(loudest, Math.abs(sample));
    };
    const stream = new Stream({
      handler: new EchoHandler({ onReceive: note }),
      modality: "audio",
    });
    const server = await stream.launch({ port: 0 });
    const page = await browser.newPage();
    await page.evaluateOnNewDocument(keepConnections);
    await page.goto(server.url);
    await page.click('[data-testid="start"]');
    await page.waitForSelector('[data-testid="state"][data-state="connected"]');
    await page.waitForFunction(async () => (await received()).packets > 100);
    const { energy } = await page.evaluate(() => received());
    const shown = await page.$eval('[data-testid="session-id"]', (element) => element.textContent);

    expect([...stream.contexts()].map(({ webrtcId }) => webrtcId)).toEqual([shown]);
    expect([...stream.contexts()][0]?.request.headers.get("user-agent")).toContain("Firefox");
    expect(loudest).toBeGreaterThan(1000);
    expect(energy).toBeGreaterThan(0);

    await page.click('[data-testid="start"]');
    await page.waitForSelector('[data-testid="state"][data-state="closed"]');
    await expect.poll(() => stream.sessionCount, { timeout: 5000 }).toBe(0);
    await stream.close();
  });
});
