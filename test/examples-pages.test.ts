/** The examples that stand in an application or a page of their own, on Node's side and in Chromium. */

import { setTimeout as sleep } from "node:timers/promises";
import type { ServerMessage } from "@fastrtc/protocol";
import { AudioFrame } from "fastrtc";
import type { Page } from "playwright-core";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocketCaller } from "../packages/fastrtc/test/websocket-caller.ts";
import { launchChromium, type TestBrowser } from "./browser/launch-chromium.ts";
import { recordReceivedAudio, type ReceivedAudio } from "./browser/received-audio.ts";
import { similarity } from "./support/correlation.ts";
import { startExample, type ExampleProcess } from "./support/example-process.ts";
import { NodeClient } from "./support/node-client.ts";
import { recognize, wordErrorRate } from "./support/pocketsphinx.ts";
import { spokenSentences, withSilence } from "./support/spoken-sentences.ts";
import { until } from "./support/until.ts";

const [sentence, ...others] = spokenSentences(4) as [AudioFrame, ...AudioFrame[]];
const spoken = withSilence(sentence, 400, 1200);
const RATE = 24_000;

let chromium: TestBrowser | undefined;
let example: ExampleProcess;

afterEach(async () => {
  await chromium?.close();
  chromium = undefined;
  await example.stop();
});

/** Opens an example's page in a browser that hears a sound again and again. */
async function open(microphone: AudioFrame): Promise<{ page: Page; received: ReceivedAudio }> {
  chromium = await launchChromium(microphone);
  const page = await chromium.newPage();
  const received = await recordReceivedAudio(page);
  await page.goto(example.url);
  await page.getByRole("button", { name: "Start" }).click();
  return { page, received };
}

const isEndOfReply = (message: ServerMessage): boolean =>
  message.type === "reply" && message.data.phase === "finished";

describe("mounts", () => {
  it.each(["start", "fastify", "hono"])(
    "%s: the application's own page, and a voice over WebRTC and WebSocket beside it",
    async (script) => {
      example = await startExample("mounts", { script });
      const page = await fetch(example.url);
      expect(await page.text()).toContain("<title>Mine</title>");
      const builtIn = await fetch(`${example.url}voice/`);
      expect(await builtIn.text()).toContain('data-testid="start"');

      const client = new NodeClient();
      const caller = new WebSocketCaller({
        url: `${example.url.replace("http", "ws")}voice/websocket/offer`,
        webrtcId: "socket",
        inputRate: RATE,
        outputRate: RATE,
        audio: { codec: "pcm16", sampleRate: RATE, binary: true },
      });
      await Promise.all([client.connect(`${example.url}voice/`), caller.start()]);
      await Promise.all([client.speak(spoken), caller.say(spoken.resample(RATE).samples)]);
      await until(() => [client, caller].every(({ messages }) => messages.some(isEndOfReply)));
      await sleep(300);
      const socketHeard = new AudioFrame({ samples: caller.heard(), sampleRate: RATE });
      expect(similarity(sentence, client.heard())).toBeGreaterThan(0.7);
      expect(similarity(sentence, socketHeard.resample(48_000))).toBeGreaterThan(0.7);
      client.close();
      caller.hangUp();
    },
  );
});

/** Waits until a page shows a text. */
function shows(page: Page, selector: string, text: string | RegExp): Promise<void> {
  return expect.poll(() => page.locator(selector).innerText(), { timeout: 20_000 }).toMatch(text);
}

describe("text-or-audio", () => {
  it("reads aloud what is typed", async () => {
    example = await startExample("text-or-audio");
    const { page, received } = await open(AudioFrame.silence(5000, 48_000));
    await shows(page, "#state", "connected");
    const typed = "The weather is very nice today.";
    await page.getByLabel("Text").fill(typed);
    await page.getByRole("button", { name: "Send" }).click();
    await shows(page, "#said", typed);
    await page.waitForTimeout(3500);
    const { text } = await recognize(await received.read());
    expect(wordErrorRate(typed, text)).toBeLessThan(0.4);
  });
});

describe("react", () => {
  it("talks, mutes and hangs up on a page of its own", async () => {
    example = await startExample("react");
    const { page, received } = await open(withSilence(sentence, 1000, 4500));
    const errors: string[] = [];
    page.on("pageerror", ({ message }) => errors.push(message));
    await page.waitForSelector(`[data-state="connected"]`);
    await shows(page, "ol", /You spoke for \d\.\d s\./);
    const reply = page.getByLabel("Reply");
    await expect
      .poll(() => reply.evaluate((meter: HTMLMeterElement) => meter.value))
      .toBeGreaterThan(0.3);
    await page.waitForTimeout(3000);
    const heard = await received.read();
    // The browser's noise suppression bends the voice's waves; those of others are further away still.
    const [own = 0, ...foreign] = [sentence, ...others].map((voice) => similarity(voice, heard));
    expect(own).toBeGreaterThan(Math.max(...foreign) + 0.1);
    await page.getByRole("button", { name: "Mute" }).click();
    await page.getByRole("button", { name: "Unmute" }).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.waitForSelector(`[data-state="closed"]`);
    expect(errors).toEqual([]);
  });
});
