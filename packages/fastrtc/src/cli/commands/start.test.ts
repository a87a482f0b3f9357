import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { UsageError } from "../command.ts";
import { parseStart } from "./start.ts";

const APP = fileURLToPath(import.meta.url);

describe("the arguments of fastrtc start", () => {
  it("are a file, and otherwise have defaults", () => {
    expect(parseStart([APP])).toEqual({ file: APP, appArgs: [], workers: 1, drainSeconds: 30 });
  });

  it("name the workers and the time to drain", () => {
    const options = { file: APP, appArgs: [] };
    expect(parseStart(["--workers", "4", APP, "--drain-seconds=0"])).toEqual({
      ...options,
      workers: 4,
      drainSeconds: 0,
    });
    expect(parseStart([APP, "--workers", "auto"]).workers).toBe(availableParallelism());
  });

  it("pass on to the application what stands behind --", () => {
    expect(parseStart([APP, "--", "--workers", "x"]).appArgs).toEqual(["--workers", "x"]);
  });

  it("take a file as seen from the working directory", () => {
    expect(parseStart(["package.json"]).file).toBe(resolve("package.json"));
  });

  it.each([
    [[], "Give the application's file."],
    [["no-such-file.js"], "There is no file"],
    [["."], "There is no file"],
    [[APP, "extra"], 'stands after "--"'],
    [[APP, "--workers", "0"], 'from 1 to 256, or "auto"'],
    [[APP, "--workers", "1.5"], "--workers"],
    [[APP, "--workers", "1e2"], "--workers"],
    [[APP, "--workers", ""], "--workers"],
    [[APP, "--workers", "257"], "--workers"],
    [[APP, "--drain-seconds", "-1"], "--drain-seconds"],
    [[APP, "--drain-seconds=-1"], "from 0 to 86400"],
    [[APP, "--drain-seconds=Infinity"], "from 0 to 86400"],
  ])("are refused when they are %j", (args, message) => {
    expect(() => parseStart(args)).toThrow(message);
  });

  it("are refused with an error that is the user's", () => {
    expect(() => parseStart([])).toThrow(UsageError);
  });
});
