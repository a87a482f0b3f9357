/** Clients of every kind do their worst to a running server, and who talks to it does not notice. */

import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { WebSocketCaller } from "../packages/fastrtc/test/websocket-caller.ts";
import type { Remains } from "./support/measured-server.ts";
import { NodeClient } from "./support/node-client.ts";
import type { Outcome } from "./support/rude-clients.ts";
import { runScript } from "./support/run-script.ts";
import { until } from "./support/until.ts";

const MEASURED_SERVER = new URL("./support/measured-server.ts", import.meta.url);
const RUDE_CLIENTS = new URL("./support/rude-clients.ts", import.meta.url);
const TWILIO = ["https://voice.example.com", "12345abcde67890fghij12345abcde67"] as const;
/**
 * The longest pause between two pieces of sound, in milliseconds. Measured: 81 over WebRTC and 82 over
 * a WebSocket, with other test runs on the same two cores.
 */
const MAX_GAP_MS = 250;

/** How each kind of harm must end: a close code, or a status; 0 where the server has hung up. */
const ENDS: Readonly<Record<string, readonly number[]>> = {
  "10 MB of text": [1009],
  "10 MB of bytes": [1009],
  "10 MB before the start": [1009],
  "10 MB on a telephone": [1009],
  "10 MB of JSON in an offer": [413, 0],
  "10 MB in a webhook": [413, 0],
  "malformed JSON in an offer": [400],
  "malformed JSON, again and again": [4400],
  "audio that is not base64": [4400],
  // The Realtime protocol answers each with an error, and goes on; the client leaves by itself.
  "malformed JSON in the Realtime protocol": [1000],
  "media before the start": [4400],
  "media before the start of a call": [4400],
  "start twice": [4400],
  "a forged webhook": [401],
  "a forged media socket": [401],
};

/** What somebody who talks meanwhile has heard. */
interface Heard {
  readonly outcome: Outcome;
  readonly tookMs: number;
  readonly soundMs: number;
  readonly gapsMs: { readonly webrtc: number; readonly websocket: number };
}

function longestGap(arrivals: readonly number[]): number {
  return Math.max(...arrivals.map((at, index) => at - (arrivals[index - 1] ?? at)));
}

it("is not disturbed by a thousand half-open sockets and all kinds of bad input", async () => {
  const server = runScript(MEASURED_SERVER, TWILIO, ["--expose-gc"]);
  const url = await server.nextLine();
  const rude = runScript(RUDE_CLIENTS, [url, ...TWILIO]);
  const measure = async (): Promise<Remains> => {
    server.write("measure");
    return JSON.parse(await server.nextLine()) as Remains;
  };
  const talkThroughHarm = async (): Promise<Heard> => {
    const peer = new NodeClient();
    const socket = await new WebSocketCaller({
      url: `${url.replace("http", "ws")}websocket/offer`,
      webrtcId: randomUUID(),
      inputRate: 48_000,
      outputRate: 24_000,
    }).start();
    await peer.connect(url);
    await until(() => peer.arrivals.length > 50 && socket.arrivals.length > 50);
    const begin = performance.now();
    const before = peer.heardMs;
    rude.write("do your worst");
    const outcome = JSON.parse(await rude.nextLine()) as Outcome;
    const tookMs = performance.now() - begin;
    const soundMs = peer.heardMs - before;
    expect(socket.isClosed).toBe(false);
    expect(peer.isChannelClosed).toBe(false);
    socket.hangUp();
    peer.close();
    const gapsMs = { webrtc: longestGap(peer.arrivals), websocket: longestGap(socket.arrivals) };
    return { outcome, tookMs, soundMs, gapsMs };
  };
  try {
    // Whatever is made once is made the first time.
    await talkThroughHarm();
    const before = await measure();
    const { outcome, tookMs, soundMs, gapsMs } = await talkThroughHarm();
    const after = await measure();

    expect(Object.keys(outcome).sort()).toEqual(Object.keys(ENDS).sort());
    for (const [harm, ends] of Object.entries(outcome)) {
      for (const end of Object.keys(ends)) expect(ENDS[harm], harm).toContain(Number(end));
    }
    // All of the sound came, and in time.
    expect(Math.abs(soundMs - tookMs)).toBeLessThan(MAX_GAP_MS);
    expect(gapsMs.webrtc).toBeLessThan(MAX_GAP_MS);
    expect(gapsMs.websocket).toBeLessThan(MAX_GAP_MS);
    expect(after.resources).toEqual(before.resources);
    // Measured: 430 kB less of heap, and 40 bytes more outside of it.
    expect(after.heapBytes - before.heapBytes).toBeLessThan(1_000_000);
    expect(after.externalBytes - before.externalBytes).toBeLessThan(100_000);
  } finally {
    await rude.kill();
    await server.kill();
  }
});
