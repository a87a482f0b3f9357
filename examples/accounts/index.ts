// Whose session is this? Who calls and what they asked for, what is remembered of them, and how the
// rest of the application reads it. Open /login/ada to begin.
import type { AddressInfo } from "node:net";
import express from "express";
import { AdditionalOutputs, ReplyOnPause, Stream } from "fastrtc";
import type { AudioFrame, HandlerOutput } from "fastrtc";
import { createFliteTts } from "fastrtc/flite";
import { z } from "zod";
import { logIn, userOf } from "./users.ts";

const tts = createFliteTts();

const stream = new Stream({
  handler: new ReplyOnPause(answer),
  modality: "audio",
  mode: "send-receive",

  // Who is it? Asked on every way in, before anything is allocated; undefined is refused with 401.
  authenticate: (request) => userOf(request.headers.get("cookie")),

  // What do they want? Said when a session begins; what does not fit is refused with 400.
  params: z.object({ greeting: z.enum(["Hello", "Welcome"]).default("Hello") }),

  // What this process remembers, for as long as the session lives.
  state: () => ({ turns: 0 }),
});

async function* answer(audio: AudioFrame): AsyncGenerator<HandlerOutput> {
  const { webrtcId, user, params, state } = stream.getCurrentContext(); // typed by the options above
  state.turns++;
  yield new AdditionalOutputs({ webrtcId, user: user.id, turn: state.turns });
  const { reply, metadata } = await askModel(audio);
  await remember(metadata);
  yield* tts.stream(`${params.greeting} ${user.name}. ${reply}`);
}

// Stands in for a model that says something about its answer.
async function askModel(audio: AudioFrame) {
  const seconds = (audio.durationMs / 1000).toFixed(1);
  return { reply: `You spoke for ${seconds} seconds.`, metadata: { model: "stand-in", seconds } };
}

// Nobody passed the session along, and it is known all the same.
async function remember(metadata: object): Promise<void> {
  const { user, store } = stream.getCurrentContext();
  await store.set("owner", user.id);
  await store.update<object[]>("answers", (answers = []) => [...answers, metadata]);
}

const app = express();
app.get("/login/:id", (request, response) => {
  const key = logIn(request.params.id);
  if (key === undefined) response.status(404).send("Nobody of that name.");
  else response.cookie("login", key, { httpOnly: true, sameSite: "strict" }).redirect("/");
});
// The store outlives the session. An id is no secret, so what is under it is for its owner only.
app.get("/answers/:webrtcId", async (request, response) => {
  const user = userOf(request.headers.cookie);
  const store = stream.store(request.params.webrtcId);
  const isTheirs = user !== undefined && user.id === (await store.get("owner"));
  if (isTheirs) response.json(await store.get("answers"));
  else response.status(404).json({ error: "You have no such session." });
});
stream.mount(app, "", { page: true });

const { HOST = "127.0.0.1", PORT = "7860" } = process.env;
const server = app.listen(Number(PORT), HOST, () => {
  console.log(`Log in at http://${HOST}:${(server.address() as AddressInfo).port}/login/ada`);
});
