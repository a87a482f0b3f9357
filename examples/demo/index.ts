// What `npm start` serves: says back what you said, and shows whose session said it.
import { AdditionalOutputs, AudioFrame, getCurrentContext, ReplyOnPause, Stream } from "fastrtc";
import { z } from "zod";

const Inputs = z.object({
  volume: z.number().min(0).max(2).default(1).describe("How loud you are answered."),
  backwards: z.boolean().default(false).describe("Answer backwards."),
});

const stream = new Stream({
  handler: new ReplyOnPause(async function* (audio, { inputs }) {
    const { webrtcId, turn } = getCurrentContext();
    const { volume, backwards } = Inputs.parse(inputs);
    const samples = audio.toFloat32().map((sample) => sample * volume);
    if (backwards) samples.reverse();
    yield new AdditionalOutputs({ webrtcId, turn: turn?.index, seconds: audio.durationMs / 1000 });
    yield AudioFrame.fromFloat32(samples, audio.sampleRate);
  }),
  modality: "audio",
  mode: "send-receive",
  additionalInputs: Inputs,
  uiArgs: { title: "Echo", subtitle: "Press start, say something, and pause." },
});

await stream.launch();

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void stream.close().then(() => process.exit(0)));
}
