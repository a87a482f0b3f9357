/**
 * Our side of the echo bench: an echo, or a caller listened to in silence, and what they cost.
 *
 *   node bench/echo/our-server.mjs echo|reply-on-pause
 *
 * Prints its URL, serves until its input ends. `GET /usage` says what the process has used.
 *
 * JavaScript, because what compiles TypeScript as it is loaded keeps a thread busy that no user's
 * server has.
 */
// @ts-check

import { createServer } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { AsyncQueue, ReplyOnPause, silentLogger, Stream, StreamHandler } from "fastrtc";

// The histogram holds the time between two ticks of a timer: the delay is what is more than this.
const RESOLUTION_MS = 10;

class Echo extends StreamHandler {
  /** @type {AsyncQueue<import("fastrtc").AudioFrame>} */
  #frames = new AsyncQueue();

  copy() {
    return new Echo();
  }

  /** @param {import("fastrtc").AudioFrame} frame */
  receive(frame) {
    this.#frames.put(frame);
  }

  emit() {
    return this.#frames.get();
  }
}

const isEcho = process.argv[2] !== "reply-on-pause";
const handler = isEcho
  ? new Echo()
  : new ReplyOnPause(function* (audio) {
      yield audio;
    });
const stream = new Stream({ handler, modality: "audio", logger: silentLogger });
const loopDelay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
// A timer that wakes the process more often than the packets of one caller do: not where it idles.
if (isEcho) loopDelay.enable();

const server = createServer((request, response) => {
  if (request.url !== "/usage") return;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(usage()));
});
stream.mount(server);
server.listen(0, "127.0.0.1", () => {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  console.log(`http://127.0.0.1:${port}`);
});
process.stdin.on("end", () => process.exit(0)).resume();

/**
 * Reads the figures; the loop's delay is counted anew from here.
 *
 * @returns {import("./server-usage.ts").ServerUsage}
 */
function usage() {
  const { user, system } = process.cpuUsage();
  const intervalMs = loopDelay.percentile(99) / 1e6;
  loopDelay.reset();
  return {
    cpuMs: (user + system) / 1000,
    rssBytes: process.memoryUsage.rss(),
    loopDelayMsP99: Math.max(0, intervalMs - RESOLUTION_MS),
  };
}
