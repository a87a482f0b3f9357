// Speaks first: greets whoever calls before they have said a word, then says back what they say.
import { getCurrentContext, ReplyOnPause, Stream } from "fastrtc";
import { createFliteTts } from "fastrtc/flite";

const tts = createFliteTts({ voice: "slt" });

const stream = new Stream({
  handler: new ReplyOnPause(
    async function* (audio) {
      yield audio;
    },
    {
      startupFn: async function* () {
        const { createdAt, resumed } = getCurrentContext();
        if (resumed) return; // back after a tunnel: has been greeted
        const hour = createdAt.getHours();
        const day = hour < 12 ? "morning" : hour < 18 ? "afternoon" : "evening";
        yield* tts.stream(`Good ${day}, and welcome. Say something, and I will say it back.`);
      },
    },
  ),
  modality: "audio",
  mode: "send-receive",
});

await stream.launch();
