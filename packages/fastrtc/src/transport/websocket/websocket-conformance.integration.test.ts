import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { INPUT_RATE, OUTPUT_RATE } from "../../../test/conformance-handlers.ts";
import type { ConformanceServer } from "../../../test/conformance-harness.ts";
import { describeTransport } from "../../../test/transport-conformance.ts";
import { WebSocketCaller } from "../../../test/websocket-caller.ts";
import type { CallerAudio } from "../../../test/websocket-caller.ts";
import { startWebSocketServer } from "../../../test/websocket-server.ts";

const AUDIO: Readonly<Record<string, CallerAudio | undefined>> = {
  "a WebSocket of FastRTC's": undefined,
  "a WebSocket with PCM in binary messages": { codec: "pcm16", sampleRate: 48_000, binary: true },
};

for (const [name, audio] of Object.entries(AUDIO)) {
  describeTransport(name, {
    kind: "websocket",
    wait: (durationMs) => sleep(durationMs),
    async serve(options): Promise<ConformanceServer> {
      const server = await startWebSocketServer(options);
      const { sessions, url } = server;
      return {
        get sessionCount() {
          return sessions.registry.size;
        },
        get heldResources() {
          return server.openSockets.size + server.waitingCount;
        },
        connect: (webrtcId = randomUUID()) =>
          new WebSocketCaller({
            ...{ url, webrtcId, audio },
            ...{ inputRate: INPUT_RATE, outputRate: OUTPUT_RATE },
          }).start(),
        async knockAndLeave() {
          const socket = new WebSocket(url);
          await once(socket, "open");
          socket.terminate();
        },
        setInput: (webrtcId, ...values) =>
          sessions.operations.setInputs(webrtcId, values, "application"),
        close: () => server.close(),
      };
    },
  });
}
