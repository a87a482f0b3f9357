import { setTimeout as sleep } from "node:timers/promises";

import type { Carrier } from "../src/transport/telephone/carrier.ts";
import { CarrierServer } from "./carrier-server.ts";
import type { CarrierServerOptions } from "./carrier-server.ts";
import { ConformanceRefusal } from "./conformance-harness.ts";
import type {
  ConformanceAbility,
  ConformanceClient,
  ConformanceHarness,
  ConformanceServer,
} from "./conformance-harness.ts";
import type { StandInCaller } from "./real-time-playout.ts";

/** How long a call may take to become a session, in milliseconds. */
const START_MS = 3000;

/** One carrier under test. */
export interface CarrierUnderTest {
  readonly carrier?: Carrier;
  readonly audioSocket?: CarrierServerOptions["audioSocket"];
  /** What it cannot do besides what no telephone can. */
  readonly cannot?: Partial<Record<ConformanceAbility, string>>;
  /**
   * Calls.
   *
   * @param isMute - Whether the message that begins the call is left out.
   * @returns the status with which the call was refused, where it was.
   */
  call(server: CarrierServer, isMute: boolean): Promise<StandInCaller | number>;
}

/** Lets the conformance suite call over a carrier. */
export function carrierHarness(underTest: CarrierUnderTest): ConformanceHarness {
  return {
    kind: "telephone",
    cannot: {
      "messages-to-client": "a telephone shows none",
      "messages-to-handler": "a telephone sends none",
      "chosen-ids": "the carrier names the call",
      "refusal-reasons": "a telephone is only hung up",
      ...underTest.cannot,
    },
    wait: async (durationMs) => {
      await sleep(durationMs);
    },
    serve: async ({ handler, ...stream }) => {
      const { carrier, audioSocket } = underTest;
      const server = await CarrierServer.start({
        handler,
        stream,
        ...(carrier ? { carrier } : {}),
        ...(audioSocket ? { audioSocket } : {}),
      });
      return serverOf(server, underTest);
    },
  };
}

function serverOf(server: CarrierServer, underTest: CarrierUnderTest): ConformanceServer {
  return {
    get sessionCount() {
      return server.sessionCount;
    },
    get heldResources() {
      return server.heldResources;
    },
    connect: async () => clientOf(await connected(server, await underTest.call(server, false))),
    knockAndLeave: async () => {
      const caller = await underTest.call(server, true);
      if (typeof caller === "number") throw new Error(`Refused with ${caller}.`);
      caller.hangUp();
    },
    setInput: (webrtcId, ...values) => {
      server.setInput(webrtcId, values);
      return Promise.resolve();
    },
    close: () => server.close(),
  };
}

/** Waits until a call is a session. */
export async function connected(
  server: CarrierServer,
  caller: StandInCaller | number,
): Promise<StandInCaller> {
  if (typeof caller === "number") throw new ConformanceRefusal();
  for (let waited = 0; waited < START_MS && !caller.isClosed; waited += 10) {
    if (server.contexts().some(({ webrtcId }) => webrtcId === caller.sessionId)) return caller;
    await sleep(10);
  }
  throw new ConformanceRefusal();
}

function clientOf(caller: StandInCaller): ConformanceClient {
  return {
    webrtcId: caller.sessionId,
    sampleRate: caller.sampleRate,
    heard: () => caller.playout.heard(),
    get flushes() {
      return caller.flushes;
    },
    messages: [],
    get isClosed() {
      return caller.isClosed;
    },
    say: (samples) => caller.say(samples),
    sendText: () => undefined,
    hangUp: () => caller.hangUp(),
    vanish: () => caller.vanish(),
  };
}
