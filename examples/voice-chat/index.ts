// Speech in, a model, speech out; whose models, says models.ts.
import type { AddressInfo } from "node:net";
import express from "express";
import {
  AdditionalOutputs,
  getCurrentContext,
  ReplyOnPause,
  Stream,
  type AudioFrame,
  type ReplyCall,
} from "fastrtc";
import type { ChatMessage } from "fastrtc/openai";
import { chat, instructions, stt, tts } from "./models.ts";

async function* answer(audio: AudioFrame, { reply, turn }: ReplyCall) {
  const { store } = getCurrentContext(); // whose session is this?
  const { text } = await stt.transcribe(audio);
  if (text === "") return; // a noise
  reply.transcript = text;
  const history = (await store.get<ChatMessage[]>("history")) ?? [];
  const question: ChatMessage = { role: "user", content: text };
  reply.onEnded(async ({ text: heard }) => {
    if (heard === "") return; // the user went on speaking: the next reply answers all of it
    await store.set("history", [...history, question, { role: "assistant", content: heard }]);
  });
  const metadata = { model: chat.model, turn: turn.index, question: text };
  await store.set("metadata", metadata);
  yield new AdditionalOutputs(metadata);
  yield* tts.stream(chat.stream([instructions, ...history.slice(-20), question]));
}

const stream = new Stream({
  handler: new ReplyOnPause(answer, { turn: { eager: true } }),
  modality: "audio",
  mode: "send-receive",
  uiArgs: { title: "Voice chat", subtitle: `You speak with ${chat.model}.` },
});

const app = express();
stream.mount(app, "", { page: true });
app.get("/metadata/:id", async (request, response) => {
  const metadata = await stream.store(request.params.id).get("metadata");
  response.status(metadata ? 200 : 404).json(metadata ?? { error: "There is none." });
});
const port = Number(process.env["PORT"] ?? 7860);
const server = app.listen(port, process.env["HOST"] ?? "127.0.0.1", (error) => {
  if (error) throw error;
  const address = server.address() as AddressInfo;
  console.log(`Recognition: ${stt.model}. Answers: ${chat.model}. Voice: ${tts.model}.`);
  console.log(`Talk to it at http://${address.address}:${address.port}/`);
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void stream.close().then(() => process.exit(0)));
}
