import { describe, expect, it } from "vitest";

import { MemoryServer, settle } from "../../../test/memory-server.ts";

const early = {
  type: "ice-candidate",
  webrtc_id: "a",
  session_token: "made up",
  candidate: { candidate: "", sdpMid: "0", sdpMLineIndex: 0 },
} as const;

describe("a candidate that no offer has come for", () => {
  it("waits for it where everybody may come in", async () => {
    const server = new MemoryServer();
    const adding = server.sessions.operations.addCandidate(early);
    const refused = expect(adding).rejects.toMatchObject({ reason: "unknown_connection" });
    await settle();
    expect(server.clock.pendingTimers).toBe(1);
    for (let look = 0; look < 8; look++) {
      await server.clock.advanceAsync(250);
      await settle();
    }
    await refused;
    expect(server.clock.pendingTimers).toBe(0);
  });

  it("is refused at once where callers are authenticated, for a token comes with an answer", async () => {
    const server = new MemoryServer({ authenticate: () => "ada" });
    const adding = server.sessions.operations.addCandidate(early);
    await expect(adding).rejects.toMatchObject({ reason: "unknown_connection" });
  });
});
