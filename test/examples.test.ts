/** Each example is started as a user starts it, spoken to, and judged by what comes back. */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { ReplyProgress } from "@fastrtc/protocol";
import type { AudioFrame } from "fastrtc";
import { createFliteTts } from "fastrtc/flite";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { similarity } from "./support/correlation.ts";
import { startExample } from "./support/example-process.ts";
import type { ExampleOptions, ExampleProcess } from "./support/example-process.ts";
import { NodeClient } from "./support/node-client.ts";
import { recognize } from "./support/pocketsphinx.ts";
import { spokenSentences, withSilence } from "./support/spoken-sentences.ts";
import { startSpeechServer } from "./support/speech-server.ts";
import type { SpeechServer } from "./support/speech-server.ts";
import { toneShares } from "./support/tone.ts";
import { until } from "./support/until.ts";

const root = new URL("..", import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, root), "utf8");
const examples = readdirSync(new URL("examples", root), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
// The one of flite's voices that pocketsphinx understands best.
const voice = createFliteTts({ voice: "slt" });

let speech: SpeechServer;
let example: ExampleProcess | undefined;
let client: NodeClient;
let understoodMs = 0;

beforeAll(async () => {
  speech = await startSpeechServer({
    callTool: (words, messages) =>
      messages.at(-1)?.role === "user" && words.includes("milk")
        ? { name: "add_item", arguments: { item: "milk" } }
        : undefined,
    reply: (_words, messages) => `Your list is: ${String(messages.at(-1)?.content)}.`,
  });
});
afterEach(async () => {
  if (!example) return;
  client.close();
  await example.stop();
  example = undefined;
});
afterAll(() => speech.close());

/** Starts an example and calls it; returns its URL. */
async function call(name: string, options?: ExampleOptions): Promise<string> {
  client = new NodeClient();
  understoodMs = 0;
  example = await startExample(name, options);
  await client.connect(example.url);
  return example.url;
}

/** What an example is told that asks a server with OpenAI's protocol. */
const models = (): ExampleOptions => ({
  env: {
    OPENAI_BASE_URL: speech.url,
    OPENAI_API_KEY: "none",
    STT_MODEL: "pocketsphinx",
    CHAT_MODEL: "stand-in",
  },
});

async function say(words: string): Promise<void> {
  await client.speak(withSilence(await voice.tts(words), 400, 1200));
}

/** Waits until a reply has been heard to its end. */
async function replied(index: number): Promise<void> {
  const replies = (): readonly ReplyProgress[] =>
    client.messagesOf("reply").map(({ data }) => data);
  await until(() => replies().some((data) => data.phase === "finished" && data.index === index));
  await sleep(300); // on the way
}

/** Waits for a reply, and recognises what came since the one before. */
async function heardReply(index: number): Promise<string> {
  await replied(index);
  const sound = client.heard().slice(understoodMs);
  understoodMs = client.heardMs;
  return (await recognize(sound)).text;
}

const outputs = (): readonly unknown[] =>
  client.messagesOf("fetch_output").flatMap(({ data }) => data);

describe("the examples", () => {
  it("have the README's smallest one among them, letter for letter", () => {
    expect(text("README.md")).toContain(`\`\`\`ts\n${text("examples/echo/index.ts")}\`\`\``);
  });

  it.each(examples)("%s is in the list of examples/README.md, and npm can start it", (name) => {
    const line = text("examples/README.md")
      .split("\n")
      .find((candidate) => candidate.startsWith(`| [${name}](${name}/)`));
    expect(line).toBeDefined();
    const { scripts } = JSON.parse(text(`examples/${name}/package.json`)) as {
      scripts?: Record<string, string>;
    };
    expect(scripts?.["start"]).toMatch(/^tsx /);
  });

  it("demo serves its page and its config", async () => {
    const url = await call("demo");
    const page = await fetch(url);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("<title>")]);
    const config: unknown = await (await fetch(`${url}config`)).json();
    expect(config).toMatchObject({ modality: "audio", mode: "send-receive" });
  });

  it("echo says back what was said, and whose session it was", async () => {
    const [sentence] = spokenSentences(1) as [AudioFrame];
    await call("echo");
    await client.speak(withSilence(sentence, 400, 1200));
    await replied(1);
    expect(similarity(sentence, client.heard())).toBeGreaterThan(0.7);
    expect(outputs()).toEqual([expect.stringContaining(`${client.webrtcId} spoke for`)]);
  });

  it("stream-handler says back what is said, at once", async () => {
    const [sentence] = spokenSentences(1) as [AudioFrame];
    await call("stream-handler");
    await client.speak(withSilence(sentence, 400, 400));
    await until(() => client.heardMs > sentence.durationMs + 600);
    expect(similarity(sentence, client.heard())).toBeGreaterThan(0.7);
  });

  it("greeting speaks first, and then says back what is said", async () => {
    await call("greeting");
    expect(await heardReply(0)).toMatch(/good (morning|afternoon|evening).* say something/);
    const words = (await voice.tts("The weather is very nice today.")).resample(48_000);
    await client.speak(withSilence(words, 400, 1200));
    await replied(1);
    expect(similarity(words, client.heard().slice(understoodMs))).toBeGreaterThan(0.7);
  });

  it("radio plays its tune to whoever listens", async () => {
    await call("radio");
    await until(() => client.heardMs > 2000);
    const shares = toneShares(client.heard(), [523.25, 659.26, 783.99, 880]);
    expect(Math.min(...shares)).toBeGreaterThan(0.05);
    expect(shares.reduce((sum, share) => sum + share)).toBeGreaterThan(0.8);
    const names = outputs().map((output) => (output as { note: string }).note);
    const first = "CEGA".indexOf(names[0]!);
    expect(names.slice(0, 4).join("")).toBe("CEGACEGA".slice(first, first + 4));
  });

  it("transcription writes down what is said, and is silent", async () => {
    await call("transcription", models());
    await say("The weather is very nice today.");
    await until(() => outputs().length > 0);
    expect(outputs()).toMatchObject([{ text: "the weather is very nice today" }]);
    expect(client.heardMs).toBe(0);
  });

  it("stop-word answers nobody but who says computer", async () => {
    await call("stop-word", models());
    const before = speech.requests.length;
    await say("The weather is very nice today.");
    await until(() => speech.requests.at(before)?.finishedAt !== undefined);
    expect(client.messages).toEqual([]);
    await say("Computer, what time is it?");
    expect(await heardReply(1)).toMatch(/^it is/);
    expect(client.messagesOf("stopword")).toHaveLength(1);
    expect(outputs()).toEqual([{ question: expect.stringContaining("time") as unknown }]);
  });

  it("tool-calling runs the function for the session that asked, and speaks of what it gave", async () => {
    await call("tool-calling", models());
    await say("Please put milk on my list.");
    expect(await heardReply(1)).toMatch(/list is.* milk/);
    expect(outputs()).toEqual([{ list: ["milk"] }]);
    const [first, second] = speech.requests.filter(({ route }) => route === "chat");
    expect(first?.body).toMatchObject({ tools: [{ function: { name: "add_item" } }] });
    expect(second?.body["messages"]).toMatchObject([
      { role: "system" },
      { role: "user" },
      { role: "assistant", tool_calls: [{ function: { arguments: '{"item":"milk"}' } }] },
      { role: "tool", content: '["milk"]' },
    ]);
  });
});
