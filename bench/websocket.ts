/**
 * What a WebSocket session costs the server: CPU time and memory, mu-law in JSON beside binary PCM.
 *
 *   npm run bench -- websocket              tables, in some two minutes
 *   npm run bench -- websocket --quick      fewer and shorter measurements, to see that it runs
 *   npm run bench -- websocket --json       one JSON object
 *
 * Each measurement has a server process of its own; the callers are in this one. Every session is
 * full duplex, 50 messages a second each way: 48 kHz in, 24 kHz out, an echo. `mulaw` is FastRTC's
 * protocol, base64 in JSON; `pcm16` is negotiated, in binary messages.
 *
 * - `rssMbPerSession`: growth since before the first session, divided; with one session it is mostly
 *   compiled code and heap that the first session needs.
 * - `loopDelayMsP99`: how late a timer of 10 ms was.
 * - `missingShare`: messages that did not come back within the window.
 */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpus, loadavg, release } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { fetchUsage } from "./echo/server-usage.ts";
import { Crowd } from "./websocket/crowd.ts";
import type { Encoding } from "./websocket/crowd.ts";

/** The server with a number of sessions. */
interface LoadRow {
  readonly encoding: Encoding;
  readonly sessions: number;
  readonly cpuMsPerSessionSecond: number;
  readonly rssMbPerSession: number;
  readonly loopDelayMsP99: number;
  readonly missingShare: number;
}

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
  },
});

const PLAN = options.quick
  ? { sessions: [1, 10], warmUpMs: 1_000, windowMs: 2_000 }
  : { sessions: [1, 50, 200], warmUpMs: 5_000, windowMs: 10_000 };
/** A lone caller takes longer to warm a server up: compilers count messages, not seconds. */
const LONE_WARM_UP_MS = options.quick ? 1_000 : 15_000;

const root = path.join(import.meta.dirname, "..");
build();
const loadBefore = loadavg()[0] ?? NaN;
const rows: LoadRow[] = [];
for (const sessions of PLAN.sessions) {
  for (const encoding of ["mulaw", "pcm16"] as const) {
    console.error(`${encoding}: ${sessions} sessions`);
    rows.push(await measure(encoding, sessions));
  }
}
const machine = {
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  system: `${process.platform} ${release()}`,
  node: process.version,
  commit: commit(),
  loadAverageBefore: loadBefore,
  loadAverageAfter: loadavg()[0] ?? NaN,
};
if (options.json) console.log(JSON.stringify({ rows, machine }));
else {
  console.table(rows);
  console.log(machine);
}

async function measure(encoding: Encoding, sessions: number): Promise<LoadRow> {
  const script = path.join(import.meta.dirname, "echo/our-server.mjs");
  const server = spawn(process.execPath, [script, "echo"], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(server, "close");
  try {
    const [line] = (await once(server.stdout, "data")) as [Buffer];
    const url = line.toString().trim();
    const before = await fetchUsage(url);
    const crowd = await Crowd.gather(
      `${url.replace("http", "ws")}/websocket/offer`,
      encoding,
      sessions,
    );
    await sleep(sessions === 1 ? LONE_WARM_UP_MS : PLAN.warmUpMs);
    const begin = await fetchUsage(url);
    const beginAt = performance.now();
    const endCount = crowd.beginCount();
    await sleep(PLAN.windowMs);
    const missingShare = endCount();
    const end = await fetchUsage(url);
    const seconds = (performance.now() - beginAt) / 1000;
    crowd.leave();
    return {
      encoding,
      sessions,
      cpuMsPerSessionSecond: round((end.cpuMs - begin.cpuMs) / seconds / sessions),
      rssMbPerSession: round((end.rssBytes - before.rssBytes) / 1e6 / sessions),
      loopDelayMsP99: round(end.loopDelayMsP99),
      missingShare,
    };
  } finally {
    server.stdin.end();
    await ended;
  }
}

// What is measured is what users run: compiled, and of the sources as they are.
function build(): void {
  const script = path.join(root, "scripts/build.mjs");
  const { status } = spawnSync(process.execPath, [script, "packages"], { stdio: [0, 2, 2] });
  if (status !== 0) console.error("The build has errors; measured is what it made nevertheless.");
}

function commit(): string {
  const git = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" });
  return git.stdout.trim();
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
