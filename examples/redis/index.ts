// One application in many processes: whichever of them a request reaches finds the session. Start it
// twice, with different PORTs, behind any load balancer.
import type { AddressInfo } from "node:net";
import express from "express";
import { ReplyOnPause, Stream } from "fastrtc";
import type { AudioFrame, HandlerOutput } from "fastrtc";
import { createRedisBackplane } from "fastrtc/redis";

const backplane = createRedisBackplane({ url: process.env["REDIS_URL"] });

const stream = new Stream({
  handler: new ReplyOnPause(answer),
  modality: "audio",
  mode: "send-receive",
  backplane,
});

async function* answer(audio: AudioFrame): AsyncGenerator<HandlerOutput> {
  const { store } = stream.getCurrentContext();
  await store.update<number>("turns", (turns = 0) => turns + 1); // in Redis, under the session's id
  yield audio;
}

const app = express();
app.get("/sessions/:webrtcId", async (request, response) => {
  const turns = await stream.store(request.params.webrtcId).get("turns");
  response.json({ turns, answeredBy: process.pid, sessions: await stream.countSessions() });
});
app.post("/sessions/:webrtcId/message", express.text(), async (request, response) => {
  await stream.session(request.params.webrtcId).send(request.body); // wherever the session lives
  response.sendStatus(204);
});
stream.mount(app, "", { page: true });

const { HOST = "127.0.0.1", PORT = "7860" } = process.env;
const server = app.listen(Number(PORT), HOST, () => {
  console.log(`http://${HOST}:${(server.address() as AddressInfo).port}/`);
});

// Those who are talking may finish; no new session begins here meanwhile.
process.once("SIGTERM", () => {
  void stream
    .drain()
    .then(() => backplane.close())
    .finally(() => process.exit());
});
