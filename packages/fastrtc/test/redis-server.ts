/**
 * A Redis of a test's own: nothing is kept on disk, the port is free, and it ends with the test.
 *
 * Loud when there is none to start: a test of Redis that silently did nothing would be worth nothing.
 */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const NAMES = ["redis-server", "valkey-server"];
const START_WITHIN_MS = 10_000;

/**
 * Returns the path of a Redis or Valkey server. `FASTRTC_REDIS_SERVER` names one and wins.
 *
 * @throws Error that says how to install one, when there is none.
 * @public The script that provides what tests need asks too.
 */
export function findRedisServer(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const named = env["FASTRTC_REDIS_SERVER"];
  if (named) {
    if (isProgram(named)) return named;
    throw new Error(`FASTRTC_REDIS_SERVER names "${named}", which cannot be run.`);
  }
  const folders = [...(env["PATH"] ?? "").split(delimiter), "/usr/bin", "/usr/local/bin"];
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(
    isProgram,
  );
  if (found !== undefined) return found;
  throw new Error(
    "The Redis tests found no redis-server. Install it (apt-get install redis-server, " +
      "brew install redis), or name one in FASTRTC_REDIS_SERVER.",
  );
}

/** A server that runs, or did. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Ends it as a crash does, and starts an empty one on the same port. */
  restart(): Promise<void>;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
  /** Starts it again, empty, on the same port. */
  start(): Promise<void>;
  /** Lets it hang, with its connections open, or go on. */
  pause(isPaused: boolean): void;
  /** Ends it and removes its folder. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts a server.
 *
 * @param options - Further options of the program, such as `["--requirepass", "secret"]`.
 */
export async function startRedisServer(options: readonly string[] = []): Promise<RedisServer> {
  const program = findRedisServer();
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "fastrtc-redis-"));
  let child: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    const fixed = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder];
    const args = [...fixed, "--save", "", "--appendonly", "no", ...options];
    const started = (child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] }));
    let output = "";
    started.stdout.on("data", (data) => (output += String(data)));
    started.stderr.on("data", (data) => (output += String(data)));
    const deadline = Date.now() + START_WITHIN_MS;
    while (!(await accepts(port))) {
      if (started.exitCode !== null || Date.now() > deadline) {
        started.kill("SIGKILL");
        throw new Error(`${program} did not start on port ${port}:\n${output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const kill = async (): Promise<void> => {
    const running = child;
    child = undefined;
    if (running?.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, "exit");
    running.kill("SIGKILL");
    await ended;
  };

  await start();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    start,
    kill,
    restart: async () => {
      await kill();
      await start();
    },
    pause: (isPaused) => void child?.kill(isPaused ? "SIGSTOP" : "SIGCONT"),
    stop: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
