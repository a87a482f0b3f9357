import { expect, test } from "vitest";
import { ConnectionStatsReader } from "./connection-stats.ts";

const report = (...stats: Record<string, unknown>[]): RTCStatsReport =>
  new Map(stats.map((entry) => [entry["id"], entry])) as unknown as RTCStatsReport;

test("reads the round trip of the pair in use, as Chromium and as Firefox mark it", () => {
  const unused = { id: "p1", type: "candidate-pair", currentRoundTripTime: 9 };
  const used = { id: "p2", type: "candidate-pair", currentRoundTripTime: 0.012 };
  const transport = { id: "t", type: "transport", selectedCandidatePairId: "p2" };
  const reader = new ConnectionStatsReader();
  expect(reader.read(report(unused, used, transport)).roundTripMs).toBe(12);
  expect(reader.read(report(unused, { ...used, selected: true })).roundTripMs).toBe(12);
  expect(reader.read(report(unused)).roundTripMs).toBeUndefined();
});

test("tells loss and jitter buffer of the time since the last reading", () => {
  const inbound = (received: number, lost: number, delay: number, emitted: number) =>
    report({
      id: "i",
      type: "inbound-rtp",
      kind: "audio",
      packetsReceived: received,
      packetsLost: lost,
      jitterBufferDelay: delay,
      jitterBufferEmittedCount: emitted,
    });
  const reader = new ConnectionStatsReader();
  reader.read(inbound(90, 10, 1, 100));
  const stats = reader.read(inbound(165, 35, 5, 200));
  expect(stats.inboundLossShare).toBe(0.25);
  expect(stats.jitterBufferMs).toBe(40);
  expect(reader.read(inbound(165, 35, 5, 200))).toMatchObject({
    inboundLossShare: undefined,
    jitterBufferMs: undefined,
  });
});
