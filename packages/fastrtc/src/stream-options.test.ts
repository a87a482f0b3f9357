import { describe, expect, it } from "vitest";

import { InvalidOptionError } from "./errors.ts";
import { ReplyOnPause } from "./handler/reply-on-pause.ts";
import { checkStreamOptions } from "./stream-options.ts";
import type { StreamOptions } from "./stream-options.ts";
import { createEnergyVad } from "./turn/energy.ts";

const reply = function* (): Generator<undefined> {
  yield undefined;
};
const handler = new ReplyOnPause(reply, { model: createEnergyVad });
const good: StreamOptions = { handler, modality: "audio" };

describe("checkStreamOptions", () => {
  it("has no limits unless they are given, and one means one", () => {
    expect(checkStreamOptions(good)).toMatchObject({
      mode: "send-receive",
      concurrencyLimit: Infinity,
      timeLimit: Infinity,
    });
    expect(checkStreamOptions({ ...good, concurrencyLimit: null }).concurrencyLimit).toBe(Infinity);
    expect(checkStreamOptions({ ...good, concurrencyLimit: 1 }).concurrencyLimit).toBe(1);
  });

  it("takes a plain generator function where the caller only listens", () => {
    const checked = checkStreamOptions({ handler: reply, modality: "audio", mode: "receive" });
    expect(checked.handler.outputSampleRate).toBe(24_000);
  });

  it.each<[string, unknown, string]>([
    ["modality", { ...good, modality: "video" }, '"audio"'],
    ["mode", { ...good, mode: "both" }, "send-receive"],
    ["handler", { ...good, handler: reply }, "new ReplyOnPause"],
    ["handler", { ...good, handler: {} }, "StreamHandler"],
    ["concurrencyLimit", { ...good, concurrencyLimit: 0 }, "above 0"],
    ["concurrencyLimit", { ...good, concurrencyLimit: 1.5 }, "whole number"],
    ["timeLimit", { ...good, timeLimit: "60" }, "seconds"],
    ["concurrency_limit", { ...good, concurrency_limit: 3 }, "concurrencyLimit"],
    ["advanced.portRange", { ...good, advanced: { portRange: [9, 5] } }, "[50000, 50999]"],
    ["options", null, "handler and modality"],
  ])("refuses a wrong %s and names the remedy", (option, options, remedy) => {
    const check = (): unknown => checkStreamOptions(options as StreamOptions);
    expect(check).toThrow(InvalidOptionError);
    expect(check).toThrow(option);
    expect(check).toThrow(remedy);
  });
});
