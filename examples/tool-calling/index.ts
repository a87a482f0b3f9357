// A model that can do something: it keeps the caller's shopping list by calling functions of ours.
import {
  AdditionalOutputs,
  getCurrentContext,
  getSttModel,
  getTtsModel,
  ReplyOnPause,
  Stream,
} from "fastrtc";
import { chatText } from "fastrtc/openai";
import OpenAI from "openai";
import { zodFunction } from "openai/helpers/zod";
import { z } from "zod";

// Any server that speaks OpenAI's protocol: OPENAI_BASE_URL and OPENAI_API_KEY say which.
const { CHAT_MODEL = "gpt-4o-mini", STT_MODEL } = process.env;
const client = new OpenAI();
const stt = await getSttModel("openai", { model: STT_MODEL });
const tts = await getTtsModel("flite");

const addItem = zodFunction({
  name: "add_item",
  description: "Puts something on the caller's shopping list, and returns the whole list.",
  parameters: z.object({ item: z.string() }),
  // The client calls it, and it knows all the same whose list it is.
  function: ({ item }) =>
    getCurrentContext().store.update<string[]>("list", (list = []) => [...list, item]),
});

const stream = new Stream({
  handler: new ReplyOnPause(async function* (audio, { context, signal }) {
    const { text } = await stt.transcribe(audio);
    if (text === "") return;
    const answer = client.chat.completions.runTools(
      {
        model: CHAT_MODEL,
        messages: [
          { role: "system", content: "You keep a shopping list. Answer in one short sentence." },
          { role: "user", content: text },
        ],
        tools: [addItem],
        stream: true,
      },
      { signal },
    );
    yield* tts.stream(chatText(answer)); // also what it says before it calls a function
    yield new AdditionalOutputs({ list: await context.store.get("list") });
  }),
  modality: "audio",
  mode: "send-receive",
  uiArgs: { title: "Shopping list", subtitle: "Say: please put milk on my list." },
});

await stream.launch();
