// A radio: in mode "receive" only the server is heard. Whoever tunes in hears what is on now.
import { AdditionalOutputs, AudioFrame, Stream } from "fastrtc";

const SAMPLE_RATE = 24_000;
const NOTE_MS = 400;
const TUNE = [
  ["C", 523.25],
  ["E", 659.26],
  ["G", 783.99],
  ["A", 880.0],
] as const;

const stream = new Stream({
  handler: async function* () {
    // A generator runs ahead of the listener by no more than the queue holds, so it may be endless.
    for (let at = Math.floor(Date.now() / NOTE_MS); ; at++) {
      const [name, frequencyHz] = TUNE[at % TUNE.length]!;
      yield [note(frequencyHz), new AdditionalOutputs({ note: name })];
    }
  },
  modality: "audio",
  mode: "receive",
  uiArgs: { title: "Radio", subtitle: "Press start and listen." },
});

function note(frequencyHz: number): AudioFrame {
  const length = (SAMPLE_RATE * NOTE_MS) / 1000;
  const samples = Float32Array.from({ length }, (_, i) => {
    const fadeOut = 1 - i / length;
    return 0.4 * fadeOut * Math.sin((2 * Math.PI * frequencyHz * i) / SAMPLE_RATE);
  });
  return AudioFrame.fromFloat32(samples, SAMPLE_RATE);
}

await stream.launch();
