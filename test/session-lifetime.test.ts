/** How sessions end, how soon, and what is left: nothing. */

import { once } from "node:events";
import {
  AudioFrame,
  CloseStream,
  createWeriftBackend,
  getCurrentContext,
  ReplyOnPause,
  silentLogger,
  Stream,
  type ListeningServer,
  type StreamOptions,
} from "fastrtc";
import { ManualClock } from "fastrtc/testing";
import { afterEach, describe, expect, it } from "vitest";
import { EchoHandler } from "./support/echo-handler.ts";
import { EnergyWatcher } from "./support/energy-watcher.ts";
import { NodeClient } from "./support/node-client.ts";
import { runScript } from "./support/run-script.ts";
import { countUdpSockets } from "./support/udp-sockets.ts";
import { until } from "./support/until.ts";

const VANISHING_CLIENT = new URL("./support/vanishing-client.ts", import.meta.url);

const clients: NodeClient[] = [];
let watcher: EnergyWatcher;
let stream: Stream;
let server: ListeningServer;

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await stream.close();
});

async function launch(options: Partial<StreamOptions> = {}): Promise<void> {
  watcher = new EnergyWatcher();
  stream = new Stream({
    handler: new EchoHandler(watcher),
    modality: "audio",
    logger: silentLogger,
    ...options,
  });
  server = await stream.launch({ port: 0 });
}

function createClient(): NodeClient {
  const client = new NodeClient();
  clients.push(client);
  return client;
}

async function connect(): Promise<NodeClient> {
  const client = createClient();
  await client.connect(server.url);
  return client;
}

/** Talks until it is stopped, and tells how that was. */
class Talker {
  yielded = 0;
  aborts = 0;
  finallies = 0;
  readonly handler = new ReplyOnPause(
    function* () {
      // Nobody has to say anything.
    },
    {
      startupFn: (call) => this.#talk(call.signal),
    },
  );

  async *#talk(signal: AbortSignal): AsyncGenerator<AudioFrame> {
    signal.addEventListener("abort", () => this.aborts++);
    try {
      for (;;) {
        yield tone(100);
        this.yielded++;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    } finally {
      this.finallies++;
    }
  }
}

function tone(durationMs: number): AudioFrame {
  const samples = Int16Array.from({ length: durationMs * 24 }, (_, i) => 8000 * Math.sin(i / 9));
  return new AudioFrame({ samples, sampleRate: 24_000 });
}

describe("a session ends", () => {
  it("at once when its client closes the data channel", async () => {
    await launch();
    const client = await connect();
    client.closeChannel();
    expect(await until(() => stream.sessionCount === 0)).toBeLessThan(3000);
    expect(watcher.ended).toEqual([client.webrtcId]);
    await until(() => countUdpSockets() === 0);
  });

  it("at once when its client closes the peer connection", async () => {
    await launch();
    const client = await connect();
    client.close();
    expect(await until(() => stream.sessionCount === 0)).toBeLessThan(3000);
    expect(watcher.ended).toEqual([client.webrtcId]);
    await until(() => countUdpSockets() === 0);
  });

  it("in mid-reply: the reply is told, its generator is closed, and nothing more is asked of it", async () => {
    const talker = new Talker();
    await launch({ handler: talker.handler });
    const client = await connect();
    await until(() => client.heardMs > 200);
    client.close();
    await until(() => stream.sessionCount === 0);
    expect(talker.aborts).toBe(1);
    await until(() => talker.finallies === 1);
    const yielded = talker.yielded;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(talker.yielded).toBe(yielded);
  });

  it("when the time limit is over, and its client is told", async () => {
    await launch({ timeLimit: 1 });
    const client = await connect();
    const lived = await until(() => client.isChannelClosed);
    expect(lived).toBeGreaterThan(500);
    expect(lived).toBeLessThan(5000);
    expect(client.messagesOf("end_stream")).toEqual([
      { type: "end_stream", data: "Time limit reached" },
    ]);
    await until(() => stream.sessionCount === 0);
    expect(watcher.ended).toEqual([client.webrtcId]);
  });

  it("when the handler closes the stream, after what it said before has been heard", async () => {
    const handler = new ReplyOnPause(
      function* () {
        // Nobody has to say anything.
      },
      {
        *startupFn() {
          yield tone(1000);
          yield new CloseStream("Goodbye.");
        },
      },
    );
    await launch({ handler });
    const client = await connect();
    await until(() => client.isChannelClosed);
    expect(client.heardMs).toBeGreaterThan(900);
    expect(client.messagesOf("end_stream")).toEqual([{ type: "end_stream", data: "Goodbye." }]);
    await until(() => stream.sessionCount === 0);
  });

  it("with its stream: clients are told, readers of outputs are let go, no socket is left", async () => {
    await launch();
    const pair = [await connect(), await connect()];
    const outputs = await fetch(`${server.url}outputs?webrtc_id=${pair[0]!.webrtcId}`);
    await stream.close();
    expect(await outputs.text()).not.toContain("event:");
    await until(() => pair.every(({ isChannelClosed }) => isChannelClosed));
    for (const client of pair) {
      expect(client.messagesOf("update_connection")).toEqual([
        { type: "update_connection", data: "closed" },
      ]);
    }
    expect(stream.sessionCount).toBe(0);
    expect([...watcher.ended].sort()).toEqual(pair.map(({ webrtcId }) => webrtcId).sort());
    await until(() => countUdpSockets() === 0);
  });

  it("after 30 seconds when it never connects, and its sockets are closed", async () => {
    const clock = new ManualClock();
    await launch({ advanced: { clock, backend: createWeriftBackend({ clock }) } });
    const client = createClient();
    await client.offer();
    const sdp = (await client.offer()).replaceAll(/^a=candidate:.*\r\n/gm, "");
    await stream.offer({ sdp, type: "offer", webrtc_id: client.webrtcId });
    await clock.advanceAsync(29_900);
    expect(stream.sessionCount).toBe(1);
    expect(countUdpSockets()).toBeGreaterThan(0);
    await clock.advanceAsync(200);
    await until(() => stream.sessionCount === 0);
    await until(() => countUdpSockets() === 0);
    expect(watcher.ended).toEqual([client.webrtcId]);
  });

  it("within 40 seconds when its client vanishes, and no other session notices", async () => {
    await launch();
    const vanishing = runScript(VANISHING_CLIENT, [server.url]);
    expect(await vanishing.nextLine()).toBe("connected");
    const [vanished] = [...stream.contexts()];
    await until(() => watcher.frames > 10);
    const staying = await connect();
    await vanishing.kill();

    const aborted = once(vanished!.signal, "abort");
    // Consent expires after 30 s (RFC 7675 section 5.1).
    const took = await until(() => stream.sessionCount === 1, 45_000);
    expect(took).toBeGreaterThan(5000);
    expect(took).toBeLessThan(40_000);
    await aborted;
    expect(watcher.ended).toEqual([vanished!.webrtcId]);
    expect(staying.isChannelClosed).toBe(false);
  }, 90_000);
});

it("gives each session a context that its own end aborts, and no other's", async () => {
  const signals = new Map<string, AbortSignal>();
  await launch({
    handler: new EchoHandler({
      onReceive: () => {
        const { webrtcId, signal } = getCurrentContext();
        signals.set(webrtcId, signal);
      },
    }),
  });
  const [first, second] = [await connect(), await connect()];
  await Promise.all([first, second].map((client) => client.speak(tone(300))));
  await until(() => signals.size === 2);
  first.closeChannel();
  await until(() => stream.sessionCount === 1);
  expect(signals.get(first.webrtcId)?.aborted).toBe(true);
  expect(signals.get(second.webrtcId)?.aborted).toBe(false);
});
