/** Runs a TypeScript file as a process of its own, against the sources. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A running script, which speaks in lines. */
export interface ScriptProcess {
  /** Waits for the next line that it prints. */
  nextLine(): Promise<string>;
  /** Gives it a line. */
  write(line: string): void;
  /** Ends its input and waits until it has ended by itself; returns its exit code. */
  end(): Promise<number | null>;
  /** Ends it with no chance to say goodbye. */
  kill(): Promise<void>;
}

/**
 * Starts a script.
 *
 * @param script - Its file.
 * @param args - What it is given.
 * @param nodeOptions - What node itself is given.
 */
export function runScript(
  script: URL,
  args: readonly string[] = [],
  nodeOptions: readonly string[] = [],
): ScriptProcess {
  const file = fileURLToPath(script);
  const child = spawn(process.execPath, [...nodeOptions, "--import", "tsx", file, ...args], {
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    // Where "fastrtc" is the sources and not what was built last.
    env: { ...process.env, TSX_TSCONFIG_PATH: "tsconfig.check.json" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    nextLine: async () => {
      const line = await lines.next();
      if (line.done === true) throw new Error(`${file} has ended and says no more.`);
      return line.value;
    },
    write: (line) => child.stdin.write(`${line}\n`),
    end: async () => {
      child.stdin.end();
      const [code] = (await exited) as [number | null];
      return code;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
