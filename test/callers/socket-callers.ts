/** Callers in Node over a WebSocket: FastRTC's protocol as it is, and OpenAI's stock client. */

import { once } from "node:events";
import { RealtimeAgent, RealtimeSession } from "@openai/agents-realtime";
import { WebSocket } from "ws";
import { createDecoder, createEncoder } from "../../packages/fastrtc/src/codec/create-codec.ts";
import { RealTimePlayout } from "../../packages/fastrtc/test/real-time-playout.ts";
import type { Caller } from "./caller.ts";
import { Line } from "./line.ts";

/** The rates at which FastRTC's protocol carries mu-law: a handler's, where it says nothing. */
const FASTRTC_RATES = { input: 48_000, output: 24_000 } as const;
const REALTIME_RATE = 24_000;

/**
 * Calls in FastRTC's protocol: JSON with mu-law in base64, and nothing that FastRTC's clients do not
 * know; but it obeys `clear`.
 */
export async function callOverFastRTCSocket(url: string, websocketId: string): Promise<Caller> {
  const { input, output } = FASTRTC_RATES;
  const encoder = createEncoder({ codec: "mulaw", sampleRate: input, channels: 1 }, input, 1);
  const decoder = createDecoder({ codec: "mulaw", sampleRate: output, channels: 1 }, output, 1);
  const playout = new RealTimePlayout({ sampleRate: output });
  let flushes = 0;
  const socket = new WebSocket(`${url.replace("http", "ws")}websocket/offer`);
  const send = (message: object): void => socket.send(JSON.stringify(message), () => undefined);
  socket.on("message", (data: Buffer) => {
    const { event, media } = JSON.parse(data.toString()) as {
      readonly event?: string;
      readonly media?: { readonly payload: string };
    };
    if (media) playout.push(decoder.decode(Buffer.from(media.payload, "base64")).slice());
    if (event !== "clear") return;
    flushes++;
    playout.clear();
  });
  await once(socket, "open");
  send({ event: "start", websocket_id: websocketId });
  const line = new Line({
    sendRate: input,
    send: (frame) => {
      const payload = Buffer.from(encoder.encode(frame)).toString("base64");
      send({ event: "media", media: { payload } });
    },
    playRate: output,
    heard: () => playout.heard(),
  });
  return {
    say: (sound) => line.say(sound),
    played: (sinceMs) => line.played(sinceMs),
    heard: (sinceMs) => line.heard(sinceMs),
    flushes: () => Promise.resolve(flushes),
    hangUp: async () => {
      line.close();
      playout.stop();
      send({ event: "stop" });
      await once(socket, "close");
    },
  };
}

/** Calls with the stock client of the OpenAI Realtime API, over its WebSocket. */
export async function callOverRealtimeSocket(url: string): Promise<Caller> {
  const agent = new RealtimeAgent({ name: "caller", instructions: "Be brief." });
  const session = new RealtimeSession(agent, { transport: "websocket", model: "m" });
  const playout = new RealTimePlayout({ sampleRate: REALTIME_RATE });
  let flushes = 0;
  session.on("audio", ({ data }) => playout.push(new Int16Array(data.slice(0))));
  session.on("audio_interrupted", () => {
    flushes++;
    playout.clear();
  });
  // What goes wrong is not heard, and that is what tests listen to.
  session.on("error", () => undefined);
  await session.connect({ apiKey: "key", url: `${url.replace("http", "ws")}v1/realtime?model=m` });
  const line = new Line({
    sendRate: REALTIME_RATE,
    send: (frame) => session.sendAudio(frame.buffer as ArrayBuffer),
    playRate: REALTIME_RATE,
    heard: () => playout.heard(),
  });
  return {
    say: (sound) => line.say(sound),
    played: (sinceMs) => line.played(sinceMs),
    heard: (sinceMs) => line.heard(sinceMs),
    flushes: () => Promise.resolve(flushes),
    hangUp: () => {
      line.close();
      playout.stop();
      session.close();
      return Promise.resolve();
    },
  };
}
