import { describe, expect, it } from "vitest";

import { WebRTCError } from "../errors.ts";
import { silentLogger } from "../observe/logger.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { ErrorReport } from "./error-report.ts";

function reporter(): {
  report: ErrorReport;
  told: string[];
  logged: unknown[];
  clock: ManualClock;
} {
  const told: string[] = [];
  const logged: unknown[] = [];
  const clock = new ManualClock();
  const logger = { ...silentLogger, error: (_: string, fields?: object) => logged.push(fields) };
  return {
    report: new ErrorReport("a", logger, clock, (text) => told.push(text)),
    told,
    logged,
    clock,
  };
}

describe("ErrorReport", () => {
  it("logs the error whole, and tells the client a fixed text", () => {
    const { report, told, logged } = reporter();
    const cause = new Error("password is hunter2");
    report.report(cause);
    expect(logged).toMatchObject([{ webrtcId: "a", error: { name: "HandlerError", cause } }]);
    expect(told).toHaveLength(1);
    expect(told[0]).not.toContain("hunter2");
  });

  it("tells the client what was written for it", () => {
    const { report, told } = reporter();
    report.report(new WebRTCError("No credits left."));
    expect(told).toEqual(["No credits left."]);
  });

  it("reports a handler that throws at every frame once a second, and counts the rest", () => {
    const { report, told, logged, clock } = reporter();
    for (let i = 0; i <= 50; i++) {
      report.report(new Error("again"));
      clock.advance(20);
    }
    expect(told).toHaveLength(2);
    expect(logged.at(-1)).toMatchObject({ suppressed: 49 });
  });
});
