import { AudioFrame, ReplyOnPause } from "fastrtc";
import { simulate, sleep } from "fastrtc/testing";
import { expect, it } from "vitest";

// The handler under test; its model takes 300 ms.
const handler = new ReplyOnPause(async function* (_audio, { signal }) {
  await sleep(300, { signal });
  yield AudioFrame.from([24_000, new Int16Array(24_000 * 8).fill(3000)]); // eight seconds of speech
});

it("answers within a second, and stops when it is interrupted", async () => {
  const conversation = await simulate(handler, async (caller) => {
    await caller.says("Tell me about the weather.");
    await caller.bargesInAfter(1500, "no, about the stars");
    await caller.hearsReply();
  });
  conversation.expect("reply-started").within(1050, "ms").after("speech-ended");
  conversation.expect("reply-interrupted").once();
  conversation.expect("error").never();
  expect(Math.max(...conversation.latencies.bargeInMs)).toBeLessThan(300);
});

it("is not put off by a cough", async () => {
  const conversation = await simulate(handler, async (caller) => {
    await caller.says("Tell me about the weather.");
    await caller.hearsReplyBegin();
    await caller.pauses(1000);
    await caller.coughs();
    await caller.hearsReply();
  });
  conversation.expect("reply-resumed").once();
  conversation.expect("reply-interrupted").never();
  conversation.expect("reply-ended").once();
});
