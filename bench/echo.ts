/**
 * What a call costs the server, and how long its sound is under way: ours beside aiortc.
 *
 *   npm run bench -- echo                   tables, in some three minutes
 *   npm run bench -- echo --quick           fewer and shorter measurements, to see that it runs
 *   npm run bench -- echo --json            one JSON object
 *   npm run bench -- echo --cpu-prof=DIR    CPU profiles of our servers, one for each measurement
 *
 * Each measurement has a server process of its own and a load process of its own on this machine,
 * and our server and aiortc's take turns, so that a noisy machine hurts both alike. Every session is
 * full duplex, 50 packets a second each way; the server decodes what comes and encodes what goes.
 *
 * - Round trip: from the packet that a tone begins in, on its way to the server, to the packet that
 *   it begins in when it comes back, counted from where in the packets it begins; to about 1 ms. The
 *   network is loopback, so this is what the server adds.
 * - `missingShare`: packets that did not come back. One per session is the window's edge.
 * - `rssMbPerSession`: growth since before the first session, divided; with one session it is mostly
 *   compiled code and heap that the first session needs.
 * - `loopDelayMsP99`: how late a timer of 10 ms was.
 *
 * aiortc is Debian's `python3-aiortc`; without it only ours is measured.
 */

import { spawnSync } from "node:child_process";
import { cpus, loadavg, release } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import type { EchoJob } from "./echo/load-job.ts";
import { measure } from "./echo/measure.ts";
import type { Command } from "./echo/measure.ts";
import { printReport, reportOf } from "./echo/report.ts";
import type { EchoReport, ServerReport } from "./echo/report.ts";

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    "cpu-prof": { type: "string" },
  },
});

const PLAN = options.quick
  ? { opens: 6, toneSessions: 3, sessions: [1, 10], warmUpMs: 1000, packets: 50, windowMs: 2500 }
  : {
      opens: 40,
      toneSessions: 6,
      sessions: [1, 10, 30],
      warmUpMs: 3000,
      packets: 1000,
      windowMs: 9000,
    };

const root = path.join(import.meta.dirname, "..");
const loadBefore = loadavg()[0] ?? NaN;
build();
const python = findAiortc();
if (!python) console.error("python3-aiortc is not installed: only our own server is measured.");

const [ours, aiortc] = await inTurns([
  measureServer("ours", ourServer("echo"), ourServer("reply-on-pause")),
  ...(python ? [measureServer("aiortc", aiortcServer(python))] : []),
]);
if (!ours) throw new Error("nothing was measured");
const report: EchoReport = { ours, ...(aiortc && { aiortc }), machine: machine() };
if (options.json) console.log(JSON.stringify(report));
else printReport(report);

/** Measures one server, and yields between two measurements. */
async function* measureServer(
  name: string,
  echoServer: Command,
  listeningServer?: Command,
): AsyncGenerator<undefined, ServerReport, undefined> {
  const say = (what: string): void => console.error(`${name}: ${what}`);
  say(`${PLAN.opens} calls, one after the other`);
  const opens = await measure(echoServer, { kind: "opens", count: PLAN.opens });
  yield;
  say("round trip");
  const tones = await measure(echoServer, echoJob(PLAN.toneSessions, "tones"));
  yield;
  const load = [];
  for (const sessions of PLAN.sessions) {
    say(`${sessions} sessions`);
    load.push({ sessions, result: await measure(echoServer, echoJob(sessions, "speech")) });
    yield;
  }
  if (!listeningServer) return reportOf({ opens, tones, load });
  say("listening to silence");
  return reportOf({ opens, tones, load, idle: await measure(listeningServer, echoJob(1, "hiss")) });
}

/** Lets each go one step further, again and again, and returns what they return. */
async function inTurns<T>(runs: readonly AsyncGenerator<unknown, T>[]): Promise<T[]> {
  const results: T[] = [];
  while (results.filter((result) => result !== undefined).length < runs.length) {
    for (const [i, run] of runs.entries()) {
      const step = await run.next();
      if (step.done === true && results[i] === undefined) results[i] = step.value;
    }
  }
  return results;
}

function echoJob(sessions: number, sound: EchoJob["sound"]): EchoJob {
  const { packets, windowMs } = PLAN;
  // One caller alone takes longer to warm a server up: compilers count packets, not seconds.
  const warmUpMs = Math.max(PLAN.warmUpMs, (packets * 20) / sessions);
  return { kind: "echo", sessions, sound, warmUpMs, windowMs };
}

function ourServer(handler: "echo" | "reply-on-pause"): Command {
  const directory = options["cpu-prof"];
  const flags = directory ? ["--cpu-prof", `--cpu-prof-dir=${path.resolve(directory)}`] : [];
  const script = path.join(import.meta.dirname, "echo/our-server.mjs");
  return [process.execPath, ...flags, script, handler];
}

function aiortcServer(interpreter: string): Command {
  return [interpreter, path.join(import.meta.dirname, "echo/aiortc-server.py")];
}

function findAiortc(): string | undefined {
  // Debian's package belongs to Debian's Python, which need not be the first in the path.
  return ["python3", "/usr/bin/python3"].find(
    (candidate) => spawnSync(candidate, ["-c", "import aiortc"]).status === 0,
  );
}

// What is measured is what users run: compiled, and of the sources as they are.
function build(): void {
  const script = path.join(root, "scripts/build.mjs");
  const { status } = spawnSync(process.execPath, [script, "packages"], { stdio: [0, 2, 2] });
  if (status !== 0) console.error("The build has errors; measured is what it made nevertheless.");
}

function machine(): EchoReport["machine"] {
  const git = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" });
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    system: `${process.platform} ${release()}`,
    node: process.version,
    commit: git.stdout.trim(),
    loadAverageBefore: loadBefore,
    loadAverageAfter: loadavg()[0] ?? NaN,
  };
}
