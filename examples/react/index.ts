// A front end of one's own, in React: src/app.tsx. Vite serves it beside the stream's routes.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { AdditionalOutputs, ReplyOnPause, Stream } from "fastrtc";
import { createServer as createVite } from "vite";

const stream = new Stream({
  handler: new ReplyOnPause(function* (audio) {
    yield new AdditionalOutputs({ seconds: audio.durationMs / 1000 });
    yield audio;
  }),
  modality: "audio",
  mode: "send-receive",
});

// For production, run "vite build" and serve what it wrote as static files.
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
