import { describe, expect, it } from "vitest";

import { TimeoutError } from "../errors.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { SessionOutputs } from "./outputs.ts";

async function readAll(outputs: SessionOutputs, signal?: AbortSignal): Promise<unknown[]> {
  const read: unknown[] = [];
  for await (const [first] of outputs.subscribe(signal)) read.push(first);
  return read;
}

describe("SessionOutputs", () => {
  it("gives the first reader what was said before it came, and later readers what comes", async () => {
    const outputs = new SessionOutputs();
    outputs.push(["early"]);
    const first = readAll(outputs);
    const second = readAll(outputs);
    outputs.push(["late"]);
    outputs.close();
    expect(await first).toEqual(["early", "late"]);
    expect(await second).toEqual(["late"]);
  });

  it("drops a slow reader's oldest values beyond the bound", async () => {
    const outputs = new SessionOutputs();
    const reader = outputs.subscribe();
    for (let i = 0; i < 300; i++) outputs.push([i]);
    expect((await reader.next()).value).toEqual([300 - 256]);
  });

  it("ends a reader whose signal aborts while it waits", async () => {
    const outputs = new SessionOutputs();
    const controller = new AbortController();
    const reading = readAll(outputs, controller.signal);
    await Promise.resolve();
    controller.abort();
    expect(await reading).toEqual([]);
  });

  it("ends at once for whoever comes after the end", async () => {
    const outputs = new SessionOutputs();
    outputs.close();
    expect(await readAll(outputs)).toEqual([]);
  });

  it("ends a waiting reader that returns", async () => {
    const outputs = new SessionOutputs();
    const reader = outputs.subscribe();
    const waiting = reader.next();
    await reader.return?.();
    expect((await waiting).done).toBe(true);
  });

  it("says when nothing came in time", async () => {
    const clock = new ManualClock();
    const outputs = new SessionOutputs();
    const next = outputs.next(clock, 10_000);
    const refused = expect(next).rejects.toBeInstanceOf(TimeoutError);
    await clock.advanceAsync(10_000);
    await refused;
    expect(clock.pendingTimers).toBe(0);
  });
});
