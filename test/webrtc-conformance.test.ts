/** What every transport must do, done over WebRTC: libdatachannel calls a server over HTTP and UDP. */

import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { FailureResponse } from "@fastrtc/protocol";
import { AudioFrame, silentLogger, Stream } from "fastrtc";
import {
  ConformanceRefusal,
  type ConformanceClient,
  type ConformanceServer,
  type ConformanceServerOptions,
} from "../packages/fastrtc/test/conformance-harness.ts";
import { describeTransport } from "../packages/fastrtc/test/transport-conformance.ts";
import { NodeClient, OfferRefusal } from "./support/node-client.ts";
import { countUdpSockets } from "./support/udp-sockets.ts";

const SAMPLE_RATE = 48_000;
const UNFINISHED_OFFER = [
  "POST /webrtc/offer HTTP/1.1",
  "Host: localhost",
  "Content-Type: application/json",
  "Content-Length: 999",
  "Expect: 100-continue",
  "\r\n",
].join("\r\n");

describeTransport("WebRTC", {
  kind: "webrtc",
  cannot: {
    flush: "RTP is played as it comes: nothing of a reply lies at the client to be dropped",
    vanish: "ICE consent lasts 30 s (RFC 7675); session-lifetime.test.ts waits for its end",
  },
  wait: (durationMs) => sleep(durationMs),
  serve,
});

async function serve(options: ConformanceServerOptions): Promise<ConformanceServer> {
  const stream = new Stream({ modality: "audio", logger: silentLogger, ...options });
  const server = createServer();
  stream.mount(server);
  // A connection that a client keeps for its next request is nothing that is held for a session.
  server.maxRequestsPerSocket = 1;
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const clients: NodeClient[] = [];
  return {
    get sessionCount() {
      return stream.sessionCount;
    },
    get heldResources() {
      return sockets.size + countUdpSockets();
    },
    connect: async (webrtcId) => {
      const client = new NodeClient(webrtcId);
      clients.push(client);
      return await callerOf(client, `http://127.0.0.1:${port}/`);
    },
    async knockAndLeave() {
      const socket = connect(port, "127.0.0.1");
      socket.write(UNFINISHED_OFFER);
      // The server says that it waits for the rest.
      await once(socket, "data");
      socket.write('{"type":');
      socket.destroy();
    },
    setInput: (webrtcId, ...values) => stream.setInput(webrtcId, ...values),
    async close() {
      for (const client of clients) client.close();
      await stream.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

async function callerOf(client: NodeClient, url: string): Promise<ConformanceClient> {
  await client.connect(url).catch((error: unknown) => {
    if (!(error instanceof OfferRefusal)) throw error;
    const { meta } = error.reply.body as unknown as FailureResponse;
    throw new ConformanceRefusal(meta.error);
  });
  return {
    webrtcId: client.webrtcId,
    sampleRate: SAMPLE_RATE,
    heard: () => client.heard().samples,
    flushes: 0,
    messages: client.messages,
    get isClosed() {
      return client.isChannelClosed;
    },
    say: (samples) => client.speak(new AudioFrame({ samples, sampleRate: SAMPLE_RATE })),
    sendText: (text) => client.sendText(text),
    hangUp: () => client.closeChannel(),
    vanish: () => undefined,
  };
}
