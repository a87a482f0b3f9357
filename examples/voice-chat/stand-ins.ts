/** What answers where there are no models: they need no network and no key, and say what they are. */

import { setTimeout as sleep } from "node:timers/promises";
import { getContext, type SpeechToTextModel } from "fastrtc";
import type { ChatMessage, ChatModel } from "fastrtc/openai";

/** As fast as many a language model writes. */
const WORDS_PER_SECOND = 20;
const INTRODUCTION = "This is a stand-in for a language model, and it cannot think.";

/** Hears how long somebody speaks, and not what. */
export const standInStt: SpeechToTextModel = {
  model: "a stand-in, which understands nothing (README.md says how to have one that does)",
  transcribe: ({ durationMs }) => {
    const seconds = (durationMs / 1000).toFixed(1);
    return Promise.resolve({ text: `something for ${seconds} seconds, which I cannot understand` });
  },
};

/** Repeats what it was told, and says so. */
export const standInChat: ChatModel = {
  model: "a stand-in for a language model",
  stream: (messages, call) => repeat(messages, call?.signal ?? getContext()?.turn?.signal),
};

async function* repeat(
  messages: readonly ChatMessage[],
  signal: AbortSignal | undefined,
): AsyncGenerator<string, undefined, undefined> {
  const content = messages.at(-1)?.content;
  const said = typeof content === "string" ? content : "something without words";
  const isFirst = messages.filter(({ role }) => role === "user").length === 1;
  const answer = `${isFirst ? INTRODUCTION : ""} You said ${said}.`.trimStart();
  for (const word of answer.match(/\S+\s*/g) ?? []) {
    await sleep(1000 / WORDS_PER_SECOND, undefined, { signal });
    yield word;
  }
  return undefined;
}
