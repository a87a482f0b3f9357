/** `fastrtc start`, with workers that are processes, and what goes between them. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { WorkerInfo } from "./support/cluster-app.ts";
import { FastrtcCli } from "./support/fastrtc-cli.ts";
import { freePort } from "./support/free-port.ts";
import { until } from "./support/until.ts";

const APP = fileURLToPath(new URL("./support/cluster-app.ts", import.meta.url));

const running: FastrtcCli[] = [];
const folders: string[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((cli) => cli.close()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function fastrtc(...args: readonly string[]): FastrtcCli {
  const cli = new FastrtcCli(args);
  running.push(cli);
  return cli;
}

/** Writes an application; returns its file. */
function appOf(source: string): string {
  const folder = mkdtempSync(join(tmpdir(), "fastrtc-start-"));
  folders.push(folder);
  const file = join(folder, "app.mjs");
  writeFileSync(file, source);
  return file;
}

async function ask<T = unknown>(port: number, command: string, argument: unknown = ""): Promise<T> {
  const text = typeof argument === "string" ? argument : JSON.stringify(argument);
  const query = new URLSearchParams({ argument: text });
  const response = await fetch(`http://127.0.0.1:${port}/${command}?${query}`);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as T;
}

function claim(webrtcId: string, presentedHash?: string): object {
  const tokenHash = `token-of-${webrtcId}`;
  return { webrtcId, tokenHash, presentedHash, mayReplace: false, createdAt: 1 };
}

/** Two workers of the test application. */
async function twoWorkers(...args: readonly string[]): Promise<{
  cli: FastrtcCli;
  sharedPort: number;
  first: WorkerInfo;
  second: WorkerInfo;
}> {
  const sharedPort = await freePort();
  const cli = fastrtc(
    "start",
    APP,
    "--workers",
    "2",
    ...args.slice(1),
    "--",
    `${sharedPort}`,
    ...args.slice(0, 1),
  );
  const [first, second] = await cli.waitForReports<WorkerInfo>(2);
  return { cli, sharedPort, first: first!, second: second! };
}

async function eventuallyHeard(worker: WorkerInfo, expected: readonly unknown[]): Promise<void> {
  await vi.waitFor(async () => expect(await ask(worker.port, "heard")).toEqual(expected), 10_000);
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("fastrtc start with two workers", () => {
  it("shares the port, the directory, the bus and the store", async () => {
    const { sharedPort, first, second } = await twoWorkers();
    const pids = await Promise.all(
      Array.from({ length: 10 }, () => ask<number>(sharedPort, "pid")),
    );
    expect(new Set(pids)).toEqual(new Set([first.pid, second.pid]));

    expect(await ask(first.port, "claim", claim("a"))).toEqual({ outcome: "claimed" });
    expect(await ask(second.port, "find", "a")).toMatchObject({ owner: first.node, isLive: true });
    expect(await ask(second.port, "claim", claim("a"))).toMatchObject({ outcome: "taken" });
    expect(await ask(second.port, "count")).toBe(1);

    await ask(first.port, "send", [second.node, "hello"]);
    await eventuallyHeard(second, [{ from: first.node, message: "hello" }]);

    await ask(first.port, "set", "1");
    expect(await ask(second.port, "get")).toBe("1");
  });

  it("forgets what a killed worker carried, goes on with the others, and starts it again", async () => {
    const { cli, sharedPort, first, second } = await twoWorkers();
    await ask(first.port, "claim", claim("a"));
    await ask(second.port, "claim", claim("b"));
    process.kill(first.pid, "SIGKILL");
    await eventuallyHeard(second, [{ gone: first.node }]);
    expect(await ask(second.port, "count")).toBe(1);
    expect(await ask(second.port, "find", "a")).toMatchObject({ owner: first.node, isLive: false });
    await expect(ask(second.port, "send", [first.node, "hello"])).rejects.toThrow("gone");
    expect(await ask(sharedPort, "pid")).toBe(second.pid);

    const third = (await cli.waitForReports<WorkerInfo>(3))[2]!;
    expect(third.pid).not.toBe(first.pid);
    // Its client comes back, to a worker that was not there before.
    expect(await ask(third.port, "claim", claim("a", "token-of-a"))).toEqual({
      outcome: "claimed",
      resumed: { createdAt: 1, owner: first.node },
    });
    expect(await ask(second.port, "find", "b")).toMatchObject({ isLive: true });
    expect(cli.errors).toContain("signal SIGKILL");
  });

  it("starts a worker again whose application throws", async () => {
    const { cli, first } = await twoWorkers();
    await ask(first.port, "throw");
    await cli.waitForReports<WorkerInfo>(3);
    expect(cli.errors).toContain("a bug of the application");
    expect(cli.errors).toContain("code 1");
  });

  it.each(["SIGTERM", "SIGINT"] as const)("drains all workers on %s, and ends", async (signal) => {
    const { cli, first, second } = await twoWorkers("1000", "--drain-seconds", "7");
    const begin = performance.now();
    cli.signal(signal);
    const reports = await cli.waitForReports<{ draining?: number; timeoutMs?: number }>(4);
    const draining = reports.filter((report) => report.draining !== undefined);
    expect(new Set(draining.map((report) => report.draining))).toEqual(
      new Set([first.pid, second.pid]),
    );
    expect(draining.map((report) => report.timeoutMs)).toEqual([7000, 7000]);
    expect(isAlive(first.pid)).toBe(true);
    expect(await cli.ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - begin).toBeGreaterThan(900);
    expect([isAlive(first.pid), isAlive(second.pid)]).toEqual([false, false]);
  });

  it("does not wait for a worker that does not end in time", async () => {
    const app = appOf(
      'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("{}");',
    );
    const cli = fastrtc("start", app, "--workers", "2", "--drain-seconds", "0");
    await cli.waitForReports(2);
    cli.signal("SIGTERM");
    expect(await cli.ended).toEqual({ code: 1, signal: null });
    expect(cli.errors).toContain("did not end in time");
  });

  it("ends its workers with it when it is killed", async () => {
    const { cli, first, second } = await twoWorkers();
    cli.signal("SIGKILL");
    await cli.ended;
    await until(() => !isAlive(first.pid) && !isAlive(second.pid));
  });

  it("ends with the reason when the application cannot be loaded", async () => {
    const app = appOf('throw new Error("no such database");');
    const cli = fastrtc("start", app, "--workers", "2");
    expect(await cli.ended).toEqual({ code: 1, signal: null });
    expect(cli.errors).toContain("The application does not start: no such database");
  });

  it("gives up when the application dies at every start", async () => {
    const app = appOf('setTimeout(() => process.exit(3), 50); console.log("{}");');
    const cli = fastrtc("start", app, "--workers", "2");
    expect(await cli.ended).toEqual({ code: 1, signal: null });
    expect(cli.reports().length).toBeGreaterThanOrEqual(5);
    expect(cli.errors).toMatch(/The application does not start: it ended with code 3/);
  });
});

describe("fastrtc start with one worker", () => {
  it("runs the application in its own process, and gives it its arguments", async () => {
    const app = appOf(
      "console.log(JSON.stringify({ pid: process.pid, args: process.argv.slice(2), worker: process.env.FASTRTC_WORKER ?? null }));",
    );
    const cli = fastrtc("start", app, "--", "--name", "x");
    expect(await cli.ended).toEqual({ code: 0, signal: null });
    expect(cli.reports()).toEqual([
      { pid: expect.any(Number) as number, args: ["--name", "x"], worker: null },
    ]);
  });

  it("drains on SIGTERM, and ends as the signal says", async () => {
    const module = new URL("../packages/fastrtc/src/http/drain-signals.ts", import.meta.url);
    const app = appOf(`
      import { drainOnSignals } from ${JSON.stringify(module.href)};
      const hold = setInterval(() => {}, 1000);
      drainOnSignals({ drain: async (timeoutMs) => console.log(JSON.stringify({ timeoutMs })) });
      console.log("{}");
    `);
    const cli = fastrtc("start", app, "--drain-seconds", "3");
    await cli.waitForReports(1);
    cli.signal("SIGTERM");
    expect(await cli.ended).toEqual({ code: null, signal: "SIGTERM" });
    expect(cli.reports()).toEqual([{}, { timeoutMs: 3000 }]);
  });

  it("ends with 1 when the application cannot be loaded", async () => {
    const cli = fastrtc("start", appOf('import "no-such-package";'));
    expect(await cli.ended).toEqual({ code: 1, signal: null });
    expect(cli.errors).toContain("no-such-package");
  });
});

describe("fastrtc called wrongly", () => {
  it.each([
    [[], "Give a command"],
    [["begin"], 'There is no command "begin"'],
    [["start", "no-such-file.js"], "There is no file"],
    [["start", APP, "--worker", "2"], "--worker"],
  ])("says what is wrong with %j and ends with 2", async (args, message) => {
    const cli = fastrtc(...args);
    expect(await cli.ended).toEqual({ code: 2, signal: null });
    expect(cli.errors).toContain(message);
    expect(cli.errors).not.toContain("    at ");
  });
});
