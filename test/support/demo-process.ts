/** `npm start` as a user starts it: a process of its own, on a free port. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
// Where something changed since the last start, it builds first.
const START_TIMEOUT_MS = 50_000;
const STOP_TIMEOUT_MS = 10_000;

/** A running demo. */
export interface DemoProcess {
  /** Where it said that it can be talked to. */
  readonly url: string;
  /** The last line that it has printed so far. */
  lastLine(): string;
  /**
   * Ends it as ctrl-C does.
   *
   * @throws Error when it does not end by itself.
   */
  stop(): Promise<void>;
}

/** Runs `npm start` and waits for its address. */
export async function startDemo(): Promise<DemoProcess> {
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const child = spawn(npm, ["start"], {
    cwd: ROOT,
    // 0 is any free port. Vitest's own variables are not a user's.
    env: { ...process.env, PORT: "0", HOST: "127.0.0.1", NODE_ENV: "", VITEST: "" },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that ctrl-C can reach npm and its child together.
    detached: true,
  });
  let printed = "";
  const exited = once(child, "exit");
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`npm start did not say its address. It said:\n${printed}`));
    }, START_TIMEOUT_MS);
    const onOutput = (chunk: Buffer): void => {
      printed += chunk.toString();
      const found = /http:\/\/127\.0\.0\.1:\d+\//.exec(printed)?.[0];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout.on("data", onOutput);
    child.stderr.on("data", onOutput);
    child.on("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`npm start ended with ${code}. It said:\n${printed}`));
    });
  });
  return {
    url,
    lastLine: () => printed.trimEnd().split("\n").at(-1) ?? "",
    stop: async () => {
      const group = -(child.pid ?? 0);
      process.kill(group, "SIGINT");
      const timer = setTimeout(() => process.kill(group, "SIGKILL"), STOP_TIMEOUT_MS);
      const [code, signal] = (await exited) as [number | null, string | null];
      clearTimeout(timer);
      if (signal === "SIGKILL") throw new Error(`The demo did not stop. It said:\n${printed}`);
      if (code !== 0 && code !== null && code !== 130) throw new Error(`npm start: exit ${code}`);
    },
  };
}
