// Listens silently until somebody says "computer", and answers only what they say then.
import { AdditionalOutputs, getSttModel, getTtsModel, ReplyOnStopWords, Stream } from "fastrtc";

// Any server that speaks OpenAI's protocol: OPENAI_BASE_URL and OPENAI_API_KEY say which.
const speechToText = await getSttModel("openai", { model: process.env["STT_MODEL"] });
const tts = await getTtsModel("flite");

const stream = new Stream({
  handler: new ReplyOnStopWords(
    async function* (_audio, { turn }) {
      const question = turn.transcript ?? ""; // what was said after the stop word
      yield new AdditionalOutputs({ question });
      yield* tts.stream(/\btime\b/i.test(question) ? `It is ${time()}.` : `You said: ${question}`);
    },
    { stopWords: ["computer"], speechToText },
  ),
  modality: "audio",
  mode: "send-receive",
  uiArgs: { title: "Stop word", subtitle: "Say: computer, what time is it?" },
});

function time(): string {
  return new Date().toLocaleTimeString("en", { hour: "numeric", minute: "2-digit" });
}

await stream.launch();
