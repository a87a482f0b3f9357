/** Callers with a telephone: behind a stand-in for Twilio, and behind one for Asterisk. */

import { AudioSocketCaller } from "../../packages/fastrtc/test/audiosocket-caller.ts";
import { callOverTwilio } from "../../packages/fastrtc/test/carrier-calls.ts";
import type { CarrierCaller, TwilioCall } from "../../packages/fastrtc/test/carrier-calls.ts";
import { until } from "../support/until.ts";
import type { Caller } from "./caller.ts";
import { Line } from "./line.ts";

/** A caller whose carrier can be looked at. */
export interface TwilioCaller extends Caller {
  readonly carrier: CarrierCaller;
}

/** Calls as Twilio does: a signed webhook, and a signed socket to where its answer says. */
export async function callByTwilio(call: TwilioCall): Promise<TwilioCaller> {
  const carrier = await callOverTwilio(call);
  if (typeof carrier === "number") throw new Error(`The call was refused with ${carrier}.`);
  const { standIn } = carrier;
  standIn.start();
  const line = new Line({
    sendRate: carrier.sampleRate,
    send: (frame) => {
      if (!carrier.isClosed) standIn.sendFrame(frame);
    },
    playRate: carrier.sampleRate,
    heard: () => standIn.heard(),
  });
  return {
    carrier,
    say: (sound) => line.say(sound),
    played: (sinceMs) => line.played(sinceMs),
    heard: (sinceMs) => line.heard(sinceMs),
    flushes: () => Promise.resolve(standIn.flushes),
    hangUp: async () => {
      line.close();
      carrier.hangUp();
      await until(() => carrier.isClosed);
    },
  };
}

/** Calls as Asterisk's `AudioSocket()` does. */
export async function callByAudioSocket(port: number, uuid: string): Promise<Caller> {
  const caller = await AudioSocketCaller.call({ port, uuid });
  // Its own line is alive; this one listens.
  const line = new Line({
    sendRate: caller.sampleRate,
    playRate: caller.sampleRate,
    heard: () => caller.playout.heard(),
  });
  return {
    say: async (sound) => {
      const startMs = performance.now();
      await caller.say(sound.resample(caller.sampleRate).samples);
      return startMs;
    },
    played: (sinceMs) => line.played(sinceMs),
    heard: (sinceMs) => line.heard(sinceMs),
    // AudioSocket has no word for it: nothing is sent before its time.
    flushes: () => Promise.resolve(undefined),
    hangUp: async () => {
      line.close();
      caller.hangUp();
      await until(() => caller.isClosed);
    },
  };
}
