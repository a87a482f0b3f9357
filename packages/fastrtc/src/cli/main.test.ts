import { describe, expect, it } from "vitest";
import { createRequire } from "node:module";
import { main } from "./main.ts";

async function run(...args: readonly string[]): Promise<{
  exitCode: number | undefined;
  out: string;
  err: string;
}> {
  let out = "";
  let err = "";
  const exitCode = await main(args, { out: (text) => (out += text), err: (text) => (err += text) });
  return { exitCode, out, err };
}

describe("fastrtc", () => {
  it.each(["--help", "-h", "help"])("shows its commands with %s", async (option) => {
    const { exitCode, out, err } = await run(option);
    expect(exitCode).toBe(0);
    expect(out).toContain("Usage: fastrtc <command>");
    expect(out).toMatch(/^ {2}start +runs an application/m);
    expect(err).toBe("");
  });

  it.each(["--version", "-v"])("shows the package's version with %s", async (option) => {
    const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };
    expect(await run(option)).toEqual({ exitCode: 0, out: `${version}\n`, err: "" });
  });

  it("shows what a command takes", async () => {
    const { exitCode, out } = await run("start", "--workers", "2", "--help");
    expect(exitCode).toBe(0);
    expect(out).toContain("--drain-seconds");
  });

  it("leaves a --help behind -- to the application", async () => {
    const { exitCode, err } = await run("start", "no-such-file.js", "--", "--help");
    expect(exitCode).toBe(2);
    expect(err).toContain("There is no file");
  });

  it.each([
    [[], "Give a command", "fastrtc --help"],
    [["begin"], 'There is no command "begin".', "fastrtc --help"],
    [["__proto__"], 'There is no command "__proto__".', "fastrtc --help"],
    [["--verbose"], 'There is no option "--verbose".', "fastrtc --help"],
    [["start"], "Give the application's file.", "fastrtc start --help"],
    [["start", "--port", "1"], "--port", "fastrtc start --help"],
  ])("says what is wrong with %j, where help is, and returns 2", async (args, message, help) => {
    const { exitCode, out, err } = await run(...args);
    expect(exitCode).toBe(2);
    expect(err).toContain(message);
    expect(err).toContain(`Try "${help}".`);
    expect(out).toBe("");
  });
});
