/**
 * Sees to it that no process outlives the command that the user ended.
 */

import { readFileSync } from "node:fs";

/** @import { ChildProcess } from "node:child_process" */

const PARENT_POLL_MS = 100;

/** @type {Set<ChildProcess>} */
const running = new Set();
/** @type {Record<string, number>} */
const SIGNALS = { SIGINT: 2, SIGTERM: 15 };

/** @param {NodeJS.Signals} signal - What we were sent. */
function passOn(signal) {
  for (const child of running) child.kill(signal);
  process.exit(128 + (SIGNALS[signal] ?? 0));
}

/**
 * Ends a child when this process is told to end. Listens only while there are children, so that an
 * application which runs later in this process has its signals to itself.
 *
 * @param {ChildProcess} child - A program that was just started.
 */
export function endWithUs(child) {
  if (running.size === 0) for (const name of Object.keys(SIGNALS)) process.on(name, passOn);
  running.add(child);
  child.once("close", () => {
    running.delete(child);
    if (running.size === 0) for (const name of Object.keys(SIGNALS)) process.off(name, passOn);
  });
}

/**
 * Ends this process when npm is gone that started it.
 *
 * npm puts a shell between itself and a script. That shell dies of a SIGTERM without passing it
 * on, and outlives an npm that is killed: without this, the server would stay on its port.
 */
export function endWithNpm() {
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const before = lineage();
  const timer = setInterval(() => {
    if (lineage() === before) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, PARENT_POLL_MS);
  timer.unref();
}

/** @returns {string} The ids of the shell that started us and, on Linux, of its own parent: npm. */
function lineage() {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, "utf8");
    // "pid (name) state parent …"; the name may hold spaces and brackets.
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(")") + 1).split(" ")[2]}`;
  } catch {
    return String(process.ppid);
  }
}
