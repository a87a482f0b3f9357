/** Twenty callers speak at the same time, and nobody hears or sees anything of another. */

import {
  AdditionalOutputs,
  createEnergyVad,
  getContext,
  ReplyOnPause,
  silentLogger,
  Stream,
} from "fastrtc";
import { afterAll, beforeAll, expect, it } from "vitest";
import { FastRTCPage } from "./browser/fastrtc-client.ts";
import { launchChromium, type TestBrowser } from "./browser/launch-chromium.ts";
import { recordReceivedAudio } from "./browser/received-audio.ts";
import { startApp, type AppServer } from "./support/app-server.ts";
import { withSilence } from "./support/spoken-sentences.ts";
import { tone, toneShares } from "./support/tone.ts";

const COUNT = 20;
/** Each caller's own tone, in Hz. */
const FREQUENCIES = Array.from({ length: COUNT }, (_, i) => 400 + 90 * i);
const TONE_MS = 1000;

let chromium: TestBrowser;
let stream: Stream;
let app: AppServer;
/** What each session's handler saw as its own id, at each of its steps. */
const seen = new Map<string, Set<string | undefined>>();

beforeAll(async () => {
  stream = new Stream({
    handler: new ReplyOnPause(
      async function* (audio, { context, inputs }) {
        const see = (): void => {
          const ids = seen.get(context.webrtcId) ?? new Set();
          seen.set(context.webrtcId, ids.add(getContext()?.webrtcId));
        };
        see();
        // Every reply waits at the same time as the others, so that they run through one another.
        for (let step = 0; step < 5; step++) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          see();
        }
        yield new AdditionalOutputs({ id: getContext()?.webrtcId, inputs });
        yield audio;
        see();
      },
      // Tones are no speech for the other one.
      { model: createEnergyVad },
    ),
    modality: "audio",
    additionalOutputsHandler: () => {
      const id = getContext()?.webrtcId ?? "";
      seen.get(id)?.add(id);
    },
    logger: silentLogger,
  });
  app = await startApp(stream);
  chromium = await launchChromium();
});
afterAll(async () => {
  await chromium.close();
  await stream.close();
  await app.close();
});

it("lets twenty simultaneous sessions each hear only themselves, and see only their own id", async () => {
  const ids = FREQUENCIES.map((frequencyHz) => `caller-${frequencyHz}`);
  const page = await chromium.newPage();
  const received = await recordReceivedAudio(page);
  const clients = await FastRTCPage.install(page);
  await page.goto(app.url);
  await Promise.all(
    FREQUENCIES.map((frequencyHz, i) =>
      clients.connect({
        url: app.url,
        webrtcId: ids[i]!,
        candidates: i % 2 === 0 ? "complete" : "trickle",
        // A browser opens six connections to one origin, and event sources keep theirs.
        outputs: false,
        speech: Buffer.from(withSilence(tone(frequencyHz, TONE_MS), 500, 4000).toBytes()).toString(
          "base64",
        ),
      }),
    ),
  );
  expect(stream.sessionCount).toBe(COUNT);

  const outputsOf = async (id: string): Promise<unknown[]> => {
    const { messages } = await clients.view(id);
    return messages.filter(({ type }) => type === "fetch_output").map(({ data }) => data);
  };
  const everybody = async (): Promise<number> => {
    const outputs = await Promise.all(ids.map(outputsOf));
    return outputs.filter(({ length }) => length > 0).length;
  };
  await expect.poll(everybody, { timeout: 30_000, interval: 250 }).toBe(COUNT);
  // The last reply is on its way.
  await page.waitForTimeout(2 * TONE_MS);

  for (const id of ids) {
    const outputs = await outputsOf(id);
    expect(outputs.length).toBeGreaterThan(0);
    for (const output of outputs) expect(output).toEqual([{ id, inputs: [] }]);
    expect(seen.get(id)).toEqual(new Set([id]));
  }

  for (const [listener, id] of ids.entries()) {
    const shares = toneShares(await received.read(listener), FREQUENCIES);
    const own = shares[listener]!;
    const foreign = Math.max(...shares.filter((_, speaker) => speaker !== listener));
    expect(own, id).toBeGreaterThan(0.5);
    expect(foreign, id).toBeLessThan(0.05);
  }
});
