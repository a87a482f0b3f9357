import { AdditionalOutputs, getCurrentContext, ReplyOnPause, Stream } from "fastrtc";

const stream = new Stream({
  handler: new ReplyOnPause(async function* (audio) {
    const { webrtcId } = getCurrentContext(); // whose session is this?
    yield new AdditionalOutputs(`${webrtcId} spoke for ${audio.durationMs} ms`);
    yield audio; // say back what was said
  }),
  modality: "audio",
  mode: "send-receive",
});

await stream.launch();
