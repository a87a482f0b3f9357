import { setTimeout as sleep } from "node:timers/promises";

import type { ConformanceServer } from "../../../../test/conformance-harness.ts";
import { RealtimeCaller } from "../../../../test/realtime-caller.ts";
import { startRealtimeServer } from "../../../../test/realtime-server.ts";
import { describeTransport } from "../../../../test/transport-conformance.ts";

describeTransport("an OpenAI Realtime client on a WebSocket", {
  kind: "websocket",
  cannot: {
    "chosen-ids": "the server names sessions",
    "leave-before-start": "a session begins when its socket opens",
    "messages-to-handler": "the protocol has no free text; what a client types is a turn",
  },
  wait: (durationMs) => sleep(durationMs),
  async serve(options): Promise<ConformanceServer> {
    const server = await startRealtimeServer(options);
    const { stream, sockets, socketUrl } = server;
    return {
      get sessionCount() {
        return stream.sessionCount;
      },
      get heldResources() {
        return sockets.size;
      },
      connect: () => new RealtimeCaller(socketUrl).start(),
      knockAndLeave: () => Promise.reject(new Error("A session begins when its socket opens.")),
      setInput: (webrtcId, ...values) => stream.setInput(webrtcId, ...values),
      close: () => server.close(),
    };
  },
});
