// Writes down what is said, and never speaks: in mode "send" only the user is heard.
import { AdditionalOutputs, getSttModel, ReplyOnPause, Stream } from "fastrtc";

// Any server that speaks OpenAI's protocol: OPENAI_BASE_URL and OPENAI_API_KEY say which.
const speechToText = await getSttModel("openai", { model: process.env["STT_MODEL"] });

const stream = new Stream({
  handler: new ReplyOnPause(
    function* (audio, { turn }) {
      yield new AdditionalOutputs({ text: turn.transcript, seconds: audio.durationMs / 1000 });
    },
    { speechToText },
  ),
  modality: "audio",
  mode: "send",
  uiArgs: { title: "Transcription", subtitle: "Press start and speak; the words appear below." },
});

await stream.launch();
