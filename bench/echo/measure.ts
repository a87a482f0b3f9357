/** One measurement of the echo bench: a server process, a load process, and what the load saw. */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { text } from "node:stream/consumers";
import type { EchoJob, EchoResult, OpensJob, OpensResult } from "./load-job.ts";

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/**
 * Starts a server, has a job done with it, and ends it.
 *
 * @throws when either process fails.
 */
export async function measure(server: Command, job: OpensJob): Promise<OpensResult>;
export async function measure(server: Command, job: EchoJob): Promise<EchoResult>;
export async function measure(server: Command, job: OpensJob | EchoJob): Promise<unknown> {
  const [program, ...args] = server;
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const closed = once(child, "close");
  try {
    const [url] = (await Promise.race([once(child.stdout, "data"), failureOf(child)])) as unknown[];
    return await runLoad(String(url).trim(), job);
  } finally {
    // Servers end with their input, also when the bench itself is interrupted.
    child.stdin.end();
    await closed;
  }
}

async function runLoad(url: string, job: OpensJob | EchoJob): Promise<unknown> {
  const script = path.join(import.meta.dirname, "load-client.ts");
  const args = ["--import", "tsx", script, url, JSON.stringify(job)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [output, closed] = await Promise.all([text(child.stdout), once(child, "close")]);
  const [code] = closed as [number | null];
  if (code !== 0) throw new Error(`the load client ended with ${String(code)}`);
  return JSON.parse(output);
}

async function failureOf(child: ChildProcess): Promise<never> {
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  throw new Error(`${child.spawnargs.join(" ")} ended with ${code ?? signal ?? "nothing"}`);
}
