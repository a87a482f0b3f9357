// Takes what is typed as well as what is said: typed words are read aloud, spoken ones said back.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ReplyOnPause, Stream } from "fastrtc";
import type { AudioFrame, HandlerOutput, ReplyCall } from "fastrtc";
import { createFliteTts } from "fastrtc/flite";
import { createServer as createVite } from "vite";

const tts = createFliteTts();

async function* answer(audio: AudioFrame, { turn }: ReplyCall): AsyncGenerator<HandlerOutput> {
  if (turn.transcript === undefined) yield audio;
  else yield* tts.stream(turn.transcript);
}

class TextOrAudio extends ReplyOnPause {
  override copy(): TextOrAudio {
    return new TextOrAudio(answer);
  }

  // What a client sends is a message for the handler; this one takes it for a turn.
  override onMessage(text: string): void {
    this.onText(text);
  }
}

const stream = new Stream({
  handler: new TextOrAudio(answer),
  modality: "audio",
  mode: "send-receive",
});

// index.html and main.ts beside this file; for production, build them and serve what was built.
const server = createServer((request, response) => {
  vite.middlewares(request, response);
});
const vite = await createVite({
  root: import.meta.dirname,
  server: { middlewareMode: true, hmr: { server } },
});
stream.mount(server, "/voice");

const { HOST = "127.0.0.1", PORT = "7860" } = process.env;
server.listen(Number(PORT), HOST, () => {
  console.log(`http://${HOST}:${(server.address() as AddressInfo).port}/`);
});
