import { it, expect } from "vitest";
import { Stream, ReplyOnPause, AudioFrame, AdditionalOutputs, getCurrentContext, StreamHandler, AsyncQueue } from "fastrtc";
import { launchChromium } from "./browser/launch-chromium.ts";
import { recordReceivedAudio } from "./browser/received-audio.ts";
import { similarity } from "./support/correlation.ts";
import { spokenSentences, withSilence } from "./support/spoken-sentences.ts";
it("x", async () => {
  const [a, b] = spokenSentences(2) as [AudioFrame, AudioFrame];
  const stream = new Stream({ modality: "audio", handler: new ReplyOnPause(async function* (audio) { const c = getCurrentContext(); yield new AdditionalOutputs({ id: c.webrtcId }); yield audio; }) });
  const server = await stream.launch({ port: 0 });
  const chromium = await launchChromium(withSilence(a, 1000, 4500));
  try {
    const page = await chromium.newPage();
    page.on("console", (m) => console.log("page:", m.text()));
    page.on("pageerror", (m) => console.log("pageerror:", m));
    const received = await recordReceivedAudio(page);
    await page.goto(server.url);
    await page.getByTestId("start").click();
    await page.waitForTimeout(10000);
    console.log(await page.getByTestId("outputs").innerText(), await page.getByTestId("log").innerText());
    const heard = await received.read();
    console.log(heard.durationMs, similarity(a, heard), similarity(b, heard), heard.samples.reduce((m,x)=>Math.max(m,x),0), a.samples.reduce((m,x)=>Math.max(m,x),0));
    await page.screenshot({ path: "/tmp/e2e.png" });
  } finally { await chromium.close(); await stream.close(); }
});
