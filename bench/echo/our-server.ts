/**
 * Our side of the echo bench: an echo, or a caller listened to in silence, and what they cost.
 *
 *   tsx bench/echo/our-server.ts echo|reply-on-pause
 *
 * Prints its URL, serves until its input ends. `GET /usage` says what the process has used.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { AsyncQueue, ReplyOnPause, silentLogger, Stream, StreamHandler } from "fastrtc";
import type { AudioFrame } from "fastrtc";
import type { ServerUsage } from "./server-usage.ts";

// The histogram holds the time between two ticks of a timer: the delay is what is more than this.
const RESOLUTION_MS = 5;

class Echo extends StreamHandler {
  readonly #frames = new AsyncQueue<AudioFrame>();

  copy(): Echo {
    return new Echo();
  }

  receive(frame: AudioFrame): void {
    this.#frames.put(frame);
  }

  emit(): Promise<AudioFrame | undefined> {
    return this.#frames.get();
  }
}

const handler =
  process.argv[2] === "reply-on-pause"
    ? new ReplyOnPause(function* (audio) {
        yield audio;
      })
    : new Echo();
const stream = new Stream({ handler, modality: "audio", logger: silentLogger });
const loopDelay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
loopDelay.enable();

const server = createServer((request, response) => {
  if (request.url !== "/usage") return;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(usage()));
});
stream.mount(server);
server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.stdin.on("end", () => process.exit(0)).resume();

/** Reads the figures; the loop's delay is counted anew from here. */
function usage(): ServerUsage {
  const { user, system } = process.cpuUsage();
  const intervalMs = loopDelay.percentile(99) / 1e6;
  loopDelay.reset();
  return {
    cpuMs: (user + system) / 1000,
    rssBytes: process.memoryUsage.rss(),
    loopDelayMsP99: Math.max(0, intervalMs - RESOLUTION_MS),
  };
}
