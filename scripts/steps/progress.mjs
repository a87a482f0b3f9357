/**
 * Runs the tools of a build one by one: a line when each starts, its output only if it fails.
 */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { endWithNpm, endWithUs } from "./signals.mjs";

/** The repository's root folder. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

const startedAt = Date.now();
const HEARTBEAT_MS = 10_000;

/**
 * Prints one line with the time since the script began.
 *
 * @param {string} text - What is happening.
 */
export function say(text) {
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1).padStart(5);
  console.log(`[${seconds} s] ${text}`);
}

/** A tool that ended with an error; its output has been printed. */
export class StepFailed extends Error {
  /**
   * @param {string} title - The step.
   * @param {string} reason - How it ended.
   */
  constructor(title, reason) {
    super(`${title}: ${reason}`);
  }
}

/**
 * Runs a program and keeps its output to itself unless it fails.
 *
 * @param {string} title - What the user reads.
 * @param {readonly string[]} command - The program and its arguments.
 * @param {{ env?: Record<string, string> }} [options] - Variables to add to the environment.
 * @returns {Promise<void>} Settles when the program has ended.
 * @throws {StepFailed} when the program fails or cannot be started.
 */
export async function step(title, command, options = {}) {
  say(title);
  const began = Date.now();
  const heartbeat = setInterval(() => {
    say(`  still at it after ${Math.round((Date.now() - began) / 1000)} s`);
  }, HEARTBEAT_MS);
  try {
    const { code, output } = await capture(command, { env: { ...process.env, ...options.env } });
    if (code !== 0) {
      console.error(output.trimEnd());
      throw new StepFailed(title, `\`${command.join(" ")}\` ended with ${code}`);
    }
  } finally {
    clearInterval(heartbeat);
  }
}

/**
 * Runs a program and returns what it printed.
 *
 * @param {readonly string[]} command - The program and its arguments.
 * @param {object} [options] - Where and with what it runs.
 * @param {string} [options.cwd] - The folder; the repository's root by default.
 * @param {NodeJS.ProcessEnv} [options.env] - The environment; this process's by default.
 * @returns {Promise<{ code: number | string, output: string }>} Exit code, or signal or error
 *   text, and both streams in order of arrival.
 */
export function capture([program = "", ...args], { env = process.env, cwd = root } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env });
    endWithUs(child);
    /** @type {Buffer[]} */
    const chunks = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    child.stderr.on("data", (chunk) => chunks.push(chunk));
    child.on("error", (error) => {
      resolve({ code: error.message, output: Buffer.concat(chunks).toString() });
    });
    child.on("close", (code, signal) => {
      resolve({ code: code ?? signal ?? "no code", output: Buffer.concat(chunks).toString() });
    });
  });
}

/**
 * Returns the command that runs npm, also on Windows and when no `npm` is on the path.
 *
 * @param {...string} args - npm's arguments.
 * @returns {string[]} The program and its arguments.
 */
export function npm(...args) {
  const script = process.env["npm_execpath"];
  return script?.endsWith("js") ? [process.execPath, script, ...args] : ["npm", ...args];
}

/**
 * Runs the body of a script; a failed step has been explained already and only sets the exit code.
 *
 * @param {() => Promise<void>} body - The script.
 */
export async function runScript(body) {
  endWithNpm();
  try {
    await body();
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    console.error(`\nFailed: ${error.message}`);
    process.exitCode = 1;
  }
}
