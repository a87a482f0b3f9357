import { it, expect } from "vitest";
import { writeFileSync } from "node:fs";
import { Stream, ReplyOnPause, AudioFrame, AdditionalOutputs, getCurrentContext, StreamHandler, AsyncQueue } from "fastrtc";
import { launchChromium } from "./browser/launch-chromium.ts";
import { recordReceivedAudio } from "./browser/received-audio.ts";
import { similarity } from "./support/correlation.ts";
import { spokenSentences, withSilence } from "./support/spoken-sentences.ts";
it.each([false])("x", async (on) => {
  const [a, b] = spokenSentences(2) as [AudioFrame, AudioFrame];
  const utterances: AudioFrame[] = [];
  const stream = new Stream({ modality: "audio", trackConstraints: {channelCount:1, echoCancellation: on, noiseSuppression: on, autoGainControl: on}, handler: new ReplyOnPause(async function* (audio) { utterances.push(audio); const c = getCurrentContext(); yield new AdditionalOutputs({ id: c.webrtcId }); yield audio; }) });
  const server = await stream.launch({ port: 0 });
  const chromium = await launchChromium(withSilence(a, 1000, 4500));
  try {
    const page = await chromium.newPage();
    await page.addInitScript(() => { window.RTCPeerConnection = class extends RTCPeerConnection { constructor(c?: any) { super(c); (window as any).pcs = [this]; } } });
    const received = await recordReceivedAudio(page);
    await page.goto(server.url);
    await page.getByTestId("start").click();
    for (let i=0;i<14;i++) { await page.waitForTimeout(1000);
    console.log(i, utterances.length, JSON.stringify(await page.evaluate(async () => { const s = await (window as any).pcs[0].getStats(); for (const r of s.values()) if (r.type==="inbound-rtp") { const {packetsReceived,packetsLost,concealedSamples,silentConcealedSamples,insertedSamplesForDeceleration,removedSamplesForAcceleration,jitter,jitterBufferDelay,jitterBufferEmittedCount,totalSamplesReceived, concealmentEvents} = r; return {packetsReceived,packetsLost,concealedSamples,silentConcealedSamples,concealmentEvents,insertedSamplesForDeceleration,removedSamplesForAcceleration,jitter,d:jitterBufferDelay/jitterBufferEmittedCount,totalSamplesReceived}; } }))); }
    const heard = await received.read();
    const [u, u2] = utterances as [AudioFrame, AudioFrame];
    console.log("1st:"); for (let t=0;t<u.durationMs-400;t+=400) console.log(t, similarity(u.slice(t,t+400), heard.slice(0, 7500)));
    console.log("2nd:"); for (let t=0;t<u2.durationMs-400;t+=400) console.log(t, similarity(u2.slice(t,t+400), heard.slice(7500)));
  } finally { await chromium.close(); await stream.close(); }
});
