import { setTimeout as sleep } from "node:timers/promises";

import type { Carrier } from "../src/transport/telephone/carrier.ts";
import type { CarrierCaller } from "./carrier-calls.ts";
import { CarrierServer } from "./carrier-server.ts";
import { ConformanceRefusal } from "./conformance-harness.ts";
import type { ConformanceClient, ConformanceHarness } from "./conformance-harness.ts";

/** How long a call may take to become a session, in milliseconds. */
const START_MS = 3000;

/** One carrier under test. */
export interface PhoneUnderTest {
  readonly carrier: () => Carrier;
  /** Calls, and returns the caller before the start; or the status with which it was refused. */
  readonly call: (server: CarrierServer, streamId?: string) => Promise<CarrierCaller | number>;
}

/** Lets the conformance suite call as Twilio and Telnyx do, which name the call's stream. */
export function phoneHarness({ carrier, call }: PhoneUnderTest): ConformanceHarness {
  return {
    kind: "telephone",
    cannot: {
      "messages-to-client": "a telephone shows none",
      "messages-to-handler": "a telephone sends none",
      "refusal-reasons": "a telephone is only hung up",
    },
    wait: (durationMs) => sleep(durationMs),
    serve: async ({ handler, ...stream }) => {
      const server = await CarrierServer.start({ handler, stream, carrier: carrier() });
      return {
        get sessionCount() {
          return server.sessionCount;
        },
        get heldResources() {
          return server.heldResources;
        },
        connect: async (webrtcId) => clientOf(await begin(server, await call(server, webrtcId))),
        knockAndLeave: async () => {
          const caller = await call(server);
          if (typeof caller === "number") throw new Error(`Refused with ${caller}.`);
          caller.vanish();
        },
        setInput: async (webrtcId, ...values) => {
          server.setInput(webrtcId, values);
          await Promise.resolve();
        },
        close: () => server.close(),
      };
    },
  };
}

/** Starts a call and waits until it is a session. */
export async function begin(
  server: CarrierServer,
  caller: CarrierCaller | number,
): Promise<CarrierCaller> {
  if (typeof caller === "number") throw new ConformanceRefusal();
  const before = server.contexts().length;
  caller.standIn.start();
  for (let waited = 0; waited < START_MS && !caller.isClosed; waited += 10) {
    const isHere = server.contexts().some(({ webrtcId }) => webrtcId === caller.streamId);
    // A refused one is closed within a round trip; the stream's own session may live already.
    if (isHere && (server.contexts().length > before || waited > 200)) return caller;
    await sleep(10);
  }
  throw new ConformanceRefusal();
}

function clientOf(caller: CarrierCaller): ConformanceClient {
  return {
    webrtcId: caller.streamId,
    sampleRate: caller.sampleRate,
    heard: () => caller.standIn.heard(),
    get flushes() {
      return caller.standIn.flushes;
    },
    messages: [],
    get isClosed() {
      return caller.isClosed;
    },
    say: (samples) => caller.say(samples),
    sendText: () => undefined,
    hangUp: () => {
      caller.hangUp();
    },
    vanish: () => {
      caller.vanish();
    },
  };
}
