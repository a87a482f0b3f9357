import { describe, expect, it } from "vitest";

import { NegotiationError, TimeoutError, TransportError } from "../../errors.ts";
import { silentLogger } from "../../observe/logger.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { RemoteCalls } from "../backplane/remote-calls.ts";
import { RemoteSessions } from "./remote-sessions.ts";

const CALL_TIMEOUT_MS = 1_000;

function sessionsOf(send: () => Promise<void>): { sessions: RemoteSessions; clock: ManualClock } {
  const clock = new ManualClock();
  const service = {
    answer: () => Promise.reject(new Error("unexpected")),
    open: () => Promise.reject(new Error("unexpected")),
  };
  const options = { service, clock, logger: silentLogger, timeoutMs: CALL_TIMEOUT_MS };
  const calls = new RemoteCalls({ node: { send }, ...options });
  return { sessions: new RemoteSessions(calls, "owner"), clock };
}

describe("RemoteSessions", () => {
  const gone = new TransportError("gone");

  it("refuses for now what a process out of reach is asked", async () => {
    const { sessions } = sessionsOf(() => Promise.reject(gone));
    for (const asking of [
      sessions.send("a", 1),
      sessions.setInputs("a", {}, "application"),
      sessions.outputs("a", "application", undefined),
      sessions.describe("a"),
    ]) {
      const error: unknown = await asking.catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(NegotiationError);
      expect(error).toMatchObject({ reason: "unavailable", status: 503, cause: gone });
    }
  });

  it("shows whoever passes an offer on that the process is out of reach", async () => {
    const { sessions } = sessionsOf(() => Promise.reject(gone));
    const body = { type: "offer", webrtc_id: "a", sdp: "v=0" } as const;
    const arrival = { request: new Request("http://test/"), transport: "webrtc" } as const;
    const offer = sessions.offer({ body, arrival, localAddress: undefined });
    await expect(offer).rejects.toBe(gone);
  });

  it("refuses for now what a process that is silent is asked", async () => {
    const { sessions, clock } = sessionsOf(() => Promise.resolve());
    const asking = expect(sessions.send("a", 1)).rejects.toMatchObject({
      reason: "unavailable",
      status: 503,
      cause: expect.any(TimeoutError) as TimeoutError,
    });
    await clock.advanceAsync(CALL_TIMEOUT_MS);
    await asking;
  });

  it("says of an output that none came in time, whichever process has waited", async () => {
    const { sessions, clock } = sessionsOf(() => Promise.resolve());
    const asking = expect(sessions.nextOutput("a", CALL_TIMEOUT_MS)).rejects.toThrow(TimeoutError);
    await clock.advanceAsync(CALL_TIMEOUT_MS);
    await asking;
  });
});
