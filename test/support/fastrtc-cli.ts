/** Runs the `fastrtc` program as a process of its own, from the sources. */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running `fastrtc`. */
export class FastrtcCli {
  /** What it and its workers have printed, line by line. */
  readonly lines: string[] = [];
  /** What it and its workers have complained of. */
  errors = "";
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;

  constructor(args: readonly string[]) {
    const bin = fileURLToPath(new URL("../../packages/fastrtc/src/cli/bin.ts", import.meta.url));
    this.#child = spawn(process.execPath, ["--import", "tsx", bin, ...args], {
      cwd: fileURLToPath(new URL("../../", import.meta.url)),
      // Where "fastrtc" is the sources and not what was built last.
      env: { ...process.env, TSX_TSCONFIG_PATH: "tsconfig.check.json" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let rest = "";
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.lines.push(...lines);
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.errors += text));
    this.ended = new Promise((resolve) => {
      this.#child.once("close", (code, signal) => resolve({ code, signal }));
    });
  }

  /** What the workers have printed as JSON, in order. */
  reports<T>(): T[] {
    return this.lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as T);
  }

  /** Waits for so many reports of the workers, and returns them. */
  async waitForReports<T>(count: number): Promise<T[]> {
    await until(() => this.reports().length >= count, 40_000);
    return this.reports<T>();
  }

  /** Signals the primary process alone. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it if it has not ended yet; its workers then end by themselves. */
  async close(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }
}
